"""Options that several commands share, and how they become the application's own."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from surveil.app.options import CameraOptions, ModelOptions
from surveil.config.references import is_reference
from surveil.errors import UsageError


class TrackerName(StrEnum):
    """The trackers."""

    SURVEIL = "surveil"
    SORT = "sort"


class MotionName(StrEnum):
    """Whether the camera's motion is looked for."""

    AUTO = "auto"
    OFF = "off"


class RuntimeChoice(StrEnum):
    """The programs that compute networks."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    TORCH = "torch"


class TransportName(StrEnum):
    """How RTSP carries its packets."""

    TCP = "tcp"
    UDP = "udp"


Transport = Annotated[
    TransportName,
    typer.Option("--rtsp-transport", help="How RTSP carries its packets; udp loses some in busy networks."),
]
VerifyTls = Annotated[
    bool,
    typer.Option("--verify-tls", help="rtsps:// and https:// must show a certificate that is trusted here."),
]
Username = Annotated[
    str | None, typer.Option("--username", metavar="NAME", help="Of network cameras; as it is, not encoded.")
]
Password = Annotated[
    str | None,
    typer.Option("--password", metavar="keyring:NAME|${VAR}", help="Where the password is found."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|FILE.onnx", help="What detects; see `surveil models list`."),
]
Card = Annotated[
    Path | None,
    typer.Option("--card", metavar="FILE", help="The model's card; without it FILE.json beside the model."),
]
Tracker = Annotated[TrackerName, typer.Option("--tracker", help="How objects are followed.")]
Motion = Annotated[
    MotionName, typer.Option("--camera-motion", help="Whether the tracker is told how the camera moves.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where; cuda fails if it is not there.")
]
Runtime = Annotated[
    RuntimeChoice, typer.Option("--runtime", help="Which program computes; auto: the fastest that is there.")
]
InputSize = Annotated[
    str | None,
    typer.Option("--input-size", metavar="WxH", help="Of the model; `surveil models list` names them."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--classes", metavar="NAME,…", help="Only these, e.g. person,car. May be given again."),
]
MinScore = Annotated[
    float | None, typer.Option("--min-score", min=0, max=1, help="No object below this score (0-1).")
]
Decode = Annotated[
    str,
    typer.Option("--decode", metavar="auto|cpu|DEVICE", help="What decodes video; doctor names the devices."),
]
Every = Annotated[int, typer.Option("--every", min=1, metavar="N", help="Detect on every Nth frame only.")]
Gating = Annotated[bool, typer.Option("--motion-gating", help="Let the detector rest while nothing moves.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more; show where an error happened.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only: no progress, no table.")]


def split(names: list[str] | None) -> tuple[str, ...]:
    """Names given one by one or with commas.

    >>> split(["person,car", "bus"])
    ('person', 'car', 'bus')
    """
    return tuple(name.strip() for text in names or () for name in text.split(",") if name.strip())


def parse_size(text: str | None) -> tuple[int, int] | None:
    """(width, height) from `WxH`; None from None. Raises UsageError.

    >>> parse_size("416x256")
    (416, 256)
    """
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text)
    if match is None:
        raise UsageError(f"--input-size {text}: expected WIDTHxHEIGHT in pixels, e.g. 416x256")
    return int(match[1]), int(match[2])


def model_options(
    model: str | None,
    card: Path | None,
    device: str,
    runtime: RuntimeChoice,
    input_size: str | None,
    **others: Any,
) -> ModelOptions:
    """As the application wants them; `others` are fields of `ModelOptions` as they are."""
    return ModelOptions(
        model=model,
        card=card,
        device=device,
        runtime=runtime.value,
        input_size=parse_size(input_size),
        **others,
    )


def camera_options(
    username: str | None, password: str | None, transport: TransportName, verify_tls: bool
) -> CameraOptions:
    """How network cameras are read. Raises UsageError for a password in plain sight."""
    if password is not None and not is_reference(password):
        raise UsageError(
            "--password wants keyring:NAME or '${VARIABLE}': what is typed here others could read"
        )
    return CameraOptions(
        transport="udp" if transport is TransportName.UDP else "tcp",
        verify_tls=verify_tls,
        username=username,
        password=password,
    )

"""What can be chosen, for the command line, the window and Python alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from surveil.capture.span import Span
from surveil.errors import UsageError

Stdout = Literal["-"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """What detects and tracks.

    Attributes:
        model: name of a shipped model, or an `.onnx` file; None: the default model.
        card: the model's card; None: beside the model.
        device: `auto`, `cpu` or `cuda`.
        runtime: `auto`, `onnxruntime`, `openvino` or `torch`.
        input_size: (width, height) of the model's input, one that its card lists; None: the card's first.
        tracker: `surveil` or `sort`.
        camera_motion: `auto` tells the tracker how the camera moves, as far as the pictures show it; `off`.
        classes: the only classes to look for; empty: all.
        min_score: no object below it (0-1); None: as the model's card says.
        every: the detector looks at every `every`-th frame.
        motion_gating: the detector rests while nothing moves.
        detections: a file of recorded detections instead of a model.
        threads: of the detector on a CPU; 0: one a core.
    """

    model: str | None = None
    card: Path | None = None
    device: str = "auto"
    runtime: str = "auto"
    input_size: tuple[int, int] | None = None
    tracker: str = "surveil"
    camera_motion: Literal["auto", "off"] = "auto"
    classes: tuple[str, ...] = ()
    min_score: float | None = None
    every: int = 1
    motion_gating: bool = False
    detections: Path | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"every: expected 1 or more, got {self.every}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score: expected 0 to 1, got {self.min_score:g}")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputOptions:
    """Where results go; nothing is written where nothing is named.

    Attributes:
        out: the annotated video; a folder for NAME.mp4 when there are several sources.
        out_folder: instead of `out`: a folder for NAME.mp4, also when there is one source.
        mot: MOT text; a folder for NAME.txt when there are several sources.
        jsonl: tracks of all sources as JSON Lines; `-`: standard output.
        save_detections: detections of all sources as JSON Lines.
        all_states: also tentative, lost and coasting tracks in `jsonl`.
    """

    out: Path | None = None
    out_folder: Path | None = None
    mot: Path | None = None
    jsonl: Path | Stdout | None = None
    save_detections: Path | None = None
    all_states: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraOptions:
    """How the network cameras of a run are read.

    Attributes:
        transport: how RTSP carries its packets; `udp` loses some in busy networks.
        verify_tls: whether an encrypted camera must show a certificate that this machine trusts.
        username: for all of them, as it is, not percent-encoded; may hold `${VAR}`, or be `keyring:NAME`.
        password: the same.
    """

    transport: Literal["tcp", "udp"] = "tcp"
    verify_tls: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """Everything about a run but its sources.

    Attributes:
        start_s: media second to begin with (recordings).
        end_s: media second to end before; for cameras: seconds to watch.
        camera: how network cameras are read.
        decode: `auto`, `cpu` or a device that decodes video.
        realtime: recordings and scenes are taken for cameras: side by side, at their own pace, and pictures
            that are not processed in time are lost.
        loop: with `realtime`: again and again.
        staged: four threads; False: one after the other, with the same results.
    """

    model: ModelOptions = ModelOptions()
    output: OutputOptions = OutputOptions()
    camera: CameraOptions = CameraOptions()
    start_s: float = 0.0
    end_s: float | None = None
    decode: str = "auto"
    realtime: bool = False
    loop: bool = False
    staged: bool = True

    def __post_init__(self) -> None:
        Span(start_s=self.start_s, end_s=self.end_s)  # says at once what is wrong with them
        if self.loop and not self.realtime:
            raise UsageError("loop: recordings are played again and again only as cameras: add --realtime")


@dataclass(frozen=True, kw_only=True, slots=True)
class GuiOptions:
    """Everything about the window but its sources.

    Attributes:
        camera: how the network cameras among the sources are read.
        decode: as in `RunOptions`.
        config: the file with the cameras, where no sources are given; None: that of the user.
        demo: show the shipped clip, again and again.
        exit_after_s: close by itself after so many seconds (for tests and screenshots).
        screenshot: where to save a picture of the window at its end.
        stats: where to write, at the end, how fast the window was (JSON).
    """

    model: ModelOptions = ModelOptions()
    camera: CameraOptions = CameraOptions()
    decode: str = "auto"
    config: Path | None = None
    demo: bool = False
    exit_after_s: float | None = None
    screenshot: Path | None = None
    stats: Path | None = None

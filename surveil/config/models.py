"""Everything that can be set: the root of the configuration and its sections beside the cameras."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from surveil.config.base import REFERENCES, SECRET, Reference, Score, Section, Size, Text
from surveil.config.camera import Camera, expand_camera
from surveil.config.references import is_reference

VERSION: Literal[1] = 1


class Thresholds(Section):
    """Scores by which detections are used (0-1); what is not set is taken from the model's card."""

    low: Score | None = Field(default=None, description="Below, a detection is not looked at.")
    high: Score | None = Field(default=None, description="From here on it may find a lost object.")
    birth: Score | None = Field(default=None, description="From here on it may begin a new object.")

    @field_validator("high", "birth")
    @classmethod
    def _in_order(cls, score: float | None, info: ValidationInfo) -> float | None:
        for name in ("low", "high"):
            below = info.data.get(name)
            if score is not None and below is not None and name != info.field_name and score < below:
                raise ValueError(f"expected low <= high <= birth, got {name} {below:g} above it")
        return score


class Model(Section):
    """What detects."""

    name: Text | None = Field(
        default=None,
        description="A name of `surveil models list`, or an .onnx file; without it the device's default.",
    )
    card: Text | None = Field(default=None, description="Its card; without it FILE.json beside the model.")
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda|cuda:\d{1,2})$")] = Field(
        default="auto", description="auto, cpu, cuda or cuda:N; cuda fails where it is not there."
    )
    runtime: Literal["auto", "onnxruntime", "openvino", "torch"] = Field(
        default="auto", description="The library that runs the model."
    )
    input_size_px: Size | None = Field(
        default=None,
        description="Width and height of the model's input, one that its card lists; without it the first.",
    )
    classes: tuple[Text, ...] = Field(default=(), description="The only classes to look for; none: all.")
    min_score: Score | None = Field(default=None, description="No object below it; without it the card's.")
    threads: Annotated[int, Field(ge=0, le=256)] = Field(
        default=0, description="Threads of the detector on a CPU; 0: one a core."
    )
    thresholds: Thresholds = Field(default=Thresholds(), description="How sure it must be.")


class Tracking(Section):
    """How objects are followed."""

    tracker: Literal["surveil", "sort"] = Field(default="surveil", description="The tracker.")


class Display(Section):
    """What is drawn on annotated recordings, and in the window from the start."""

    boxes: bool = Field(default=True, description="Rectangles around objects.")
    labels: bool = Field(default=True, description="A plate above each box: class, id, score.")
    ids: bool = Field(default=True, description="The id on the plate.")
    scores: bool = Field(default=True, description="The score on the plate.")
    trails: bool = Field(default=True, description="The way of each object.")
    zones: bool = Field(default=True, description="Areas and lines of the camera.")
    hud: bool = Field(default=True, description="The line at the top left: name and time.")
    tentative: bool = Field(default=False, description="Also objects that are not confirmed yet.")
    lost: bool = Field(default=False, description="Also lost objects, where they are predicted to be.")
    smoothed: bool = Field(default=True, description="Smoothed boxes; otherwise the detections themselves.")
    trail_s: Annotated[float, Field(gt=0, le=600)] = Field(default=2.0, description="Length of the trails.")


class Outputs(Section):
    """What `surveil serve` writes; nothing unless it is asked for."""

    folder: Reference = Field(
        default="surveil-out",
        description="Where recordings and tracks go; a relative path counts from this file's folder.",
        json_schema_extra=REFERENCES,
    )
    annotated: bool = Field(
        default=False, description="Record each camera with its boxes: FOLDER/CAMERA/START.mp4."
    )
    jsonl: Literal["off", "files", "stdout"] = Field(
        default="off", description="Tracks as JSON Lines: FOLDER/tracks/START.jsonl, or standard output."
    )
    all_states: bool = Field(
        default=False, description="Also tentative, lost and coasting tracks in the JSON Lines."
    )
    piece_s: Annotated[float, Field(ge=1, le=86400)] = Field(
        default=3600.0, description="A new file after so many seconds."
    )


class Metrics(Section):
    """Figures for Prometheus, on this machine's loopback address alone."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="http://127.0.0.1:PORT/metrics and /healthz; without it nothing listens."
    )
    token: Reference | None = Field(
        default=None,
        description="Who asks for /metrics must send it: Authorization: Bearer TOKEN. Needed with port.",
        json_schema_extra=SECRET,
    )

    @field_validator("token")
    @classmethod
    def _is_not_empty(cls, token: str | None) -> str | None:
        if token is not None and not is_reference(token) and len(token) < 8:
            raise ValueError("a token has at least 8 characters")
        return token


class Service(Section):
    """How `surveil serve` runs."""

    status_file: Text | None = Field(
        default=None, description="What `surveil status` reads; without it in the user's state folder."
    )
    lock_file: Text | None = Field(
        default=None,
        description="Held while it runs: a second one refuses; without it in the user's state folder.",
    )
    status_period_s: Annotated[float, Field(ge=0.2, le=60)] = Field(
        default=2.0, description="How often the status file is written."
    )
    watch_period_s: Annotated[float, Field(ge=0.2, le=600)] = Field(
        default=1.0, description="How often this file is looked at for changes."
    )
    metrics: Metrics = Field(default=Metrics(), description="Figures for Prometheus.")

    @field_validator("metrics")
    @classmethod
    def _guarded(cls, metrics: Metrics) -> Metrics:
        if metrics.port is not None and metrics.token is None:
            raise ValueError("a port needs a token, given as ${VARIABLE} or keyring:NAME")
        return metrics


class Load(Section):
    """What happens when the machine cannot keep up; see docs/load.md."""

    degrade: bool = Field(
        default=True,
        description="Do without something then: draw less, look seldom where nothing moves, look at smaller "
        "pictures.",
    )
    least_hz: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5.0, description="A camera with fewer results a second is behind, if it sends more pictures."
    )


class Config(Section):
    """One file: cameras, and how they are watched."""

    version: Literal[1] = Field(default=VERSION, description="Of this file's form.")
    cameras: tuple[Camera, ...] = Field(
        default=(), max_length=256, description="What is watched, in the order in which it is shown."
    )
    model: Model = Field(default=Model(), description="What detects.")
    load: Load = Field(default=Load(), description="What happens when the machine cannot keep up.")
    tracking: Tracking = Field(default=Tracking(), description="How objects are followed.")
    display: Display = Field(default=Display(), description="What is drawn.")
    outputs: Outputs = Field(default=Outputs(), description="What is written.")
    service: Service = Field(default=Service(), description="How the service runs.")

    @model_validator(mode="before")
    @classmethod
    def _spell_out_cameras(cls, data: Any) -> Any:
        cameras = data.get("cameras") if isinstance(data, dict) else None
        if not isinstance(cameras, tuple):
            return data
        taken = {str(one["id"]).casefold() for one in cameras if isinstance(one, dict) and "id" in one}
        return {**data, "cameras": tuple(expand_camera(one, taken) for one in cameras)}

    def camera(self, camera_id: str) -> Camera | None:
        """The camera of that id."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)

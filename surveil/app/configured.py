"""From a configuration to what the doors need: the parts of a session, its cameras, its overlay."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from surveil.app.login import with_login
from surveil.app.options import ModelOptions, RunOptions
from surveil.app.shapes import shapes_of
from surveil.app.table import Table
from surveil.capture.spec import SourceSpec, parse_source
from surveil.clock import Clock
from surveil.config.camera import Camera, Role
from surveil.config.load import Loaded
from surveil.config.models import Config, Thresholds
from surveil.config.paths import beside
from surveil.config.references import References
from surveil.detect import card
from surveil.detect.detector import Detector
from surveil.errors import DeviceError, Problem, SourceError, UsageError
from surveil.pipeline.ladder import LadderConfig
from surveil.pipeline.memory import Memory
from surveil.pipeline.session import NO_TAPS, CameraConfig
from surveil.render.style import OverlayStyle

if TYPE_CHECKING:
    from surveil.pipeline.live import Brain, Tap


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraPlan:
    """The cameras of a configuration.

    Attributes:
        cameras: those that can be watched, in the order of the file.
        failed: why the others cannot, by id; the rest goes on without them.
    """

    cameras: tuple[CameraConfig, ...]
    failed: Mapping[str, Problem]


def plan_cameras(
    loaded: Loaded,
    references: References,
    taps: Mapping[str, Tap] = NO_TAPS,
    pictures: Mapping[str, Tap] = NO_TAPS,
) -> CameraPlan:
    """How the cameras of a file are watched; what the file only names is looked up now.

    Args:
        loaded: the file.
        references: looks up variables and secrets.
        taps: takers of every camera's results, on the input with the role `detect`.
        pictures: takers of the pictures of the input with the role `record`, with the objects in them.
    """
    cameras: list[CameraConfig] = []
    failed: dict[str, Problem] = {}
    for number, camera in enumerate(loaded.config.cameras):
        try:
            planned = _camera(camera, loaded.path, references)
            cameras.append(replace(planned, taps=taps, pictures=pictures))
        except (UsageError, SourceError, DeviceError) as error:
            failed[camera.id] = loaded.problem(("cameras", number), str(error))
    return CameraPlan(cameras=tuple(cameras), failed=failed)


def unknown_classes(loaded: Loaded, labels: Collection[str]) -> Iterator[Problem]:
    """Classes that cameras look for, and that a model of these labels never finds."""
    for number, camera in enumerate(loaded.config.cameras):
        for name in camera.detect.classes:
            if name not in labels:
                near = difflib.get_close_matches(name, labels, n=1)
                meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(labels))}"
                key = ("cameras", number, "detect", "classes")
                yield loaded.problem(key, f"the model knows no class {name!r}; {meant}")


def _camera(camera: Camera, file: Path, references: References) -> CameraConfig:
    def source_for(role: Role) -> SourceSpec:
        return _source(camera.input_for(role).url, camera, file, references)

    source, shown, recorded = source_for("detect"), source_for("live"), source_for("record")
    if camera.decode not in ("auto", "cpu"):
        from surveil.capture.hardware import check_decoder

        check_decoder(camera.decode)
    return CameraConfig(
        id=camera.id,
        source=source,
        shown=None if shown == source else shown,
        recorded=None if recorded == source else recorded,
        enabled=camera.enabled,
        loop=not source.live,  # a recording stands in for a camera, which does not end
        max_rate_hz=camera.detect.max_rate_hz,
        classes=camera.detect.classes,
        ignored=tuple(area.relative for area in camera.masks.detection),
        privacy=tuple(area.relative for area in camera.masks.privacy),
        transport=camera.rtsp_transport,
        verify_tls=camera.verify_tls,
        still_after_s=camera.still_after_s,
        decode=camera.decode,
        priority=camera.detect.priority,
        motion_gating=camera.detect.motion_gating,
        shapes=shapes_of(camera),
    )


def _source(url: str, camera: Camera, file: Path, references: References) -> SourceSpec:
    text = with_login(references.resolve(url), camera.username, camera.password, references)
    spec = parse_source(text)
    if spec.kind in ("file", "images"):
        spec = parse_source(str(beside(file, text)))
    return replace(spec, name=camera.id)


def run_options(loaded: Loaded) -> RunOptions:
    """Model and tracker of a file."""
    model = loaded.config.model
    name = model.name
    if name is not None and name.endswith((".onnx", ".pt2")):
        name = str(beside(loaded.path, name))
    return RunOptions(
        model=ModelOptions(
            model=name,
            card=None if model.card is None else beside(loaded.path, model.card),
            device=model.device,
            runtime=model.runtime,
            input_size=model.input_size_px,
            tracker=loaded.config.tracking.tracker,
            classes=model.classes,
            min_score=model.min_score,
            threads=model.threads,
        )
    )


def overlay_style(config: Config) -> OverlayStyle:
    """What is drawn."""
    return OverlayStyle(**config.display.model_dump())


class ConfiguredTable(Table):
    """The parts of a session whose model and cameras come from a file, and may change with it."""

    def __init__(self, loaded: Loaded, clock: Clock) -> None:
        super().__init__(run_options(loaded), clock, several=len(loaded.config.cameras) > 1)
        self._wanted = loaded.config.model.thresholds
        self.labels: frozenset[str] = frozenset()
        """The classes of the model that was opened last."""

    @property
    def model(self) -> tuple[RunOptions, Thresholds]:
        """All that a brain is made of: equal values make equal brains."""
        return self._options, self._wanted

    def use(self, model: tuple[RunOptions, Thresholds]) -> None:
        """Make the next brain of this; the session's `set_model(None)` asks for it."""
        self._options, self._wanted = model

    def open_brain(self, model: str | None) -> Brain:
        """See `Parts`."""
        brain = super().open_brain(model)
        try:
            brain.new_step(Memory(), 0.0)  # says now, not at the first frame, which thresholds do not fit
        except UsageError:
            brain.detector.close()
            raise
        self.labels = frozenset(brain.detector.labels.names)
        return brain

    def _thresholds(self, detector: Detector) -> card.Thresholds:
        """The model's own, where the file gives no others."""
        given = self._wanted.model_dump(exclude_none=True)
        return replace(super()._thresholds(detector), **given)


def ladder_of(loaded: Loaded) -> LadderConfig | None:
    """What is done without when the machine cannot keep up; None: nothing."""
    load = loaded.config.load
    return LadderConfig(least_hz=load.least_hz) if load.degrade else None


def model_of(loaded: Loaded) -> tuple[RunOptions, Thresholds]:
    """As `ConfiguredTable.model`."""
    return run_options(loaded), loaded.config.model.thresholds

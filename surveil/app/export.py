"""An export: a recording of a session, run once more into files and looked at as the session does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from surveil.app.options import OutputOptions, RunOptions
from surveil.app.table import Table
from surveil.capture.source import Source
from surveil.capture.spec import SourceSpec
from surveil.clock import Clock, SystemClock
from surveil.detect.card import Thresholds
from surveil.detect.detector import Detector
from surveil.errors import UsageError
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.live import Brain
from surveil.pipeline.memory import Memory
from surveil.pipeline.run import Run
from surveil.pipeline.session import CameraConfig
from surveil.pipeline.wanted import Wanted, WantedDetector
from surveil.render.overlay import Overlay
from surveil.render.style import OverlayStyle


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A recording as a session watches it.

    Attributes:
        camera: the recording, its masks, classes, zones and lines.
        brain: what detects and tracks; the export has a detector of its own, and the same thresholds.
        options: model and tracker as the session was asked for them.
        style: what is drawn.
    """

    camera: CameraConfig
    brain: Brain
    options: RunOptions
    style: OverlayStyle


def plan_export(
    recording: Recording, output: OutputOptions, stop: threading.Event, clock: Clock | None = None
) -> Run:
    """A run that begins when its results are asked for.

    Raises:
        UsageError: a live camera has no beginning and no end.
        SourceError: the recording is not there any more.
    """
    camera = recording.camera
    if camera.source.kind in ("stream", "webcam"):
        raise UsageError(f"{camera.id} is live, and only recordings can be exported")
    camera.source.check()
    spec = replace(camera.source, live=False)
    table = _ExportTable(recording, output, clock or SystemClock())
    return Run([spec], table, stop=stop, every=camera.every)


class _ExportTable(Table):
    """The parts of the run."""

    def __init__(self, recording: Recording, output: OutputOptions, clock: Clock) -> None:
        model = recording.options.model
        if recording.brain.model is not None:  # changed while the session was running
            model = replace(model, model=recording.brain.model, card=None, input_size=None)
        super().__init__(replace(recording.options, model=model, output=output), clock)
        self._recording = recording

    def open_recording(self, spec: SourceSpec) -> Source:
        """See `RunParts`: what is private stays private."""
        source = super().open_recording(spec)
        if not self._recording.camera.privacy:
            return source
        from surveil.capture.privacy import MaskedSource  # brings OpenCV along

        return MaskedSource(source, self._recording.camera.privacy)

    def open_detector(self) -> tuple[Detector, int]:
        """See `RunParts`."""
        detector, count = super().open_detector()
        camera = self._recording.camera
        return WantedDetector(detector, Wanted(camera.ignored, camera.classes)), count

    def new_step(
        self,
        detector: Detector,
        thresholds: Thresholds | None = None,
        memory: Memory | None = None,
        at_s: float = 0.0,
    ) -> CameraStep:
        """See `RunParts`: thresholds as the session has them now."""
        return self._recording.brain.new_step(memory or Memory(), at_s)

    def new_overlay(self) -> Overlay:
        """See `Table`: as the tile, with the line of facts that every video has."""
        overlay = Overlay(replace(self._recording.style, hud=True))
        overlay.shapes = self._recording.camera.shapes
        return overlay

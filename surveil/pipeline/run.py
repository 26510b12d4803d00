"""One run over recordings, or over cameras: results to the caller, files on the way, a summary at the end."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from surveil.errors import SourceCause, SourceError, SurveilError, UsageError
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.channel import Channel
from surveil.pipeline.chronicle import Chronicle
from surveil.pipeline.files import FileJob, run_sequential, run_staged
from surveil.pipeline.ladder import LadderConfig, Load
from surveil.pipeline.outlet import FileOutlet, ResultWriter, finishing
from surveil.pipeline.parts import Parts
from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.state import TROUBLE, State
from surveil.pipeline.stats import StageTimes
from surveil.pipeline.summary import Census, RunSummary
from surveil.types import FrameResult

if TYPE_CHECKING:
    from surveil.capture.source import Source, SourceInfo
    from surveil.capture.spec import SourceSpec
    from surveil.detect.detector import Detector
    from surveil.pipeline.gate import LaggedGate

log = logging.getLogger(__name__)

POLL_S = 0.2
LIVE_QUEUE = 8  # results a camera may be ahead of the files; at 1080p 50 MB
QUEUE_BYTES = 256 * 2**20  # and their pictures, those of all cameras together
STOP_S = 5.0
KEPT = frozenset({"frames", "reconnects", "repaired_stamps", "skipped_frames"})  # these tell of no loss


class RunParts(Parts, Protocol):
    """What a run is made of; `surveil.app` holds the table."""

    def check_outputs(self, specs: Sequence[SourceSpec]) -> None:
        """Prove that every output can be written, before any work. Raises OutputError, UsageError."""

    def open_recording(self, spec: SourceSpec) -> Source:
        """A recording that is not open yet."""

    def open_detector(self) -> tuple[Detector, int]:
        """A detector, and how many frames it is to look at side by side. Raises ModelError, DeviceError."""

    def new_step(self, detector: Detector) -> CameraStep:
        """Tracker and rules of one source."""

    def new_gate(self) -> LaggedGate | None:
        """When the detector looks at the frames of one recording; None: always."""

    def open_shared(self) -> Sequence[ResultWriter]:
        """Writers that serve all sources. Raises OutputError."""

    def open_outlet(
        self, spec: SourceSpec, shared: Sequence[ResultWriter], source: Source | None
    ) -> FileOutlet:
        """Where one source's results go; `source` is the recording, which knows its rate once it is open."""

    def camera(self, spec: SourceSpec) -> CameraConfig:
        """How a live source is watched."""

    def files(self, specs: Sequence[SourceSpec]) -> tuple[Path, ...]:
        """All files of this run that exist now."""


class Run:
    """Give the results of `sources` one by one; nothing happens before they are asked for.

    Recordings come one after the other, every frame of them. One that cannot be read is reported and left
    out, and raised at the end. Cameras are watched side by side, newest frames only, until `stop` is set or
    `seconds` are over; one that gave no picture in all that time is raised then.

    Attributes:
        specs: the sources.
        times: time by stage (recordings).
        playing: what is known of the recording that plays now; None before the first.
        failures: what was left out, by the source's name.
    """

    def __init__(
        self,
        specs: Sequence[SourceSpec],
        parts: RunParts,
        *,
        stop: threading.Event,
        every: int = 1,
        seconds: float | None = None,
        staged: bool = True,
    ) -> None:
        """Plan it.

        Raises:
            UsageError: recordings and cameras together, or none of both.
        """
        if not specs:
            raise UsageError("nothing to run: give at least one source")
        if len({spec.live for spec in specs}) > 1:
            names = ", ".join(spec.name for spec in specs if spec.live)
            raise UsageError(f"recordings and cameras ({names}) cannot go into one run: start one for each")
        self.specs, self._parts, self._stop = tuple(specs), parts, stop
        self._every, self._seconds, self._staged = every, seconds, staged
        self.times = StageTimes()
        self.playing: SourceInfo | None = None
        self.failures: dict[str, SurveilError] = {}
        self._census = Census()
        self._left_out: Counter[str] = Counter()
        self._device = ""
        self._began_s = self._ended_s = 0.0
        self._session: Session | None = None
        self._chronicle = Chronicle()
        self._seen: set[str] = set()  # names of the sources that gave a result

    @property
    def live(self) -> bool:
        """Whether cameras are watched."""
        return self.specs[0].live

    def states(self) -> Mapping[str, State]:
        """How the cameras are doing; empty for recordings."""
        return {} if self._session is None else self._session.states()

    @property
    def load(self) -> Load:
        """What cameras are done without now, and why."""
        return Load() if self._session is None else self._session.load

    def summary(self) -> RunSummary:
        """What the run has come to so far."""
        return RunSummary(
            frames=self._census.frames,
            looked=self._census.looked,
            wall_s=(self._ended_s or self._parts.clock.monotonic()) - self._began_s,
            objects=self._census.objects(),
            device=self._device,
            files=self._parts.files([spec for spec in self.specs if spec.name in self._seen]),
            left_out=dict(self._left_out),
        )

    def results(self) -> Iterator[FrameResult]:
        """The results, in order within each source.

        Files are finished when the results end, when `stop` is set, and when the caller leaves. After an
        error that is not a source's the video stays as `.part`.

        Raises:
            SurveilError: of any kind; see `surveil.errors`.
        """
        self._parts.check_outputs(self.specs)
        self._began_s = self._parts.clock.monotonic()
        shared = self._parts.open_shared()
        try:
            with finishing(shared):
                for result in self._live(shared) if self.live else self._recordings(shared):
                    self._census.add(result)
                    self._seen.add(result.frame.camera_id)
                    yield result
        finally:
            self._ended_s = self._parts.clock.monotonic()
        self._raise_failures()

    # ---- recordings

    def _recordings(self, shared: Sequence[ResultWriter]) -> Iterator[FrameResult]:
        detector, threads = self._parts.open_detector()
        self._device = detector.device + (f", {threads} frames side by side" if threads > 1 else "")
        try:
            for spec in self.specs:
                if self._stop.is_set():
                    return
                try:
                    yield from self._recording(spec, detector, threads, shared)
                except (SourceError, UsageError) as error:
                    if len(self.specs) == 1:
                        raise
                    log.error("%s", error)  # noqa: TRY400 - the others go on; it is raised at the end
                    self.failures[spec.name] = error
        finally:
            detector.close()

    def _recording(
        self, spec: SourceSpec, detector: Detector, threads: int, shared: Sequence[ResultWriter]
    ) -> Iterator[FrameResult]:
        source = self._parts.open_recording(spec)
        outlet = self._parts.open_outlet(spec, shared, source)
        job = FileJob(
            source=source,
            detector=detector,
            step=self._parts.new_step(detector),
            outlet=outlet,
            every=self._every,
            gate=self._parts.new_gate(),
            detect_threads=threads,
            times=self.times,
        )
        frames = 0
        with finishing([outlet]):
            for result in (run_staged if self._staged else run_sequential)(job, self._stop):
                if frames == 0:
                    self.playing = source.info
                frames += 1
                yield result
            if frames == 0 and not self._stop.is_set():
                raise SourceError(
                    f"{spec.shown}: holds no picture", SourceCause.EMPTY, "Choose another source"
                )
        self._leave_out(source.counters)

    def _leave_out(self, counts: Mapping[str, int]) -> None:
        self._left_out.update({reason: n for reason, n in counts.items() if n and reason not in KEPT})

    def _raise_failures(self) -> None:
        if self.failures:
            first = next(iter(self.failures.values()))
            cause = first.cause if isinstance(first, SourceError) else SourceCause.UNSUPPORTED
            failed = "gave no picture" if self.live else "could not be processed"
            raise SourceError(
                f"{len(self.failures)} of {len(self.specs)} sources {failed} "
                f"({', '.join(self.failures)}); the others are complete",
                cause,
            ) from first

    # ---- cameras

    def _live(self, shared: Sequence[ResultWriter]) -> Iterator[FrameResult]:
        results: Channel[FrameResult] = Channel(LIVE_QUEUE * len(self.specs))

        def offer(result: FrameResult) -> bool:
            full = len(results) * result.frame.image.nbytes >= QUEUE_BYTES
            return not full and results.offer(result)

        taps = {"outlet": offer}
        cameras = [replace(self._parts.camera(spec), taps=taps) for spec in self.specs]
        outlets = {spec.name: self._parts.open_outlet(spec, shared, None) for spec in self.specs}
        session = self._session = Session(self._parts, cameras, LadderConfig())
        session.start()
        self._device = session.device
        try:
            with finishing(list(outlets.values())):
                for result in self._watched(session, results):
                    outlet = outlets[result.frame.camera_id]
                    outlet.write(result, outlet.draw(result))
                    yield result
        finally:
            session.stop(STOP_S)

    def _watched(self, session: Session, results: Channel[FrameResult]) -> Iterator[FrameResult]:
        clock = self._parts.clock
        began_s, looked_s, over = clock.monotonic(), float("-inf"), False
        while not self._stop.is_set():
            now_s = clock.monotonic()
            if self._seconds is not None and now_s - began_s >= self._seconds:
                break
            if now_s - looked_s >= POLL_S:
                looked_s = now_s
                over = self._look_after(session)
            try:
                result = results.get(POLL_S)
            except TimeoutError:
                if over:
                    break
                continue
            yield result
        for name, state in session.states().items():
            self._leave_out({**state.counters, **state.stats.drops})
            if not state.stats.received and not self._stop.is_set():
                self.failures[name] = SourceError(state.detail or state.cause, _cause(state.cause))
        results.close()
        while len(results):  # nobody else takes from it, and nothing more comes in
            yield results.get()

    def _look_after(self, session: Session) -> bool:
        """Say what changed; raise when there is nothing to wait for. Whether all have ended."""
        if session.failure is not None:
            raise session.failure
        states = session.states()
        dead = [state for state in states.values() if state.name in TROUBLE and not state.stats.received]
        if len(dead) == len(states):
            # A camera that was seen once is waited for; one that never was is not there.
            raise SourceError(dead[0].detail or dead[0].cause, _cause(dead[0].cause))
        self._chronicle.note(states)
        return all(state.name in ("ended", "failed") for state in states.values())


def _cause(text: str) -> SourceCause:
    """The cause by its word; a fault of another kind is one of the device."""
    return SourceCause(text) if text in set(SourceCause) else SourceCause.DEVICE

"""Recordings: every frame, in order, as fast as the machine allows.

    decode + letterbox | detect          | track + rules + draw | encode + write
       thread             thread a core     thread                the caller's thread

Between them stand short channels: longer ones give more latency, not more throughput. What is written is the
same, byte for byte, as when one thread does it all.

Several frames are detected side by side, each by one thread: that keeps all cores busy, where one detection
spread over the cores makes them wait for each other at every layer.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from surveil.pipeline.channel import Channel, Closed
from surveil.pipeline.outlet import Drawn, Outlet
from surveil.pipeline.stats import StageTimes
from surveil.pipeline.worker import Worker
from surveil.types import Detections, Frame, FrameResult

if TYPE_CHECKING:
    from surveil.capture.source import Source
    from surveil.detect.detector import Detector
    from surveil.detect.preprocess import Prepared
    from surveil.pipeline.camera import CameraStep
    from surveil.pipeline.gate import LaggedGate

CAPACITY = 2
JOIN_S = 10.0  # a running inference on a slow machine ends within this
SIGNAL_POLL_S = 0.5  # where a wait without a time limit would hold off Ctrl-C (Windows)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileJob:
    """One recording and what is to be done with it.

    Attributes:
        source: not open yet: the decoding thread opens, plays and closes it.
        every: the detector looks at the first frame and at every `every`-th after it.
        gate: says at which of them it looks at all; None: at all. Used for this job alone.
        detect_threads: how many frames are detected at the same time.
        outlet: where results go; it is the caller's to close.
    """

    source: Source
    detector: Detector
    step: CameraStep
    outlet: Outlet
    every: int = 1
    gate: LaggedGate | None = None
    detect_threads: int = 1
    times: StageTimes = field(default_factory=StageTimes)


@dataclass(frozen=True, slots=True)
class _Item:
    """A frame on its way; `prepared` and `detections` are None where the detector is not to look."""

    frame: Frame
    prepared: Prepared | None
    timings_ms: dict[str, float]
    detections: Detections | None = None


@contextmanager
def playing(source: Source, stop: threading.Event) -> Iterator[Iterator[Frame]]:
    """The frames of a source that is open for that long. They end before it closes: they hold its decoder."""
    with source:
        frames = source.frames(stop)
        try:
            yield frames
        finally:
            if isinstance(frames, Generator):
                frames.close()


def _decode(job: FileJob, stop: threading.Event) -> Generator[_Item, None, None]:
    with playing(job.source, stop) as frames:
        for number in count():
            with job.times.measure("decode") as decode:
                frame = next(frames, None)
            if frame is None:
                return
            timings = {"decode": decode.wall_ms}
            prepared = None
            looks = number % job.every == 0
            if job.gate is not None:
                with job.times.measure("motion"):
                    looks = job.gate.opens(frame, wanted=looks)
            if looks:
                with job.times.measure("prepare") as prepare:
                    prepared = job.detector.prepare(frame)
                timings["prepare"] = prepare.wall_ms
            yield _Item(frame, prepared, timings)


def _detect(job: FileJob, item: _Item) -> _Item:
    if item.prepared is None:
        return item
    with job.times.measure("detect") as watch:
        detections = job.detector.detect([item.prepared])[0]
    return _Item(item.frame, None, {**item.timings_ms, "detect": watch.wall_ms}, detections)


def _track(job: FileJob, item: _Item) -> tuple[FrameResult, Drawn]:
    timings = item.timings_ms
    with job.times.measure("track") as watch:
        result = job.step.step(item.frame, item.detections, timings)
    timings["track"] = watch.wall_ms  # the result shows this very mapping
    if job.gate is not None:
        job.gate.know(result.tracks, result.frame.pts_s)
    with job.times.measure("draw"):
        drawn = job.outlet.draw(result)
    return result, drawn


def _write(job: FileJob, result: FrameResult, drawn: Drawn) -> None:
    with job.times.measure("write"):
        job.outlet.write(result, drawn)


def run_sequential(job: FileJob, stop: threading.Event) -> Iterator[FrameResult]:
    """Results of all frames, made one after the other in the caller's thread.

    The layout that others must equal. When `stop` is set the results end early, without an error.
    """
    with closing(_decode(job, stop)) as items:
        for item in items:
            result, drawn = _track(job, _detect(job, item))
            _write(job, result, drawn)
            yield result


def run_staged(job: FileJob, stop: threading.Event) -> Iterator[FrameResult]:
    """Results of all frames, made in several threads of which the caller's is the last.

    When `stop` is set the frames on their way are finished and the results end early, without an error.
    When a stage raises, the results of the frames before come out first, as in the sequential layout, then
    the error. When the caller leaves, or fails to write, every channel is aborted. No thread is left behind
    in any case.
    """
    layout = _Staged(job, stop)
    try:
        layout.start()
        for result, drawn in layout.tracked():
            _write(job, result, drawn)
            yield result
    except BaseException:
        layout.abort()
        layout.join()
        raise
    layout.join()
    layout.raise_first_error()


class _Staged:
    """The threads before the caller's."""

    def __init__(self, job: FileJob, stop: threading.Event) -> None:
        self._job, self._stop = job, stop
        self._pool = ThreadPoolExecutor(job.detect_threads, thread_name_prefix="file-detect")
        # Detections end in any order; the channel keeps that of the frames.
        self._detecting: Channel[Future[_Item]] = Channel(CAPACITY + job.detect_threads - 1)
        self._tracked: Channel[tuple[FrameResult, Drawn]] = Channel(CAPACITY)
        self._errors: list[BaseException] = []  # in the order in which they happened
        self._decoder = Worker("file-decode", self._decode, self._decoded)
        self._tracker = Worker("file-track", self._track, self._ended)

    def start(self) -> None:
        self._decoder.start()
        self._tracker.start()

    def tracked(self) -> Iterator[tuple[FrameResult, Drawn]]:
        while True:
            try:
                yield self._tracked.get(SIGNAL_POLL_S)
            except TimeoutError:
                continue
            except Closed:
                return

    def abort(self) -> None:
        if self._job.gate is not None:
            self._job.gate.abort()
        self._detecting.abort()
        self._tracked.abort()

    def join(self) -> None:
        for worker in (self._decoder, self._tracker):
            worker.wait(JOIN_S)
        self._pool.shutdown(cancel_futures=True)  # nobody waits for them any more

    def raise_first_error(self) -> None:
        if self._errors:
            raise self._errors[0]

    def _decode(self) -> None:
        with closing(_decode(self._job, self._stop)) as items:
            for item in items:
                self._detecting.put(self._pool.submit(_detect, self._job, item))

    def _track(self) -> None:
        while True:
            item = self._detecting.get().result()
            self._tracked.put(_track(self._job, item))

    # However a stage ends, those after it finish what they have, and those before it stop.

    def _decoded(self, error: BaseException | None) -> None:
        self._note(error)
        self._detecting.close()

    def _ended(self, error: BaseException | None) -> None:
        self._note(error)
        self._tracked.close()
        if self._job.gate is not None:
            self._job.gate.abort()
        self._detecting.abort()

    def _note(self, error: BaseException | None) -> None:
        if error is not None:
            self._errors.append(error)

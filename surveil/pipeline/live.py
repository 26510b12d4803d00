"""The live layout: whatever the machine manages now, with the newest frames.

    capture + letterbox | detect + track + rules           | present, recorders, callers
      thread a camera      one thread, or one a core           each in a thread of its own

Between the first two stands the `Inbox`: a live camera overwrites its frame there, a recording waits. It
gives a camera to one thread at a time, so the camera step needs no lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from surveil.clock import Clock
from surveil.pipeline.cadence import Cadence
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.channel import Closed
from surveil.pipeline.gate import Gate
from surveil.pipeline.inbox import Inbox
from surveil.pipeline.memory import Memory
from surveil.pipeline.slot import Slot
from surveil.pipeline.state import FeedState, State
from surveil.pipeline.stats import CameraMeter, StageTimes
from surveil.pipeline.wanted import Wanted
from surveil.pipeline.worker import Worker
from surveil.types import Detections, Frame, FrameResult

if TYPE_CHECKING:
    from surveil.detect.detector import Detector
    from surveil.detect.preprocess import Prepared
    from surveil.render.shapes import Shape

Tap = Callable[[FrameResult], bool]
"""Takes results in an inference thread, one camera's in order, of several cameras perhaps at the same time:
must not wait or raise; False means that the result was lost."""


NewStep = Callable[[Memory, float], CameraStep]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Brain:
    """What turns pictures into tracks; exchanged as one when the model or the thresholds change.

    Attributes:
        new_step: makes the tracker and rules of one camera, from what is known of it and the media time (in
            the frames that follow) when it was last known. Brains with the same one share their trackers,
            which go on when one follows the other.
        model: what `Parts.open_brain` was asked for.
        side_by_side: how many detections are worth running at the same time.
        several: whether the detector is made for several cameras, or for one alone; None: for both.
    """

    detector: Detector
    new_step: NewStep
    model: str | None = None
    side_by_side: int = 1
    several: bool | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """A frame on its way to the detector; `prepared`, for `detector`, is None where it is not to look."""

    lane: Lane
    frame: Frame
    detector: Detector
    prepared: Prepared | None
    prepare_ms: float


class Lane:
    """One camera's way through the layout: what its capture thread and inference share.

    Attributes:
        newest: the newest frame, before detection.
        result: the newest result.
        hide: what a frame goes through before anything else sees it.
        cadence: how often the detector looks; may be exchanged, as may `wanted`.
        gate: when it rests because nothing happens.
        priority: who is served first when not all can be; higher goes before lower.
        wanted: which detections count.
        shapes: areas and lines that are drawn on its pictures.
        closed: whether it is served no longer; frames that are still on their way are thrown away.
    """

    def __init__(
        self,
        camera_id: str,
        *,
        live: bool,
        taps: Mapping[str, Tap],
        hide: Callable[[Frame], Frame] | None = None,
        memory: Memory | None = None,
    ) -> None:
        """`memory`: what is known of its tracks; None: there were none."""
        self.camera_id, self.live, self.hide = camera_id, live, hide
        self.taps = dict(taps)
        self.cadence, self.gate, self.priority, self.wanted = Cadence(), Gate(), 0, Wanted()
        self.shapes: tuple[Shape, ...] = ()
        self._memory = memory or Memory()
        self.newest: Slot[Frame] = Slot()
        self.result: Slot[FrameResult] = Slot()
        self.meter = CameraMeter()
        self.closed = False
        self.step: tuple[NewStep, CameraStep] | None = None  # for the thread that has the camera

    def memory(self) -> Memory:
        """What the camera's next tracker takes over. Any thread."""
        return self.step[1].memory() if self.step else self._memory

    def step_of(self, brain: Brain, frame: Frame) -> CameraStep:
        """The camera's tracker and rules; a brain of another kind begins anew with this frame, ids go on."""
        if self.step is None or self.step[0] is not brain.new_step:
            memory = self._memory if self.step is None else Memory(last_id=self.step[1].last_id)
            step = brain.new_step(memory, memory.moment(frame, live=self.live))
            self.step = (brain.new_step, step)
        return self.step[1]

    def due(self, frame: Frame) -> bool:
        """Whether the detector is to look at this frame, which the gate has seen."""
        return self.cadence.due(frame) and self.gate.due(frame)

    def looked(self, frame: Frame) -> None:
        """The detector has looked at this frame."""
        self.cadence.looked(frame)
        self.gate.looked(frame)

    def state(self, feed: FeedState, now_s: float, device: str, overwritten: int) -> State:
        """A snapshot of what is known here, beside what the camera's feed says."""
        return State(
            name=feed.name,
            since_s=feed.since_s,
            cause=feed.cause,
            remedy=feed.remedy,
            detail=feed.detail,
            counters=MappingProxyType(dict(feed.counters)),
            live=self.live,
            decoder=feed.decoder,
            device=device,
            attention=self.gate.attention,
            stats=self.meter.stats(now_s, {"overwritten": overwritten}),
        )


class Inference:
    """What detects and tracks for all cameras, in one thread or several.

    Attributes:
        times: time by stage.
    """

    def __init__(self, brain: Brain, clock: Clock, on_news: Callable[[str], None], threads: int = 1) -> None:
        """`threads`: as many as any brain that is to come will have side by side."""
        self._brain, self._clock, self._on_news = brain, clock, on_news
        self._inbox: Inbox[_Item] = Inbox(brain.side_by_side)
        self._serving = tuple(threading.Lock() for _ in range(max(threads, brain.side_by_side)))
        self.times = StageTimes()

    @property
    def brain(self) -> Brain:
        """What is in use; capture threads prepare for its detector."""
        return self._brain

    def replace(self, brain: Brain, *, instead_of: Brain | None = None) -> bool:
        """Use another detector from the next frame on; the one before is closed.

        Trackers begin anew where `new_step` is another one. False, and nothing changes, where the brain in
        use is no longer `instead_of`.
        """
        with ExitStack() as stack:
            for serving in self._serving:  # waits for what is running
                stack.enter_context(serving)
            before = self._brain
            if instead_of not in (None, before):
                return False
            self._brain = brain
            self._inbox.seat(brain.side_by_side)
        if before.detector is not brain.detector:
            before.detector.close()
        return True

    def open(self, lane: Lane) -> None:
        """Serve one more camera."""
        self._inbox.open(lane.camera_id)

    def close(self, lane: Lane) -> None:
        """Serve a camera no longer; its capture thread gets Closed."""
        lane.closed = True  # one of the same name may be opened at once
        self._inbox.close(lane.camera_id)

    def abort(self) -> None:
        """Wake everything that waits here with Closed."""
        self._inbox.abort()

    def overwritten(self, lane: Lane) -> int:
        """Frames of a camera that a newer one replaced before they were served."""
        return self._inbox.overwritten(lane.camera_id)

    def deliver(self, lane: Lane, frame: Frame) -> None:
        """Take a frame from a capture thread: prepare it there, and hand it over. Raises Closed."""
        if lane.hide is not None:
            frame = lane.hide(frame)
        lane.meter.received(self._clock.monotonic())
        lane.newest.put(frame)
        self._on_news(lane.camera_id)
        detector = self._brain.detector
        prepared, prepare_ms = None, 0.0
        if lane.gate.motion is not None:
            with self.times.measure(f"motion {lane.camera_id}"):
                lane.gate.see(frame)
        if lane.due(frame):
            with self.times.measure(f"prepare {lane.camera_id}") as watch:
                prepared = detector.prepare(frame)
            prepare_ms = watch.wall_ms
        if lane.closed:
            raise Closed
        item = _Item(lane, frame, detector, prepared, prepare_ms)
        self._inbox.put(lane.camera_id, item, wait=not lane.live, priority=lane.priority)

    def workers(self, at_end: Callable[[BaseException | None], None]) -> list[Worker]:
        """The threads, not started yet. They serve until `abort`."""
        return [
            Worker(f"inference-{k}", partial(self._run, k, serving), at_end)
            for k, serving in enumerate(self._serving)
        ]

    def _run(self, seat: int, serving: threading.Lock) -> None:
        while True:
            items = self._inbox.take(self._batch(), seat=seat)
            with serving:
                self._serve(items)
            self._inbox.give_back(item.lane.camera_id for item in items)

    def _batch(self) -> int:
        # On a CPU a batch gains nothing and delays its first camera.
        return GPU_BATCH if self._brain.detector.device.upper().startswith("CUDA") else 1

    def _serve(self, items: list[_Item]) -> None:
        brain = self._brain
        # Asked again: while this frame was prepared the one before may have been waiting for its turn.
        looked = [item for item in items if item.prepared is not None and item.lane.due(item.frame)]
        found: dict[str, Detections] = {}
        detect_ms = 0.0
        if looked:
            with self.times.measure("detect") as watch:
                batch = [_prepared_for(brain.detector, item) for item in looked]
                for item, detections in zip(looked, brain.detector.detect(batch), strict=True):
                    found[item.lane.camera_id] = item.lane.wanted(detections)
                    item.lane.looked(item.frame)
            detect_ms = watch.wall_ms
        for item in items:
            self._finish(brain, item, found.get(item.lane.camera_id), detect_ms)

    def _finish(self, brain: Brain, item: _Item, detections: Detections | None, detect_ms: float) -> None:
        lane = item.lane
        if lane.closed:
            return
        step = lane.step_of(brain, item.frame)
        timings = {"prepare": item.prepare_ms, "detect": detect_ms}
        with self.times.measure("track") as watch:
            result = step.step(item.frame, detections, timings)
        timings["track"] = watch.wall_ms
        lane.gate.know(result.tracks, item.frame.pts_s)
        lane.meter.processed(self._clock.monotonic(), item.frame.arrived_s, looked=result.detected)
        lane.result.put(result)
        for name, tap in lane.taps.items():
            if not tap(result):
                lane.meter.dropped(name)
        self._on_news(lane.camera_id)


GPU_BATCH = 8  # cameras served by one run of a GPU


def _prepared_for(detector: Detector, item: _Item) -> Prepared:
    """What the detector needs; prepared again where the model was changed on the way."""
    if item.detector is detector and item.prepared is not None:
        return item.prepared
    return detector.prepare(item.frame)


def coasted(result: FrameResult, frame: Frame) -> FrameResult:
    """An older result shown on a newer frame of the same camera: every box moved on by its velocity.

    For the eye only: where detection is slower than the camera, the display keeps the camera's rate. Made
    from values, so that it disturbs no tracker. `unseen_s` stays: nobody has looked for these objects since,
    and they must not look lost.
    """
    passed_s = frame.pts_s - result.frame.pts_s
    tracks = result.tracks
    shift = np.tile(tracks.velocity, (1, 2)) * np.float32(passed_s)
    moved = replace(
        tracks,
        boxes=tracks.boxes + shift,
        smoothed_boxes=tracks.smoothed_boxes + shift,
        age_s=tracks.age_s + np.float32(passed_s),
    )
    empty = Detections.empty(frame.size, result.detections.labels)
    return FrameResult(frame=frame, detections=empty, tracks=moved, detected=False)

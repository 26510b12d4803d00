"""Further streams of a camera: the small one is looked at, the large one is shown and recorded.

A view has no detector. Its pictures carry the objects of the stream that is looked at: both show the same
scene, so the boxes are moved on to the moment when the picture arrived, and scaled to its size.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from surveil.clock import Clock
from surveil.labels import LabelMap
from surveil.pipeline.cameras import CameraConfig, hiding
from surveil.pipeline.live import Lane, Tap, coasted
from surveil.pipeline.slot import Slot
from surveil.pipeline.state import FeedState, failed
from surveil.pipeline.worker import Worker
from surveil.types import Detections, Frame, FrameResult, Tracks

if TYPE_CHECKING:
    from surveil.capture.spec import SourceSpec
    from surveil.pipeline.parts import Feed

Use = Literal["live", "record"]
USES: tuple[Use, ...] = ("live", "record")

STALE_S = 2.0
"""Neither is an older picture shown as if it were live, nor are older boxes moved on: they would run away."""

OpenFeed = Callable[[CameraConfig, threading.Event, Callable[[Frame], None]], "Feed"]
"""Makes what reads a camera's source until the event is set."""


class View:
    """One further stream: its newest picture for those who show, each one for those who record."""

    def __init__(self, lane: Lane, config: CameraConfig, labels: Callable[[], LabelMap]) -> None:
        """`lane`: of the stream that is looked at. `labels`: of the detector in use."""
        self._lane, self._hide, self._labels = lane, hiding(config), labels
        self._newest: Slot[Frame] = Slot()
        self.taps: Mapping[str, Tap] = {}

    def deliver(self, frame: Frame) -> None:
        """Take a picture, in the capture thread of this stream."""
        if self._hide is not None:
            frame = self._hide(frame)
        self._newest.put(frame)
        if self.taps:
            result = onto(self._lane.result.latest(), frame, self._labels())
            for name, tap in self.taps.items():
                if not tap(result):
                    self._lane.meter.dropped(name)

    def latest(self, now_s: float) -> FrameResult | None:
        """The newest picture with its objects; None while there is no fresh one. Any thread."""
        frame = self._newest.latest()
        if frame is None or now_s - frame.arrived_s > STALE_S:
            return None
        return onto(self._lane.result.latest(), frame, self._labels())


@dataclass(kw_only=True, slots=True)
class _Stream:
    """A view and the thread that reads it, open while somebody uses it."""

    source: SourceSpec
    view: View
    feed: Feed
    worker: Worker
    stop: threading.Event
    uses: frozenset[Use] = frozenset()
    failure: FeedState | None = None


class Views:
    """The further streams of one camera. A stream that serves two uses is opened once.

    For callers that hold the session's lock; nothing here waits.
    """

    def __init__(
        self,
        config: CameraConfig,
        lane: Lane,
        *,
        open_feed: OpenFeed,
        labels: Callable[[], LabelMap],
        on_news: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._config, self._lane, self._open_feed = config, lane, open_feed
        self._labels, self._on_news, self._clock = labels, on_news, clock
        self._streams: Mapping[str, _Stream] = {}
        self._walls: frozenset[str] = frozenset()  # those that the small stream has too few pixels for
        self._left: list[Worker] = []

    def use(self, config: CameraConfig) -> None:
        """Read what `config` names: a stream to be recorded is opened at once, one to be shown when it is."""
        self._config = config
        for use in USES:
            stream, source = self._used(use), self._source(use)
            if stream is not None and stream.source != source:
                self._leave(use)
        self._show()
        if (recorded := self._source("record")) is not None:
            self._want("record", recorded)
        self._tap()

    def show(self, wall: str, *, on: bool) -> View | None:
        """The view that a wall is to show, opened where it is not; None: the stream that is looked at."""
        self._walls = self._walls | {wall} if on else self._walls - {wall}
        view = self._show()
        return view if on else None

    def states(self) -> dict[str, FeedState]:
        """How the open ones are doing, by their use."""
        streams = self._streams.values()  # never changed, only exchanged
        return {use: stream.failure or stream.feed.state for stream in streams for use in stream.uses}

    def close(self) -> list[Worker]:
        """Tell all to end; their threads."""
        for stream in self._streams.values():
            stream.stop.set()
        workers = [*self._left, *(stream.worker for stream in self._streams.values())]
        self._streams, self._left = {}, []
        return workers

    # ---- inside

    def _show(self) -> View | None:
        """The stream for showing is open while a wall wants it."""
        if self._walls and self._config.shown is not None:
            return self._want("live", self._config.shown).view
        self._leave("live")
        return None

    def _source(self, use: Use) -> SourceSpec | None:
        config = self._config
        if use == "live":
            return config.shown
        return config.recorded if config.pictures else None

    def _used(self, use: Use) -> _Stream | None:
        return next((stream for stream in self._streams.values() if use in stream.uses), None)

    def _want(self, use: Use, source: SourceSpec) -> _Stream:
        stream = self._streams.get(source.text) or self._open(source, use)
        stream.uses |= {use}
        return stream

    def _leave(self, use: Use) -> None:
        stream = self._used(use)
        if stream is None:
            return
        stream.uses -= {use}
        if not stream.uses:
            stream.stop.set()
            self._streams = {key: other for key, other in self._streams.items() if other is not stream}
            self._left = [*(worker for worker in self._left if worker.alive), stream.worker]

    def _open(self, source: SourceSpec, use: Use) -> _Stream:
        camera_id, stop = self._config.id, threading.Event()
        view = View(self._lane, self._config, self._labels)

        def deliver(frame: Frame) -> None:
            view.deliver(frame)
            self._on_news(camera_id)

        def at_end(error: BaseException | None) -> None:
            if error is not None:
                stream.failure = failed(error, self._clock.monotonic())

        feed = self._open_feed(replace(self._config, source=source), stop, deliver)
        worker = Worker(f"capture-{camera_id}-{use}", lambda: feed.run(stop), at_end)
        stream = _Stream(source=source, view=view, feed=feed, worker=worker, stop=stop)
        self._streams = {**self._streams, source.text: stream}
        if use == "record":
            view.taps = self._config.pictures
        worker.start()
        return stream

    def _tap(self) -> None:
        """Hand the pictures of the recorded stream on, and of no other."""
        for stream in self._streams.values():
            stream.view.taps = self._config.pictures if "record" in stream.uses else {}


def onto(result: FrameResult | None, frame: Frame, labels: LabelMap) -> FrameResult:
    """A picture of one stream with the objects that were found in another of the same camera.

    Args:
        result: the newest of the stream that is looked at; None before the first.
        frame: a picture of the other stream, of any size and with a media time of its own.
        labels: the detector's classes.
    """
    passed_s = float("inf") if result is None else frame.arrived_s - result.frame.arrived_s
    if result is None or abs(passed_s) > STALE_S:
        return FrameResult(
            frame=frame,
            detections=Detections.empty(frame.size, labels),
            tracks=Tracks.empty(frame.size, labels),
            detected=False,
        )
    moved = coasted(result, replace(frame, pts_s=result.frame.pts_s + passed_s))
    tracks = scaled(moved.tracks, result.frame.size, frame.size)
    return replace(moved, frame=frame, tracks=tracks)


def scaled(tracks: Tracks, size: tuple[int, int], to: tuple[int, int]) -> Tracks:
    """Tracks in pixels of a frame of `size` (width, height), in pixels of one of the size `to`."""
    factor = np.array([to[0] / size[0], to[1] / size[1]], np.float32)
    box_factor = np.tile(factor, 2)
    return replace(
        tracks,
        boxes=tracks.boxes * box_factor,
        smoothed_boxes=tracks.smoothed_boxes * box_factor,
        velocity=tracks.velocity * factor,
        frame_size=to,
    )

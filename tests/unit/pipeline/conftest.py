"""False rooms for the pipeline: a source, a detector and a tracker whose every answer is known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.capture.source import SourceInfo
from surveil.clock import SystemClock
from surveil.errors import ModelError
from surveil.labels import LabelMap
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.live import Brain
from surveil.pipeline.session import CameraConfig
from surveil.pipeline.state import FeedState
from surveil.types import Detections, Frame, FrameInfo, FrameResult, Tracks

LABELS = LabelMap("two", ("person", "car"))


class FakeClock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1e9 + self.now

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.now += timeout_s
        return event.is_set()


class FakeSource:
    """`count` pictures at 10 Hz; picture k is filled with k. `fail_at` raises before that picture."""

    first = 0  # where it begins

    def __init__(
        self,
        count: int = 20,
        *,
        camera_id: str = "cam",
        size: tuple[int, int] = (32, 24),
        fail_at: int | None = None,
        error: Exception | None = None,
        endless: bool = False,
        gap_s: float = 0.0,
    ) -> None:
        self.count, self.camera_id, self.size, self.fail_at = count, camera_id, size, fail_at
        self.error = error or RuntimeError("source broke")
        self.endless, self.gap_s = endless, gap_s
        self.opened = self.closed = 0
        self.frames_began = self.frames_ended = False
        self.threads: set[str] = set()

    def __enter__(self) -> FakeSource:
        self.opened += 1
        self.threads.add(threading.current_thread().name)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.frames_ended or not self.frames_began, "frames must end before the source closes"
        self.closed += 1
        self.threads.add(threading.current_thread().name)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(
            name=self.camera_id, size=self.size, rate_hz=10.0, duration_s=self.count / 10, live=False,
            frame_count=self.count, decoder="fake",
        )  # fmt: skip

    @property
    def counters(self) -> dict[str, int]:
        return {"corrupt_frames": 0}

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        index = self.first
        self.frames_began, self.frames_ended = True, False
        try:
            while (self.endless or index < self.count) and not stop.is_set():
                if index == self.fail_at:
                    raise self.error
                if self.gap_s and stop.wait(self.gap_s):
                    return
                yield self.picture(index)
                index += 1
        finally:
            self.frames_ended = True

    def picture(self, index: int) -> Frame:
        width, height = self.size
        return Frame(
            camera_id=self.camera_id, index=index, pts_s=index / 10, wall_s=0.0, arrived_s=0.0,
            image=np.full((height, width, 3), index % 256, np.uint8),
        )  # fmt: skip


@dataclass
class FakePrepared:
    frame: Frame
    by: FakeDetector


class FakeDetector:
    """One person a picture, whose left edge is the picture's number."""

    def __init__(self, *, fail_at: int | None = None, hold: Callable[[], None] = lambda: None) -> None:
        self.labels, self.card, self.device = LABELS, None, "CPU (fake)"
        self.fail_at, self.hold = fail_at, hold
        self.seen: list[tuple[str, int]] = []
        self.closed = False

    def prepare(self, frame: Frame) -> FakePrepared:
        return FakePrepared(frame, self)

    def detect(self, batch: list[FakePrepared]) -> list[Detections]:
        assert not self.closed
        self.hold()
        answers = []
        for prepared in batch:
            assert prepared.by is self, "prepared for another detector"
            frame = prepared.frame
            if self.fail_at is not None and frame.index >= self.fail_at:  # a camera may lose some
                raise RuntimeError("detector broke")
            self.seen.append((frame.camera_id, frame.index))
            box = np.array([[frame.index, 1, frame.index + 4, 9]], np.float32)
            answers.append(
                Detections(
                    boxes=box,
                    scores=np.array([0.9], np.float32),
                    class_ids=np.array([0], np.int32),
                    frame_size=frame.size,
                    labels=LABELS,
                )
            )
        return answers

    def close(self) -> None:
        self.closed = True


class FakeTracker:
    """Every detection becomes a confirmed track that moves 10 px/s right; `predict` repeats the last."""

    def __init__(self, *, fail_at: int | None = None, ids_after: int = 0) -> None:
        self.fail_at, self.ids_after = fail_at, ids_after
        self.last: Tracks | None = None
        self.infos: list[FrameInfo] = []

    def update(self, info: FrameInfo, detections: Detections, motion: Any = None) -> Tracks:
        assert not self.infos or info.index > self.infos[-1].index, "frames out of order"
        if info.index == self.fail_at:
            raise RuntimeError("tracker broke")
        self.infos.append(info)
        n = len(detections)
        self.last = Tracks(
            ids=self.ids_after + np.arange(1, n + 1, dtype=np.int64),
            boxes=detections.boxes, smoothed_boxes=detections.boxes,
            scores=detections.scores, class_ids=detections.class_ids, states=np.ones(n, np.int8),
            velocity=np.tile(np.float32([10, 0]), (n, 1)), age_s=np.full(n, info.pts_s, np.float32),
            unseen_s=np.zeros(n, np.float32), frame_size=info.size, labels=LABELS,
        )  # fmt: skip
        return self.last

    def predict(self, info: FrameInfo, motion: Any = None) -> Tracks:
        self.infos.append(info)
        last = self.last or Tracks.empty(info.size, LABELS)
        return replace(last, unseen_s=np.full(len(last), 0.1, np.float32))

    def snapshot(self) -> str:
        return f"{len(self.infos)} frames"


class FakeOutlet:
    """Keeps what it gets."""

    def __init__(self, *, fail_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.written: list[tuple[int, bytes]] = []
        self.results: list[FrameResult] = []

    def draw(self, result: FrameResult) -> np.ndarray:
        return result.frame.image + np.uint8(len(result.tracks))

    def write(self, result: FrameResult, drawn: np.ndarray) -> None:
        if result.frame.index == self.fail_at:
            raise OSError("disk broke")
        self.written.append((result.frame.index, drawn.tobytes()))
        self.results.append(result)


class FakeOverlay:
    """Paints the upper left pixel with the number of tracks."""

    def __init__(self, style: object) -> None:
        self.style = style

    def draw(
        self,
        image: np.ndarray,
        result: FrameResult,
        *,
        scale: float = 1.0,
        origin: tuple[float, float] = (0.0, 0.0),
        hud: object = None,
    ) -> None:
        image[0, 0] = (len(result.tracks), result.frame.index % 256, 255)


def new_brain(detector: FakeDetector | None = None) -> Brain:
    return Brain(
        detector=detector or FakeDetector(),
        new_step=lambda memory, at_s: CameraStep(
            FakeTracker(ids_after=memory.last_id), LABELS, last_id=memory.last_id
        ),
    )


class FakeFeed:
    """Delivers pictures at once, without pause, until it is stopped: an eager camera."""

    def __init__(self, deliver: Callable[[Frame], None], source: FakeSource) -> None:
        self.deliver, self.source = deliver, source
        self.state = FeedState(name="connecting", since_s=0.0)

    def run(self, stop: threading.Event) -> None:
        with self.source:
            self.state = FeedState(name="live", since_s=0.0, decoder="fake")
            for frame in self.source.frames(stop):
                self.deliver(replace(frame, arrived_s=SystemClock().monotonic()))
        self.state = FeedState(name="stopped", since_s=0.0)


class FakeParts:
    """The parts of a session; every camera's source and every opened brain is kept."""

    def __init__(self, detector: Callable[[], FakeDetector] = FakeDetector, **source: Any) -> None:
        self.clock = SystemClock()
        self.detector, self.source = detector, source
        self.sources: dict[str, FakeSource] = {}
        self.brains: list[Brain] = []
        self.asked: list[str | None] = []

    def open_source(self, config: CameraConfig) -> FakeSource:
        source = self.sources[config.id] = FakeSource(camera_id=config.id, **self.source)
        return source

    def supervise(
        self, config: CameraConfig, stop: threading.Event, deliver: Callable[[Frame], None]
    ) -> FakeFeed:
        return FakeFeed(deliver, self.open_source(config))

    def opener(self, config: CameraConfig, stop: threading.Event) -> Callable[..., FakeSource]:
        return lambda start_s=0.0: self.open_source(config)

    def open_brain(self, model: str | None) -> Brain:
        self.asked.append(model)
        if model == "missing":
            raise ModelError("no model 'missing'")
        self.brains.append(new_brain(self.detector()))
        return self.brains[-1]

    def with_thresholds(self, brain: Brain, low: float, high: float, birth: float) -> Brain:
        self.brains.append(new_brain(brain.detector))  # type: ignore[arg-type]
        return self.brains[-1]

    def smaller_size(self, brain: Brain) -> tuple[int, int] | None:
        return None

    def new_gate(self) -> None:
        return None

    def open_overlay(self, style: object) -> FakeOverlay:
        return FakeOverlay(style)


@pytest.fixture
def fakes() -> SimpleNamespace:
    """The false rooms by name."""
    return SimpleNamespace(
        LABELS=LABELS, Clock=FakeClock, Source=FakeSource, Detector=FakeDetector, Tracker=FakeTracker,
        Outlet=FakeOutlet, Overlay=FakeOverlay, Parts=FakeParts, new_brain=new_brain,
    )  # fmt: skip

"""Sessions over real captures: parts with a detector that costs nothing, or one that is opened once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from surveil.app.options import RunOptions
from surveil.app.table import Table
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.detect.detector import Detector
from surveil.detect.preprocess import Placement, Prepared
from surveil.labels import SURVEIL_6
from surveil.pipeline.live import Brain
from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.state import State
from surveil.types import Detections, Frame, FrameResult

CLOCK = SystemClock()


class BlankDetector:
    """Finds nothing, at once."""

    labels, card, device = SURVEIL_6, None, "CPU (nothing)"

    def prepare(self, frame: Frame) -> Prepared:
        return Prepared(info=frame.info, tensor=frame.image[None], placement=Placement(scale_x=1, scale_y=1))

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        return [Detections.empty(prepared.info.size, self.labels) for prepared in batch]

    def close(self) -> None:
        """Nothing is held."""


class KeptDetector:
    """Another detector that outlives the sessions that close it, perhaps slower than it is."""

    def __init__(self, inner: Detector, least_s: float = 0.0) -> None:
        """`least_s`: how long a detection takes at least."""
        self._inner, self._least_s = inner, least_s
        self._never = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        end_s = CLOCK.monotonic() + self._least_s
        found = self._inner.detect(batch)
        self._never.wait(max(0.0, end_s - CLOCK.monotonic()))
        return found

    def close(self) -> None:
        """Not yet: whoever opened the inner detector closes it."""


class KeptTable(Table):
    """The product's own parts around a detector that is there already."""

    def __init__(self, detector: Detector, options: RunOptions | None = None) -> None:
        super().__init__(options or RunOptions(), CLOCK)
        self._detector_kept = detector

    def open_brain(self, model: str | None) -> Brain:
        detector = self._detector_kept
        return Brain(detector=detector, new_step=lambda *known: self.new_step(detector, None, *known))


class Seen(NamedTuple):
    """One result: when it was there, when its frame came, both monotonic."""

    now_s: float
    arrived_s: float
    detected: bool


@dataclass(frozen=True)
class Witness:
    """Writes down every result of a camera; hand `tap` to its config."""

    seen: list[Seen]

    def tap(self, result: FrameResult) -> bool:
        self.seen.append(Seen(CLOCK.monotonic(), result.frame.arrived_s, result.detected))
        return True

    def gap_s(self, begin_s: float, end_s: float) -> float:
        """The longest time without a result between two moments."""
        return longest_gap_s([one.now_s for one in list(self.seen)], begin_s, end_s)


def longest_gap_s(times: Sequence[float], begin_s: float, end_s: float) -> float:
    """The longest time between two moments in which nothing happened; `times` ascend."""
    moments = [begin_s, *(time for time in times if begin_s <= time <= end_s), end_s]
    return max(after - before for before, after in itertools.pairwise(moments))


def camera_config(name: str, url: str, witness: Witness | None = None) -> CameraConfig:
    """A camera as `surveil run URL` would watch it."""
    taps = {} if witness is None else {"witness": witness.tap}
    return CameraConfig(id=name, source=replace(parse_source(url), name=name), taps=taps)


def wait_until(condition: Callable[[], bool], timeout_s: float, step_s: float = 0.01) -> bool:
    """Whether a condition came true in time."""
    never, end_s = threading.Event(), CLOCK.monotonic() + timeout_s
    while not condition():
        if CLOCK.monotonic() > end_s:
            return False
        never.wait(step_s)
    return True


def wait_for_state(session: Session, camera: str, *names: str, timeout_s: float = 10.0) -> State:
    """The first state of a camera with one of these names. Raises AssertionError after `timeout_s`."""
    found = wait_until(lambda: session.states()[camera].name in names, timeout_s)
    state = session.states()[camera]
    assert found, f"{camera}: expected {' or '.join(names)} within {timeout_s:g} s, it is {state}"
    return state

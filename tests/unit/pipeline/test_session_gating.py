"""A session whose detector rests while nothing moves."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.capture.spec import SourceSpec
from surveil.pipeline.session import CameraConfig, Session
from surveil.types import Detections, Frame, FrameResult

PAUSE = threading.Event()  # never set: something to wait on
VISIT = range(100, 150)  # pictures in which somebody walks, 10 a second


def eventually(true: Any, timeout_s: float = 20.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


@pytest.fixture
def parts(fakes: SimpleNamespace) -> Any:
    """One detector that finds somebody in bright pictures; sources in which a square walks for a while."""

    class Source(fakes.Source):  # type: ignore[name-defined, misc]
        def picture(self, index: int) -> Frame:
            image = np.full((48, 64, 3), 40, np.uint8)
            if index in VISIT:
                x = index - VISIT.start
                image[10:30, x : x + 10] = 200
            return Frame(
                camera_id=self.camera_id, index=index, pts_s=index / 10, wall_s=0, arrived_s=0, image=image
            )

    class Detector(fakes.Detector):  # type: ignore[name-defined, misc]
        def detect(self, batch: Any) -> list[Detections]:
            return [
                found if prepared.frame.image.max() > 100 else found.select(np.zeros(1, np.bool_))
                for found, prepared in zip(super().detect(batch), batch, strict=True)
            ]

    class Parts(fakes.Parts):  # type: ignore[name-defined, misc]
        def open_source(self, config: CameraConfig) -> Any:
            source = self.sources[config.id] = Source(camera_id=config.id, **self.source)
            return source

    return lambda **source: Parts(Detector, **source)


def camera(name: str, results: list[FrameResult], *, live: bool = False, gated: bool = True) -> CameraConfig:
    spec = SourceSpec(kind="webcam" if live else "file", text="fake", name=name, live=live)

    def tap(result: FrameResult) -> bool:
        results.append(result)
        return True

    return CameraConfig(id=name, source=spec, paced=False, motion_gating=gated, taps={"test": tap})


def test_the_detector_rests_and_is_woken_by_motion(parts: Any) -> None:
    results: list[FrameResult] = []
    session = Session(parts(count=300), [camera("a", results)])
    session.start()
    eventually(lambda: len(results) == 300)
    looked = [result.frame.index for result in results if result.detected]
    assert [result.frame.index for result in results] == list(range(300))
    before = [index for index in looked if 40 <= index < 100]
    assert set(np.diff(before)) == {20}  # a heartbeat of two seconds
    assert set(VISIT) <= set(looked)
    assert all(len(results[index].tracks) == 1 for index in VISIT)
    after = [index for index in looked if index > 185]
    assert set(np.diff(after)) == {20}
    state = session.states()["a"]
    assert state.attention == "resting"
    assert state.stats.looked == len(looked)
    assert (state.stats.received, state.stats.processed, dict(state.stats.drops)) == (300, 300, {})
    assert "motion a" in session.times
    session.stop(5.0)


def test_frames_that_are_not_looked_at_are_not_lost(parts: Any) -> None:
    results: list[FrameResult] = []
    session = Session(parts(count=400, gap_s=0.0005), [camera("a", results, live=True)])
    session.start()
    eventually(lambda: session.states()["a"].name == "stopped")
    stats = eventually(
        lambda: (
            (s := session.states()["a"].stats).received == s.processed + s.drops.get("overwritten", 0) and s
        )
    )
    assert stats.received == 400
    assert stats.processed == len(results)
    assert stats.looked == sum(result.detected for result in results) < stats.processed
    assert set(stats.drops) <= {"overwritten"}
    session.stop(5.0)


def test_gating_is_switched_without_opening_the_camera_anew(parts: Any) -> None:
    results: list[FrameResult] = []
    session = Session(parts(endless=True, gap_s=0.001), [camera("a", results)])
    session.start()
    eventually(lambda: session.states()["a"].attention == "resting")
    session.change(camera("a", results, gated=False))
    eventually(lambda: len(results) > 10 and all(result.detected for result in results[-10:]))
    assert session.states()["a"].attention == "full"
    session.stop(5.0)


def test_higher_priority_gets_more_of_a_slow_detector(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.004)), endless=True, gap_s=0.001)

    def live(name: str, priority: int) -> CameraConfig:
        spec = SourceSpec(kind="webcam", text="fake", name=name, live=True)
        return CameraConfig(id=name, source=spec, priority=priority)

    session = Session(parts, [live("gate", 2), live("yard", 0), live("shed", 0)])
    session.start()
    eventually(lambda: all(state.stats.processed > 30 for state in session.states().values()))
    processed = {name: state.stats.processed for name, state in session.states().items()}
    assert processed["gate"] > 1.7 * processed["yard"]
    session.stop(5.0)

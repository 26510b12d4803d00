"""What the ladder decides reaches tiles, cameras and the detector, and is taken back."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.capture.spec import SourceSpec
from surveil.errors import ModelError
from surveil.pipeline import relief
from surveil.pipeline.ladder import LadderConfig, Load
from surveil.pipeline.live import Brain
from surveil.pipeline.session import CameraConfig, Session
from surveil.types import FrameResult

PAUSE = threading.Event()  # never set: something to wait on
QUICK = LadderConfig(window_s=0.2, down_s=0.0, up_s=0.1, relapse_s=0.0, least_hz=40.0)


def eventually(true: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relief, "PERIOD_S", 0.05)


class Machine:
    """A detector that is slow while `slow` is set, in a session whose model has a smaller input."""

    def __init__(self, fakes: SimpleNamespace, *, broken: bool = False) -> None:
        self.slow = threading.Event()
        self.slow.set()
        self.results: list[FrameResult] = []
        self.resized: list[tuple[int, int] | None] = []
        machine = self

        class Parts(fakes.Parts):  # type: ignore[name-defined, misc]
            def smaller_size(self, brain: Brain) -> tuple[int, int] | None:
                return 256, 256

            def refitted(self, brain: Brain, size: tuple[int, int] | None, *, several: bool) -> Brain:
                machine.resized.append(size)
                if broken:
                    raise ModelError("no room for another one")
                return replace(brain, detector=self.detector())

        def hold() -> None:
            PAUSE.wait(0.05 if machine.slow.is_set() else 0)

        self.parts = Parts(lambda: fakes.Detector(hold=hold), endless=True, gap_s=0.004)

    def camera(self, name: str) -> CameraConfig:
        spec = SourceSpec(kind="webcam", text="fake", name=name, live=True)
        return CameraConfig(
            id=name, source=spec, taps={"test": lambda result: not self.results.append(result)}
        )  # type: ignore[func-returns-value]


def test_up_and_down_the_ladder(fakes: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine(fakes)
    session = Session(machine.parts, [machine.camera("a")], QUICK)
    assert session.load == Load()
    session.start()
    eventually(lambda: session.load.rung == 3)
    eventually(lambda: machine.resized)
    ids = eventually(lambda: session.latest("a")).tracks.ids.tolist()
    machine.slow.clear()
    eventually(lambda: session.load == Load(since_s=session.load.since_s))
    eventually(lambda: len(machine.resized) == 2)
    assert machine.resized == [(256, 256), None]
    assert session.latest("a").tracks.ids.tolist() == ids  # another detector, the same trackers
    assert "too much to do (a: " in caplog.text
    eventually(lambda: "there is room again: everything is done" in caplog.text)
    session.stop(5.0)


def test_another_model_takes_over_at_its_usual_size_and_is_made_smaller_in_turn(
    fakes: SimpleNamespace,
) -> None:
    machine = Machine(fakes)
    session = Session(machine.parts, [machine.camera("a")], QUICK)
    session.start()
    eventually(lambda: machine.resized == [(256, 256)])
    session.set_model("other")
    eventually(lambda: machine.resized == [(256, 256)] * 2)
    session.stop(5.0)


def test_a_model_that_cannot_be_made_smaller_stays_and_is_not_tried_again(
    fakes: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(fakes, broken=True)
    session = Session(machine.parts, [machine.camera("a")], QUICK)
    session.start()
    eventually(lambda: "no room for another one" in caplog.text)
    PAUSE.wait(0.3)
    assert machine.resized == [(256, 256)]
    assert session.failure is None
    session.stop(5.0)


def test_switched_off_nothing_is_done_without(fakes: SimpleNamespace) -> None:
    machine = Machine(fakes)
    session = Session(machine.parts, [machine.camera("a")], QUICK)
    session.start()
    eventually(lambda: len(machine.resized) == 1)
    session.use_ladder(None)
    eventually(lambda: len(machine.resized) == 2)
    assert session.load == Load()
    count = len(machine.results)
    eventually(lambda: len(machine.results) > count + 5)
    assert all(result.detected for result in machine.results[-3:])
    session.stop(5.0)


def test_cameras_where_nothing_moves_are_looked_at_seldom_from_the_second_rung_on(
    fakes: SimpleNamespace,
) -> None:
    machine = Machine(fakes)
    machine.parts.smaller_size = lambda brain: None
    still = fakes.Detector.detect

    def nothing(detector: Any, batch: Any) -> Any:
        return [found.select(found.scores > 2) for found in still(detector, batch)]

    machine.parts.detector = lambda: type("Blind", (fakes.Detector,), {"detect": nothing})(
        hold=lambda: PAUSE.wait(0.05)
    )
    session = Session(machine.parts, [machine.camera("a")], QUICK)
    session.start()
    eventually(lambda: session.states()["a"].attention == "watching")
    assert session.load.rung >= 2
    count = len(machine.results)
    eventually(lambda: len(machine.results) > count + 100)
    looks = [result.frame.pts_s for result in machine.results[count:] if result.detected]
    assert all(later - earlier >= 0.49 for earlier, later in itertools.pairwise(looks))
    session.stop(5.0)


class Fitted:
    """A session whose detector is made for one camera or for several, as the parts are asked."""

    def __init__(self, fakes: SimpleNamespace) -> None:
        self.asked: list[tuple[tuple[int, int] | None, bool]] = []
        machine = self

        class Parts(fakes.Parts):  # type: ignore[name-defined, misc]
            def open_brain(self, model: str | None) -> Brain:
                return replace(super().open_brain(model), several=False)

            def refitted(self, brain: Brain, size: tuple[int, int] | None, *, several: bool) -> Brain:
                machine.asked.append((size, several))
                count = 2 if several else 1
                return replace(brain, detector=self.detector(), several=several, side_by_side=count)

        self.parts = Parts(endless=True, gap_s=0.004)

    def camera(self, name: str) -> CameraConfig:
        return CameraConfig(id=name, source=SourceSpec(kind="webcam", text="fake", name=name, live=True))


def test_a_second_camera_has_a_core_of_its_own_and_the_last_one_has_all_again(fakes: SimpleNamespace) -> None:
    machine = Fitted(fakes)
    session = Session(machine.parts, [machine.camera("a")], LadderConfig())
    session.start()
    ids = eventually(lambda: session.latest("a")).tracks.ids.tolist()
    PAUSE.wait(0.2)
    assert machine.asked == []
    session.add(machine.camera("b"))
    eventually(lambda: session.brain.side_by_side == 2)
    before = session.latest("a")
    eventually(lambda: session.latest("a") is not before and session.latest("b") is not None)
    assert session.latest("a").tracks.ids.tolist() == ids  # type: ignore[union-attr]
    session.remove("a")
    eventually(lambda: session.brain.several is False)
    session.remove("b")
    PAUSE.wait(0.2)  # nobody is there: nothing is exchanged for nobody
    assert machine.asked == [(None, True), (None, False)]
    session.stop(5.0)

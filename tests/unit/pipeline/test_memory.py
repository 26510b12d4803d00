"""What outlives a session: ids of all cameras, tracks of live ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.capture.spec import SourceSpec
from surveil.pipeline.live import Lane
from surveil.pipeline.memory import LONG_AGO_S, Memories, Memory
from surveil.pipeline.session import CameraConfig, Session

PAUSE = threading.Event()  # never set: something to wait on


def camera(name: str, **more: Any) -> CameraConfig:
    return CameraConfig(id=name, source=SourceSpec(kind="webcam", text="fake", name=name, live=True), **more)


def eventually(true: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


def first_ids(session: Session, name: str) -> list[int]:
    result = eventually(lambda: (found := session.latest(name)) and len(found.tracks) and found)
    return list(result.tracks.ids.tolist())


def test_wall_clocks_tell_how_long_nobody_looked(fakes: SimpleNamespace) -> None:
    first = replace(fakes.Source().picture(0), pts_s=0.5, wall_s=1002.0)
    memory, set_back = Memory(wall_s=1000.0), replace(first, wall_s=999.0)
    assert memory.moment(first, live=True) == pytest.approx(-1.5)
    assert memory.moment(set_back, live=True) == 0.5 - LONG_AGO_S
    assert memory.moment(first, live=False) == 0.5 - LONG_AGO_S


def test_cameras_that_nobody_knows_begin_where_all_ids_were() -> None:
    memories = Memories(ids_after=50).learn({"a": Memory(last_id=7)})
    assert memories.of("a").last_id == 7
    assert memories.of("b").last_id == 50
    assert memories.learn({"a": Memory(last_id=9)}).of("a").last_id == 9
    assert memories.learn({}).ids_after == 50


@pytest.mark.parametrize(("live", "at_s"), [(True, -1.0), (False, -LONG_AGO_S)])
def test_a_live_camera_goes_on_and_a_recording_begins_anew(
    fakes: SimpleNamespace, live: bool, at_s: float
) -> None:
    memory = Memory(last_id=7, tracker="told", wall_s=1000.0)
    lane = Lane("a", live=live, taps={}, memory=memory)
    assert lane.memory() == memory
    asked: list[tuple[Memory, float]] = []
    brain = fakes.new_brain()

    def new_step(known: Memory, at_s: float) -> Any:
        asked.append((known, at_s))
        return brain.new_step(known, at_s)

    first = replace(fakes.Source().picture(0), pts_s=0.0, wall_s=1001.0)
    lane.step_of(replace(brain, new_step=new_step), first)
    assert asked == [(memory, at_s)]


def test_another_model_takes_the_ids_alone(fakes: SimpleNamespace) -> None:
    lane = Lane("a", live=True, taps={}, memory=Memory(last_id=7, tracker="told"))
    frame, before, after = fakes.Source().picture(0), fakes.new_brain(), fakes.new_brain()
    step = lane.step_of(before, frame)
    assert lane.step_of(before, frame) is step
    assert lane.step_of(after, frame) is not step
    assert lane.memory().last_id == 7


def test_ids_go_on_in_the_next_session(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.002)
    session = Session(parts, [camera("a"), camera("b", enabled=False)], memories=Memories(ids_after=50))
    session.start()
    assert first_ids(session, "a")[0] == 51
    assert session.memories.of("a").last_id >= 51
    session.stop(2.0)
    known = session.memories
    assert known.of("a").tracker
    assert known.of("b") == Memory(last_id=50)
    following = Session(parts, [camera("a")], memories=known)
    following.start()
    assert first_ids(following, "a")[0] == known.of("a").last_id + 1
    following.stop(2.0)


def test_a_camera_that_was_away_goes_on(fakes: SimpleNamespace) -> None:
    session = Session(fakes.Parts(endless=True, gap_s=0.002), [camera("a")])
    session.start()
    before = first_ids(session, "a")
    session.remove("a")
    known = session.memories.of("a")
    assert (known.last_id, known.tracker) == (max(before), None)  # what is called so next is another camera
    session.add(camera("a"))
    assert min(first_ids(session, "a")) > max(before)
    session.stop(2.0)

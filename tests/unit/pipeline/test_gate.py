"""When the detector looks, told by scripts of motion and tracks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.labels import SURVEIL_6
from surveil.pipeline.gate import Gate, GateConfig
from surveil.types import Frame, Tracks, TrackState

IMAGE = np.zeros((2, 2, 3), np.uint8)
NOBODY = Tracks.empty((100, 100), SURVEIL_6)
STANDING, WALKING = (TrackState.CONFIRMED, 0.0), (TrackState.CONFIRMED, 40.0)


def frame(index: int, rate_hz: float = 10.0) -> Frame:
    return Frame(camera_id="a", index=index, pts_s=index / rate_hz, wall_s=0, arrived_s=0, image=IMAGE)


def tracks(*objects: tuple[TrackState, float], unseen_s: float = 0.0) -> Tracks:
    """Objects 40 px high, each given by its state and its speed in px/s."""
    n = len(objects)
    boxes = np.tile(np.float32([[10, 10, 20, 50]]), (n, 1))
    return Tracks(
        ids=np.arange(1, n + 1), boxes=boxes, smoothed_boxes=boxes, scores=np.full(n, 0.9, np.float32),
        class_ids=np.zeros(n, np.int32), states=np.array([state for state, _ in objects], np.int8),
        velocity=np.float32([[speed, 0] for _, speed in objects]).reshape(n, 2), age_s=np.ones(n, np.float32),
        unseen_s=np.full(n, unseen_s, np.float32), frame_size=(100, 100), labels=SURVEIL_6,
    )  # fmt: skip


class Script:
    """A motion detector that was told when something moves."""

    def __init__(self, moves: Callable[[float], bool]) -> None:
        self._moves = moves

    def moves(self, frame: Frame) -> bool:
        return self._moves(frame.pts_s)


def looks(
    moves: Callable[[float], bool] | None,
    known: Callable[[float], Tracks],
    seconds: float,
    *,
    thrifty: bool = False,
    config: GateConfig | None = None,
) -> list[float]:
    """When the detector looks at a camera of 10 frames a second."""
    gate = Gate(None if moves is None else Script(moves), config)  # type: ignore[arg-type]
    gate.thrifty = thrifty
    seen = []
    for index in range(int(seconds * 10)):
        one = frame(index)
        gate.see(one)
        if gate.due(one):
            gate.looked(one)
            seen.append(one.pts_s)
        gate.know(known(one.pts_s), one.pts_s)
    return seen


def never(pts_s: float) -> bool:
    return False


def nobody(pts_s: float) -> Tracks:
    return NOBODY


def gaps(times: list[float], start: float, end: float) -> list[float]:
    return [round(gap, 3) for gap in np.diff([t for t in times if start <= t <= end])]


def test_nothing_is_looked_at_now_and_then() -> None:
    assert looks(never, nobody, 10) == [0, 2, 4, 6, 8]


def test_motion_wakes_at_its_first_frame_and_is_held() -> None:
    times = looks(lambda t: 5 <= t <= 6, nobody, 15)
    assert [t for t in times if t < 5] == [0, 2, 4]
    assert [t for t in times if 5 <= t <= 7] == [round(5 + k / 10, 1) for k in range(21)]
    assert set(gaps(times, 7, 15)) == {2}


def test_motion_in_which_nothing_is_found_is_watched_and_wakes_again_after_a_pause() -> None:
    times = looks(lambda t: 5 <= t < 60 or t >= 70, nobody, 75)
    assert set(gaps(times, 5, 14.9)) == {0.1}
    assert set(gaps(times, 16, 61)) == {0.5}
    assert set(gaps(times, 70, 75)) == {0.1}


def test_an_object_that_walks_through_restless_trees_is_followed_at_every_frame() -> None:
    times = looks(lambda t: True, lambda t: tracks(WALKING) if 40 <= t < 50 else NOBODY, 70)
    assert set(gaps(times, 20, 40)) == {0.5}
    assert set(gaps(times, 40.1, 50)) == {0.1}
    assert set(gaps(times, 50, 60)) == {0.1}  # somebody was there: patience begins anew
    assert set(gaps(times, 61, 70)) == {0.5}


@pytest.mark.parametrize(
    ("there", "period_s"),
    [
        (tracks(STANDING), 0.5),
        (tracks(STANDING, WALKING), 0.1),
        (tracks((TrackState.TENTATIVE, 0.0)), 0.1),
        (tracks((TrackState.LOST, 0.0), unseen_s=0.9), 0.1),
        (tracks((TrackState.LOST, 0.0), unseen_s=60), 2.0),  # a parked car that drove away
    ],
)
def test_what_is_there_says_how_often(there: Tracks, period_s: float) -> None:
    assert set(gaps(looks(never, lambda t: there, 20), 3, 20)) == {period_s}


def test_without_a_motion_detector_every_frame_unless_it_is_to_be_thrifty() -> None:
    assert len(looks(None, nobody, 5)) == 50
    assert set(gaps(looks(None, nobody, 10, thrifty=True), 0, 10)) == {0.5}
    times = looks(None, lambda t: tracks(WALKING) if t >= 5 else NOBODY, 10, thrifty=True)
    assert set(gaps(times, 0, 5)) == {0.5}
    assert set(gaps(times, 5.1, 10)) == {0.1}


def test_a_look_that_did_not_happen_is_still_due() -> None:
    gate = Gate(Script(never))  # type: ignore[arg-type]
    gate.see(frame(0))
    assert gate.due(frame(0))
    gate.see(frame(1))
    assert gate.due(frame(1))
    gate.looked(frame(1))
    assert not gate.due(frame(2))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.lists(st.sampled_from([NOBODY, tracks(STANDING), tracks(WALKING)]), min_size=1, max_size=40),
)
def test_no_gap_is_longer_than_a_heartbeat_and_new_motion_is_always_looked_at(
    moving: list[bool], known: list[Tracks]
) -> None:
    """Whatever happens; each entry of the lists holds for a second."""
    seconds = len(moving)
    times = looks(lambda t: moving[int(t)], lambda t: known[int(t) % len(known)], seconds)
    assert times[0] == 0
    assert max(gaps([*times, float(seconds)], 0, seconds), default=0) <= 2.0
    for second in range(3, seconds):
        if moving[second] and not any(moving[second - 3 : second]):
            assert second in times

"""What is done without, told by scripts of results and overwritten frames."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.pipeline.ladder import RUNGS, SMALLER, Count, Ladder, LadderConfig, Load, LoadMeter

CONFIG = LadderConfig()
Speed = Callable[[float, int], tuple[float, float]]
"""From the second and the rung to frames and results a second of a camera."""


def climb(cameras: dict[str, Speed], seconds: int, top: int = SMALLER) -> list[Load]:
    """Where the ladder stands in every second."""
    ladder = Ladder(CONFIG)
    counts = dict.fromkeys(cameras, (0.0, 0.0))
    stands = []
    for second in range(seconds):
        stands.append(
            ladder.step(
                1000.0 + second,
                {name: Count(results=int(r), overwritten=int(o)) for name, (r, o) in counts.items()},
                top,
            )
        )
        for name, speed in cameras.items():
            frames, results = speed(second, ladder.load.rung)
            done, lost = counts[name]
            counts[name] = done + min(frames, results), lost + max(0.0, frames - results)
    return stands


def rungs(stands: list[Load]) -> list[int]:
    """The rungs in their order, each once."""
    return [load.rung for k, load in enumerate(stands) if k == 0 or load.rung != stands[k - 1].rung]


@pytest.mark.parametrize(
    ("frames", "results"),
    [
        (30, 30),  # all is well
        (30, 14),  # many are overwritten, and it is watched well enough
        (2, 2),  # a slow camera
        (4.0, 3.8),  # a slow camera that lost one in twenty
    ],
)
def test_no_overload(frames: float, results: float) -> None:
    assert rungs(climb({"a": lambda t, rung: (frames, results), "b": lambda t, rung: (15, 15)}, 120)) == [0]


def test_one_camera_that_is_behind_takes_rung_after_rung_and_says_why() -> None:
    stands = climb({"yard": lambda t, rung: (15, 2), "door": lambda t, rung: (15, 9)}, 60)
    assert rungs(stands) == [0, 1, 2, 3]
    first = next(load for load in stands if load.rung == 1)
    assert first.why == "yard: 2.0 results of 15.0 frames a second"
    assert first.name == RUNGS[1]
    assert 4 <= first.since_s - 1000 <= 10
    assert stands[-1].since_s - first.since_s <= 20


def test_what_cannot_be_had_is_not_taken() -> None:
    assert rungs(climb({"a": lambda t, rung: (15, 1)}, 200, top=2)) == [0, 1, 2]


def test_a_slow_camera_is_measured_by_its_own_rate() -> None:
    assert rungs(climb({"a": lambda t, rung: (3, 1)}, 60))[-1] == SMALLER


def test_a_short_peak_is_no_overload() -> None:
    assert rungs(climb({"a": lambda t, rung: (15, 1 if 30 <= t < 32 else 15)}, 120)) == [0]


def test_rungs_are_given_back_one_by_one_when_there_is_room() -> None:
    stands = climb({"a": lambda t, rung: (15, 2 if t < 60 else 15)}, 200)
    assert rungs(stands) == [0, 1, 2, 3, 2, 1, 0]
    times = [next(load.since_s for load in stands[60:] if load.rung == rung) for rung in (2, 1, 0)]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= CONFIG.up_s
    assert stands[-1].why == ""


def test_just_enough_is_no_room() -> None:
    stands = climb({"a": lambda t, rung: (15, 2 if t < 30 else 6)}, 600)
    assert rungs(stands) == [0, 1, 2, 3]


def test_a_rung_that_is_needed_is_tried_ever_more_seldom() -> None:
    """The second rung helps so well that there seems to be room for the first, and there is none."""
    stands = climb({"a": lambda t, rung: (15, 2 if rung < 2 else 14)}, 3000)
    given = [load.since_s for before, load in itertools.pairwise(stands) if load.rung < before.rung]
    waits = [later - earlier for earlier, later in itertools.pairwise(given)]
    assert len(given) < 14
    assert waits[-1] > 300
    assert max(load.rung for load in stands) == 2


def test_cameras_come_go_and_begin_anew() -> None:
    meter = LoadMeter(CONFIG)
    assert meter.measure(0, {"a": Count(results=0, overwritten=0)}) == (math.inf, "")
    for second in range(1, 6):
        meter.measure(second, {"a": Count(results=second, overwritten=second * 14)})
    slack, whose = meter.measure(
        6, {"a": Count(results=6, overwritten=84), "b": Count(results=0, overwritten=9)}
    )
    assert slack == pytest.approx(0.2)
    assert whose.startswith("a: 1.0 results")
    assert meter.measure(7, {"a": Count(results=0, overwritten=0)}) == (math.inf, "")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8), st.integers(0, 3))
def test_steps_are_single_and_never_above_the_top(speeds: list[tuple[int, int]], top: int) -> None:
    stands = climb({"a": lambda t, rung: speeds[int(t) // 20 % len(speeds)]}, 160, top)
    assert all(abs(load.rung - before.rung) <= 1 for before, load in itertools.pairwise(stands))
    assert max(load.rung for load in stands) <= top
    assert all(bool(load.why) == (load.rung > 0) for load in stands)

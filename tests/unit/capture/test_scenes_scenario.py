"""Who walks and drives where."""

from __future__ import annotations

from itertools import combinations
from math import dist

import numpy as np
import pytest

from surveil.capture.scenes.scenario import PERIOD_S, Path, Scenario, crossing

LINE = ((0.0, 0.0), (4.0, 0.0))


def test_equal_seeds_give_equal_lives() -> None:
    assert Scenario(3).at(17.3) == Scenario(3).at(17.3)
    assert Scenario(3).at(17.3) != Scenario(4).at(17.3)


def test_there_is_life_at_any_time() -> None:
    scenario = Scenario(1)
    for t in np.arange(0, 2 * PERIOD_S, 1.7):
        kinds = [item.kind for item in scenario.at(float(t))]
        assert kinds.count("person") >= 4


def test_a_crowd_is_more_people_and_an_empty_street_none() -> None:
    def people(most: int) -> int:
        standing = [item for t in range(0, 60, 5) for item in Scenario(1, most).at(float(t))]
        return sum(item.kind == "person" for item in standing)

    assert people(0) == 0
    assert people(40) > people(26) > people(8)


def test_an_id_stays_with_one_object_and_is_never_used_again() -> None:
    scenario, last, looks, gone = Scenario(5), {}, {}, set()
    step = 0.1
    for t in np.arange(0, 2.2 * PERIOD_S, step):
        now = {item.id: item for item in scenario.at(float(t))}
        gone |= last.keys() - now.keys()
        assert not gone & now.keys()
        for number, item in now.items():
            assert number >= 1
            assert looks.setdefault(number, (item.kind, item.look)) == (item.kind, item.look)
            if number in last:
                assert dist(item.ground, last[number].ground) < 10 * step  # nobody jumps
        last = now
    assert len(set(looks.values())) == len(looks)  # the next minute has other people


def test_nobody_is_run_over() -> None:
    scenario = Scenario(2)
    for t in np.arange(0, PERIOD_S, 0.5):
        for a, b in combinations(scenario.at(float(t)), 2):
            apart = {0: 0.6, 1: 1.4, 2: 2.5}[(a.kind == "car") + (b.kind == "car")]
            assert dist(a.ground, b.ground) > apart


def test_a_path_keeps_its_speed_and_ends_where_it_should() -> None:
    path = Path([(0, 0), (10, 0), (10, 10)], speed=2.0, corner=3.0)
    points, heading = path.at(np.arange(0, path.duration_s, 0.1))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps == pytest.approx(np.full(len(steps), 0.2), abs=0.005)
    assert heading[0] == pytest.approx(0.0)
    assert heading[-1] == pytest.approx(np.pi / 2)
    end, _ = path.at(path.duration_s)
    assert end == pytest.approx([10, 10])


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ((1.0, -1.0), (1.0, 1.0), 1),
        ((1.0, 1.0), (1.0, -1.0), -1),
        ((1.0, 1.0), (2.0, 0.5), 0),  # stays on its side
        ((5.0, -1.0), (5.0, 1.0), 0),  # passes beyond the end
        ((3.0, -1.0), (6.0, 1.0), 0),  # goes round the end
    ],
)
def test_crossing(before: tuple[float, float], after: tuple[float, float], way: int) -> None:
    assert crossing(LINE, before, after) == way

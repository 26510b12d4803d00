from __future__ import annotations

import pytest

from surveil.render.trails import POINTS, Trails
from surveil.types import TrackState
from tests.support.results import A, tracks_of


def walk(trails: Trails, steps: range, *, rate: float = 10.0, length_s: float = 2.0) -> None:
    for k in steps:
        trails.update(tracks_of([A(1, (k, 0, k + 10, 20))]), k / rate, length_s)


def test_a_trail_follows_the_bottom_centre() -> None:
    trails = Trails()
    walk(trails, range(3))
    assert trails.way_of(1).tolist() == [[5, 20], [6, 20], [7, 20]]


def test_a_trail_ends_where_its_time_is_over() -> None:
    trails = Trails()
    walk(trails, range(100))
    way = trails.way_of(1)
    assert way[-1].tolist() == [104, 20]
    assert way[0, 0] == 84  # 2 s, at 10 px/s


@pytest.mark.parametrize("rate", [30.0, 60.0, 240.0])
def test_a_trail_is_as_long_and_as_cheap_at_any_rate(rate: float) -> None:
    trails = Trails()
    walk(trails, range(int(10 * rate)), rate=rate)
    way = trails.way_of(1)
    assert POINTS / 2 <= len(way) <= POINTS + 2
    assert (way[-1, 0] - way[0, 0]) / rate == pytest.approx(2.0, abs=0.2)


def test_the_same_frame_again_changes_nothing() -> None:
    trails = Trails()
    walk(trails, range(5))
    before = trails.way_of(1).tolist()
    walk(trails, range(4, 5))
    assert trails.way_of(1).tolist() == before


def test_a_step_back_in_time_begins_anew() -> None:
    trails = Trails()
    walk(trails, range(10))
    walk(trails, range(2))
    assert len(trails.way_of(1)) == 2


def test_a_lost_track_keeps_its_trail_and_a_removed_one_does_not() -> None:
    trails = Trails()
    walk(trails, range(5))
    trails.update(tracks_of([A(1, (90, 0, 99, 20), state=TrackState.LOST, unseen_s=0.1)]), 0.5, 2.0)
    assert trails.way_of(1)[-1].tolist() == [9, 20]
    trails.update(tracks_of([]), 0.6, 2.0)
    assert trails.way_of(1).shape == (0, 2)


def test_a_tentative_track_has_no_trail() -> None:
    trails = Trails()
    trails.update(tracks_of([A(1, (0, 0, 9, 20), state=TrackState.TENTATIVE)]), 0.0, 2.0)
    assert len(trails.way_of(1)) == 0

"""What others are told: removed tracks, whereabouts, and what an appearance hook is asked."""

from __future__ import annotations

import numpy as np
import pytest

from surveil.errors import DataError
from surveil.labels import SURVEIL_6
from surveil.track.tracker import SurveilTracker, TrackerConfig
from tests.support.scenes import crowd, found, frame, ids, person


def tracker(**more: object) -> SurveilTracker:
    return SurveilTracker(TrackerConfig(), SURVEIL_6, **more)  # type: ignore[arg-type]


def test_every_track_that_goes_is_reported_once() -> None:
    follow, there, gone = tracker(), set(), []
    for info, detections in crowd(30, 60):
        tracks = follow.update(info, detections)
        assert set(tracks.removed.tolist()) == there - set(ids(tracks))
        gone += tracks.removed.tolist()
        there = set(ids(tracks))
    tracks = follow.update(frame(3600), found([]))  # an hour later
    assert set(tracks.removed.tolist()) == there
    assert len(set(gone)) == len(gone) > 0
    assert len(follow.update(frame(3601), found([])).removed) == 0


def test_a_prediction_removes_nothing_and_the_next_update_tells() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50)]))
    follow.update(frame(0.1), found([]))
    assert len(follow.predict(frame(1.5)).removed) == 0
    assert follow.update(frame(1.6), found([])).removed.tolist() == [1]


def test_whereabouts_grow_less_sure_with_time() -> None:
    follow = tracker()
    for k in range(10):
        follow.update(frame(k / 10), found([person(20 * k)]))
    soon, later = follow.boxes_at(0.95), follow.boxes_at(1.7)
    assert soon.ids.tolist() == [1]
    np.testing.assert_allclose(soon.boxes, [person(190)], atol=3)
    assert (soon.std > 0).all()
    assert (soon.std < later.std).all()
    assert soon.std[0, 0] < 5 < later.std[0, 0]
    np.testing.assert_array_equal(soon.boxes, follow.predict(frame(0.95)).boxes)
    assert len(follow.boxes_at(9).ids) == 0
    with pytest.raises(DataError, match="steps back"):
        follow.boxes_at(0.5)


class Coats:
    """Knows two people by the colour of their coats, one number per detection of this frame."""

    def __init__(self) -> None:
        self.colours = np.zeros(0)
        self.known: dict[int, float] = {}
        self.forgotten: list[int] = []

    def likeness(self, ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
        coats = np.array([self.known[int(k)] for k in ids])
        return np.where(coats == self.colours[rows], 1.0, 0.2)

    def learn(self, ids: np.ndarray, rows: np.ndarray) -> None:
        self.known.update(zip(ids.tolist(), self.colours[rows].tolist(), strict=True))

    def forget(self, ids: np.ndarray) -> None:
        self.forgotten += ids.tolist()


def test_looks_decide_where_places_do_not() -> None:
    coats = Coats()
    follow = tracker(appearance=coats)
    for k in range(4):
        coats.colours = np.array([7.0, 3.0])  # the right one is listed first
        follow.update(frame(k / 10), found([person(130), person(100)]))
    assert coats.known == {1: 3.0, 2: 7.0}
    coats.colours = np.array([7.0, 3.0])
    tracks = follow.update(frame(0.4), found([person(112), person(118)]))
    assert tracks.boxes[:, 0].tolist() == [118, 112]  # they have changed places
    coats.colours = np.zeros(0)
    follow.update(frame(0.5), found([]))
    follow.update(frame(2.0), found([]))
    assert coats.forgotten == [1, 2]

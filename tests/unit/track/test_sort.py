from __future__ import annotations

import numpy as np

from surveil.labels import SURVEIL_6, LabelMap
from surveil.track.sort import SortConfig, SortTracker
from surveil.types import TrackState
from tests.support.scenes import found, frame, ids, person

CONFIRMED, LOST, TENTATIVE = TrackState.CONFIRMED, TrackState.LOST, TrackState.TENTATIVE


def tracker(**settings: float) -> SortTracker:
    return SortTracker(SortConfig(**settings), SURVEIL_6)


def test_three_hits_in_a_row_after_the_first_confirm_and_at_the_start_one_does() -> None:
    follow = tracker()
    assert follow.update(frame(0), found([person(50)])).states.tolist() == [CONFIRMED]
    for k in range(1, 5):
        follow.update(frame(k / 10), found([]))
    states = [follow.update(frame(0.5 + k / 10), found([person(300)])).states[-1] for k in range(4)]
    assert states == [TENTATIVE, TENTATIVE, TENTATIVE, CONFIRMED]


def test_life_is_counted_in_frames() -> None:
    follow = tracker(max_age=2)
    follow.update(frame(0), found([person(50)]))
    left = [ids(follow.update(frame(k / 10), found([]))) for k in range(1, 4)]
    assert left == [[1], [1], []]


def test_low_scores_are_not_looked_at() -> None:
    assert ids(tracker().update(frame(0), found([person(50)], 0.59))) == []


def test_the_filter_is_the_textbooks() -> None:
    """The first two steps of one box, worked out by hand from the paper's matrices."""
    follow = tracker()
    follow.update(frame(0), found([person(0, 0, 10, 10)]))
    tracks = follow.update(frame(1), found([person(2, 0, 10, 10)]))
    # P of cx: 10, of its velocity: 10,000. Predicted: 10 + 10,000 + 1; gain: that over that plus R = 1.
    gain, gain_v = 10_011 / 10_012, 10_000 / 10_012
    np.testing.assert_allclose(tracks.smoothed_boxes[0, 0], 2 * gain, rtol=1e-6)
    np.testing.assert_allclose(tracks.velocity, [[2 * gain_v, 0]], rtol=1e-6)


def test_a_swapped_model_ends_what_it_has_no_name_for() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50), person(300)], classes=[0, 2]))
    tracks = follow.update(frame(0.1), found([person(50)], labels=LabelMap("other", ("person",))))
    assert ids(tracks) == [1]


def test_a_shrinking_box_keeps_a_size() -> None:
    follow = tracker()
    for k in range(4):
        side = 80 - 20 * k
        follow.update(frame(k / 10), found([(100, 100, 100 + side, 100 + side)]))
    for k in range(4, 12):
        tracks = follow.update(frame(k / 10), found([]))
        assert (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
        assert np.isfinite(tracks.boxes).all()

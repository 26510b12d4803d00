"""What every tracker promises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from surveil.errors import DataError, UsageError
from surveil.labels import SURVEIL_6, LabelMap
from surveil.track.config import TrackerConfig
from surveil.track.open import TRACKERS, open_tracker
from surveil.track.tracker import Tracker
from surveil.types import Tracks, TrackState
from tests.support.scenes import SIZE, Box, crowd, found, frame, ids, person

Make = Callable[[], Tracker]


@pytest.fixture(params=TRACKERS)
def make(request: pytest.FixtureRequest) -> Make:
    return lambda: open_tracker(request.param, SURVEIL_6, TrackerConfig())


def test_an_unknown_tracker() -> None:
    with pytest.raises(UsageError, match="unknown tracker 'bytetrack': expected one of surveil, sort"):
        open_tracker("bytetrack", SURVEIL_6, TrackerConfig())


def test_people_who_walk_keep_their_ids(make: Make) -> None:
    follow = make()
    for k in range(20):
        tracks = follow.update(frame(k / 10, k), found([person(8 * k), person(500 - 8 * k, 300)]))
    assert ids(tracks) == [1, 2]
    assert tracks.states.tolist() == [TrackState.CONFIRMED] * 2
    assert tracks.unseen_s.tolist() == [0, 0]
    np.testing.assert_array_equal(tracks.boxes, [person(152), person(348, 300)])
    np.testing.assert_allclose(tracks.smoothed_boxes, tracks.boxes, atol=3)
    np.testing.assert_allclose(tracks.velocity, [[80, 0], [-80, 0]], atol=8)
    np.testing.assert_allclose(tracks.age_s, 1.9, rtol=1e-5)
    assert tracks.frame_size == SIZE
    assert tracks.labels is SURVEIL_6


def test_empty_frames_are_frames(make: Make) -> None:
    follow = make()
    for k in range(5):
        assert len(follow.update(frame(k / 10, k), found([]))) == 0
    assert len(follow.predict(frame(1))) == 0


def test_predicting_before_anything_was_seen(make: Make) -> None:
    tracks = make().predict(frame(5))
    assert len(tracks) == 0
    assert tracks.labels is SURVEIL_6


def test_who_is_not_seen_coasts_and_is_found_again(make: Make) -> None:
    follow = make()
    for k in range(10):
        follow.update(frame(k / 10, k), found([person(10 * k)]))
    tracks = follow.update(frame(1.0), found([]))
    assert tracks.states.tolist() == [TrackState.LOST]
    assert tracks.coasting.all()
    np.testing.assert_allclose(tracks.boxes, [person(100)], atol=5)
    assert ids(follow.update(frame(1.1), found([person(110)]))) == [1]


def test_a_prediction_moves_the_boxes_and_not_the_tracker(make: Make) -> None:
    one, other = make(), make()
    for k in range(10):
        for follow in (one, other):
            follow.update(frame(k / 10, k), found([person(10 * k)]))
    ahead = one.predict(frame(1.0))
    assert ids(ahead) == [1]
    assert ahead.coasting.all()
    np.testing.assert_allclose(ahead.boxes, [person(100)], atol=5)
    same(one.update(frame(1.0), found([person(101)])), other.update(frame(1.0), found([person(101)])))


def test_time_that_steps_back_is_an_error_and_changes_nothing(make: Make) -> None:
    follow = make()
    follow.update(frame(5), found([person(50)]))
    for call in (lambda: follow.update(frame(4.9), found([])), lambda: follow.predict(frame(4.9))):
        with pytest.raises(DataError, match="steps back"):
            call()
    assert ids(follow.update(frame(5.1), found([person(50)]))) == [1]


def test_time_that_stands_still_is_none(make: Make) -> None:
    follow = make()
    for _ in range(5):
        tracks = follow.update(frame(5), found([person(50)]))
    assert ids(tracks) == [1]


def test_an_hour_later_all_is_new(make: Make) -> None:
    follow = make()
    follow.update(frame(0), found([person(50)]))
    assert ids(follow.predict(frame(3600))) == []
    assert ids(follow.update(frame(3600), found([person(50)]))) == [2]


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 0, 0),
        (9, 9, 5, 20),
        (9, 9, 20, 9),
        (float("nan"), 0, 1, 1),
        (0, 0, float("inf"), 9),
        (-float("inf"), 0, 9, 9),
        (0, 0, 9e6, 9),
    ],
)
def test_a_box_that_is_none_is_an_error_and_changes_nothing(make: Make, box: Box) -> None:
    follow = make()
    follow.update(frame(0), found([person(50)]))
    with pytest.raises(DataError, match="frame 1: detection 1 of 2"):
        follow.update(frame(0.1, 1), found([person(50), box]))
    assert ids(follow.update(frame(0.1, 1), found([person(50)]))) == [1]


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan"), float("inf")])
def test_a_score_that_is_none_is_an_error(make: Make, score: float) -> None:
    with pytest.raises(DataError, match="score"):
        make().update(frame(0), found([person(50)], score))


@pytest.mark.parametrize("pts_s", [float("nan"), float("inf")])
def test_a_time_that_is_none_is_an_error(make: Make, pts_s: float) -> None:
    with pytest.raises(DataError, match="finite media time"):
        make().update(frame(pts_s), found([]))


def test_a_hundred_thousand_detections_are_an_error_at_once(make: Make) -> None:
    boxes = np.tile(np.float32([0, 0, 9, 9]), (100_000, 1))
    with pytest.raises(DataError, match="at most 10000 detections, got 100000; raise the detector's score"):
        make().update(frame(0), found(boxes))


def test_what_ends_is_reported_once(make: Make) -> None:
    follow = make()
    for k in range(5):
        assert len(follow.update(frame(k / 10, k), found([person(50)])).removed) == 0
    gone = [follow.update(frame(0.5 + k / 10, 5 + k), found([])).removed.tolist() for k in range(60)]
    assert [removed for removed in gone if removed] == [[1]]


def test_results_are_not_written_to_afterwards(make: Make) -> None:
    follow = make()
    first = follow.update(frame(0), found([person(50)]))
    copies = {name: getattr(first, name).copy() for name in ("ids", "boxes", "scores", "states", "age_s")}
    for k in range(1, 5):
        follow.update(frame(k / 10), found([person(50 + 5 * k)], 0.8))
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(first, name), copy)


@pytest.mark.parametrize("name", TRACKERS)
def test_ids_go_on_after_those_of_another_tracker(name: str) -> None:
    follow = open_tracker(name, SURVEIL_6, TrackerConfig(), ids_after=40)
    assert ids(follow.update(frame(0), found([person(50), person(300)]))) == [41, 42]


@pytest.mark.parametrize("name", TRACKERS)
def test_a_snapshot_is_taken_by_the_next_tracker_or_there_is_none(name: str) -> None:
    follow = open_tracker(name, SURVEIL_6, TrackerConfig())
    follow.update(frame(5), found([person(50)]))
    snapshot = follow.snapshot()
    again = open_tracker(name, SURVEIL_6, TrackerConfig(), ids_after=1, snapshot=snapshot, at_s=-0.1)
    tracks = again.update(frame(0), found([person(52), person(300)]))
    assert ids(tracks) == ([2, 3] if snapshot is None else [1, 2])


def test_two_cameras_count_for_themselves(make: Make) -> None:
    one, other = make(), make()
    one.update(frame(0), found([person(50), person(300)]))
    assert ids(other.update(frame(0), found([person(50)]))) == [1]


def test_shuffled_detections_give_identical_tracks(make: Make) -> None:
    one, other = make(), make()
    rng = np.random.default_rng(1)
    for info, detections in crowd(20, 30):
        mixed = detections.select(rng.permutation(len(detections)))
        same(one.update(info, detections), other.update(info, mixed))


def test_a_swapped_model_changes_the_words_and_keeps_the_people(make: Make) -> None:
    other = LabelMap("other", ("cat", "person"))
    follow = make()
    for k in range(5):
        follow.update(frame(k / 10), found([person(50)]))
    tracks = follow.update(frame(0.5), found([person(50)], classes=1, labels=other))
    assert ids(tracks) == [1]
    assert tracks.labels == other
    assert tracks.class_ids.tolist() == [1]


def same(one: Tracks, other: Tracks) -> None:
    for name in ("ids", "boxes", "smoothed_boxes", "scores", "class_ids", "states", "velocity", "unseen_s"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)

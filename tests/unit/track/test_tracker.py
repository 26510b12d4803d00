"""Each stage by a scene of a few frames, the life of a track, and the properties of every scene."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.errors import UsageError
from surveil.labels import SURVEIL_6, LabelMap
from surveil.track.tracker import SurveilTracker, TrackerConfig
from surveil.types import Detections, Tracks, TrackState
from tests.support.scenes import Box, crowd, found, frame, ids, person

CONFIRMED, LOST, TENTATIVE = TrackState.CONFIRMED, TrackState.LOST, TrackState.TENTATIVE
STRONG, WEAK = 0.9, 0.3
DT = 0.1


def tracker(**settings: float) -> SurveilTracker:
    return SurveilTracker(TrackerConfig(**settings), SURVEIL_6)


def play(follow: SurveilTracker, *frames: Detections, start_s: float = 0.0) -> Tracks:
    """What the last of some frames gives, one every DT."""
    for k, detections in enumerate(frames):
        tracks = follow.update(frame(start_s + k * DT), detections)
    return tracks


def test_stage_1_a_good_detection_goes_to_the_prediction_not_to_the_last_place() -> None:
    follow = tracker()
    walks = [found([person(20 * k), person(400 - 20 * k)]) for k in range(8)]
    play(follow, *walks)
    # Unseen for three frames, found where the walk leads: 60 px further, one and a half widths.
    tracks = follow.update(frame(1.1), found([person(220), person(180)]))
    assert ids(tracks) == [1, 2]
    assert tracks.boxes[:, 0].tolist() == [220, 180]
    assert tracks.states.tolist() == [CONFIRMED, CONFIRMED]


def test_stage_1_heights_tell_apart_who_stands_behind_whom() -> None:
    follow = tracker()
    play(follow, *[found([person(100, 100, 40, 100), person(110, 80, 40, 90)])] * 3)
    tracks = follow.update(frame(0.3), found([person(106, 100, 40, 100), person(104, 80, 40, 90)]))
    assert tracks.boxes[:, 1].tolist() == [100, 80]


def test_stage_2_a_weak_detection_keeps_a_track_that_is_in_sight() -> None:
    tracks = play(tracker(), *[found([person(50)])] * 3, found([person(51)], WEAK))
    assert tracks.states.tolist() == [CONFIRMED]
    assert tracks.unseen_s.tolist() == [0]
    assert tracks.scores.tolist() == [np.float32(WEAK)]


def test_stage_2_a_weak_detection_finds_no_lost_track_and_begins_none() -> None:
    empty = found([])
    tracks = play(tracker(), *[found([person(50)])] * 3, empty, found([person(50)], WEAK))
    assert ids(tracks) == [1]
    assert tracks.states.tolist() == [LOST]
    assert ids(play(tracker(), *[found([person(50)], WEAK)] * 3)) == []


def test_below_low_nothing_is_looked_at() -> None:
    tracks = play(tracker(), *[found([person(50)])] * 3, found([person(50)], 0.09))
    assert tracks.states.tolist() == [LOST]


def test_stage_3_who_stops_while_hidden_is_found_where_they_were_last_seen() -> None:
    follow = tracker()
    play(follow, *[found([person(30 * k)]) for k in range(8)])
    # The prediction has run 150 px ahead, past the box; only the last place fits.
    tracks = follow.update(frame(1.2), found([person(212)]))
    assert ids(tracks) == [1]
    assert tracks.states.tolist() == [CONFIRMED]


def test_stage_4_a_second_detection_confirms_a_tentative_track() -> None:
    follow = tracker()
    follow.update(frame(0), found([]))
    assert follow.update(frame(0.1), found([person(50)])).states.tolist() == [TENTATIVE]
    assert follow.update(frame(0.2), found([person(52)])).states.tolist() == [CONFIRMED]


def test_stage_4_known_tracks_have_the_first_choice() -> None:
    follow = tracker()
    play(follow, found([person(50)]), found([person(50), person(62)]))
    tracks = follow.update(frame(0.2), found([person(52)]))
    assert ids(tracks) == [1]


def test_stage_5_a_weak_detection_carries_a_tentative_track_but_does_not_confirm_it() -> None:
    follow = tracker()
    states = [
        play(follow, found([]), start_s=0),
        follow.update(frame(0.1), found([person(50)])),
        follow.update(frame(0.2), found([person(51)], WEAK)),
        follow.update(frame(0.3), found([person(52)], WEAK)),
        follow.update(frame(0.4), found([person(53)])),
    ]
    assert [tracks.states.tolist() for tracks in states] == [
        [],
        [TENTATIVE],
        [TENTATIVE],
        [TENTATIVE],
        [CONFIRMED],
    ]
    assert ids(states[-1]) == [1]


def test_a_tentative_track_ends_at_its_first_miss() -> None:
    tracks = play(tracker(), found([]), found([person(50)]), found([]))
    assert ids(tracks) == []


def test_births_need_a_better_score_than_matches() -> None:
    assert ids(play(tracker(), found([person(50)], 0.65))) == []
    assert ids(play(tracker(), found([person(50)], 0.7))) == [1]


def test_the_first_frame_confirms_at_once_and_so_does_a_sure_score_on_request() -> None:
    assert play(tracker(), found([person(50)])).states.tolist() == [CONFIRMED]
    tracks = play(tracker(sure_score=0.85), found([]), found([person(50), person(300)], [0.86, 0.84]))
    assert tracks.states.tolist() == [CONFIRMED, TENTATIVE]


def test_a_lost_track_lives_for_its_class_and_coasts_meanwhile() -> None:
    config = TrackerConfig(lost_life_s=0.25, lost_life_by_label={"person": 0.55})
    follow = SurveilTracker(config, SURVEIL_6)
    scene = [found([person(20 * k), person(20 * k, 300)], classes=[0, 2]) for k in range(6)]
    play(follow, *scene)
    lived = {k: follow.update(frame(0.5 + k * DT), found([])) for k in range(1, 7)}
    assert [ids(tracks) for tracks in lived.values()] == [[1, 2], [1, 2], [1], [1], [1], []]
    assert lived[2].states.tolist() == [LOST, LOST]
    assert lived[2].coasting.all()
    np.testing.assert_allclose(lived[2].unseen_s, 0.2, rtol=1e-5)
    np.testing.assert_array_equal(lived[2].boxes, lived[2].smoothed_boxes)
    np.testing.assert_allclose(lived[2].boxes[0, [0, 2]], [140, 180], atol=6)


def test_a_track_seen_in_the_last_frame_has_its_chance_however_long_that_was_ago() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50)]))
    assert ids(follow.update(frame(2.9), found([person(55)]))) == [1]
    # A lost one has not.
    follow.update(frame(3.0), found([]))
    assert ids(follow.update(frame(5.9), found([person(55)]))) == [2]


def test_after_three_seconds_all_is_lost_and_ids_go_on() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50), person(200)]))
    assert ids(follow.predict(frame(3.1))) == []
    tracks = follow.update(frame(3.1), found([person(50)]))
    assert ids(tracks) == [3]
    assert tracks.states.tolist() == [CONFIRMED]


def test_no_time_passed_associates_without_predicting() -> None:
    follow = tracker()
    before = play(follow, *[found([person(20 * k)]) for k in range(5)])
    tracks = follow.update(frame(0.4), found([person(80)]))
    assert ids(tracks) == ids(before)
    np.testing.assert_allclose(tracks.smoothed_boxes, before.smoothed_boxes, atol=1)


def test_a_gap_restarts_the_velocity_on_the_straight_line() -> None:
    follow = tracker()
    play(follow, *[found([person(20 * k)]) for k in range(6)])
    follow.update(frame(0.6), found([]))
    tracks = follow.update(frame(1.0), found([person(105)]))
    np.testing.assert_allclose(tracks.velocity, [[10, 0]], atol=1e-4)


def test_a_younger_lost_track_upon_a_living_one_is_the_same_object() -> None:
    follow = tracker()
    play(follow, *[found([person(100), person(160, 102)])] * 3)
    # The second is seen no more, and the first walks to where it was.
    for k in range(1, 7):
        tracks = follow.update(frame(0.2 + k * DT), found([person(100 + 10 * k)]))
    assert ids(tracks) == [1]


def test_labels_follow_the_vote_and_a_wrong_one_breaks_no_track() -> None:
    car, truck = SURVEIL_6.id_of("car"), SURVEIL_6.id_of("truck")
    kinds = [car, car, truck, car, car, truck, car]
    follow = tracker()
    for k, kind in enumerate(kinds):
        tracks = follow.update(frame(k * DT), found([person(50 + k)], classes=kind))
        assert ids(tracks) == [1]
        assert tracks.class_ids.tolist() == [car]


def test_among_equals_the_class_decides() -> None:
    follow = tracker()
    car = SURVEIL_6.id_of("car")
    play(follow, *[found([person(100), person(130)], classes=[0, car])] * 3)
    tracks = follow.update(frame(0.3), found([person(113), person(117)], classes=[car, 0]))
    assert tracks.boxes[:, 0].tolist() == [117, 113]
    assert tracks.class_ids.tolist() == [0, car]


def test_labels_that_flicker_change_no_track() -> None:
    rng, plain, flickering = np.random.default_rng(0), tracker(), tracker()
    same = total = 0
    for info, detections in crowd(40, 60):
        wrong = rng.random(len(detections)) < 0.15
        kinds = np.where(wrong, rng.integers(1, 6, len(wrong)), 0)
        one = plain.update(info, detections)
        other = flickering.update(info, found(detections.boxes, detections.scores, kinds))
        seen = {tuple(box): k for box, k in zip(one.boxes.tolist(), ids(one), strict=True)}
        pairs = zip(other.boxes.tolist(), ids(other), other.coasting.tolist(), strict=True)
        matched = [seen.get(tuple(box)) == k for box, k, coasting in pairs if not coasting]
        same, total = same + sum(matched), total + len(matched)
        settled = other.age_s > 0.5
        assert not settled.any() or (other.class_ids[settled] == 0).mean() > 0.9
    assert same > 0.97 * total


def test_a_swapped_model_keeps_tracks_and_names() -> None:
    other = LabelMap("other", ("cat", "person"))
    follow = tracker()
    play(follow, *[found([person(50), person(300)], classes=[0, 2])] * 3)
    tracks = follow.update(frame(0.3), found([person(50), person(500)], classes=[1, 0], labels=other))
    assert [tracks.labels[int(k)] for k in tracks.class_ids] == ["person", "car", "cat"]
    assert ids(tracks) == [1, 2, 3]
    assert tracks.labels.names == ("cat", "person", "car")
    back = follow.update(frame(0.4), found([person(50)]))
    assert [back.labels[int(k)] for k in back.class_ids] == ["person", "car"]


def test_predict_shows_where_everybody_will_be_and_changes_nothing() -> None:
    watched, left_alone = tracker(), tracker()
    scene = [found([person(20 * k)]) for k in range(8)]
    play(watched, *scene)
    play(left_alone, *scene)
    ahead = watched.predict(frame(0.8))
    np.testing.assert_allclose(ahead.boxes[0, 0], 160, atol=4)
    assert ahead.states.tolist() == [CONFIRMED]
    assert ahead.coasting.tolist() == [True]
    for step in (0.85, 1.3):
        watched.predict(frame(step))
    assert_same(watched.update(frame(0.9), scene[7]), left_alone.update(frame(0.9), scene[7]))


def test_a_panning_camera_whose_motion_is_known_loses_nobody() -> None:
    pan = np.array([[1.0, 0, 70], [0, 1, -20]])
    with_motion, without = tracker(), tracker()
    for k in range(5):
        scene = found([person(50 + 70 * k, 300 - 20 * k), person(200 + 70 * k, 310 - 20 * k)])
        kept = with_motion.update(frame(k * DT), scene, pan if k else None)
        blind = without.update(frame(k * DT), scene)
    assert ids(kept) == [1, 2]
    np.testing.assert_allclose(kept.velocity, 0, atol=1e-3)
    assert max(ids(blind)) > 2


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(UsageError, match="low <= high <= birth"):
        TrackerConfig(low=0.5, high=0.4)
    with pytest.raises(UsageError, match="low_gate: expected more than 0"):
        TrackerConfig(low_gate=0)


def assert_same(one: Tracks, other: Tracks) -> None:
    for name in ("ids", "boxes", "smoothed_boxes", "scores", "class_ids", "states", "velocity", "unseen_s"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


COORDINATE = st.floats(0, 400, width=32)
BOX = st.tuples(COORDINATE, COORDINATE, st.floats(8, 120, width=32), st.floats(8, 120, width=32))
OBJECT = st.tuples(BOX, st.floats(0, 1, width=32), st.integers(0, 5))
SCENE = st.lists(st.lists(OBJECT, max_size=8), min_size=1, max_size=8)


def detections_of(objects: list[tuple[Box, float, int]]) -> Detections:
    boxes = [(x, y, x + width, y + height) for (x, y, width, height), _, _ in objects]
    return found(boxes, [score for _, score, _ in objects], [kind for _, _, kind in objects])


@settings(max_examples=60, deadline=None)
@given(SCENE, st.integers(0, 2**32))
def test_the_order_of_detections_does_not_matter(scene: list, seed: int) -> None:
    one, other, rng = tracker(), tracker(), np.random.default_rng(seed)
    for k, objects in enumerate(scene):
        detections = detections_of(objects)
        mixed = detections.select(rng.permutation(len(objects)))
        assert_same(one.update(frame(k * DT), detections), other.update(frame(k * DT), mixed))


@settings(max_examples=60, deadline=None)
@given(SCENE)
def test_ids_are_unique_and_a_detection_belongs_to_one_track(scene: list) -> None:
    follow, gone = tracker(), set()
    before: set[int] = set()
    for k, objects in enumerate(scene):
        tracks = follow.update(frame(k * DT), detections_of(objects))
        now = set(ids(tracks))
        assert len(now) == len(tracks)
        assert ids(tracks) == sorted(now)
        assert not now & gone
        gone |= before - now
        before = now
        matched = tracks.boxes[~tracks.coasting].tolist()
        given_boxes = detections_of(objects).boxes.tolist()
        assert all(matched.count(box) <= given_boxes.count(box) for box in matched)
        assert (tracks.boxes[:, 2:] > tracks.boxes[:, :2]).all()
        assert np.isfinite(tracks.velocity).all()


@pytest.mark.parametrize(("scale", "shift"), [(4.0, 0.0), (0.125, 0.0), (1.0, 256.0), (0.5, -128.0)])
def test_a_larger_or_shifted_picture_gives_larger_or_shifted_tracks(scale: float, shift: float) -> None:
    one, other = tracker(), tracker()
    for info, detections in crowd(30, 40):
        moved = found(detections.boxes * np.float32(scale) + np.float32(shift), detections.scores)
        tracks, elsewhere = one.update(info, detections), other.update(info, moved)
        assert ids(tracks) == ids(elsewhere)
        np.testing.assert_allclose(
            elsewhere.smoothed_boxes, tracks.smoothed_boxes * scale + shift, atol=2e-3 * scale, rtol=1e-5
        )


def test_a_thousand_objects_and_the_small_matrices_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from surveil.track import assignment

    scene = crowd(1000, 6)
    sparse, dense = tracker(), tracker()
    swept = [sparse.update(*step) for step in scene]
    monkeypatch.setattr(assignment, "DENSE_CELLS", 10**9)
    full = [dense.update(*step) for step in scene]
    for one, other in zip(swept, full, strict=True):
        assert_same(one, other)
    confirmed = swept[-1].states == CONFIRMED
    assert 600 < confirmed.sum() < 1000


def memory_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux how much memory it holds")
def test_a_million_frames_leave_nothing_behind() -> None:
    """Somebody walks through again and again, 9.3 hours long."""
    follow, held_mb, known = tracker(), [], []
    for k in range(1_000_000):
        scene = found([person(5.0 * (k % 40))] if k % 40 < 25 else [])
        tracks = follow.update(frame(k / 30, k), scene)
        if k % 100_000 == 99_999:
            held_mb.append(memory_mb())
            known.append(len(follow.snapshot()))
    assert len(tracks) <= 2
    assert max(ids(tracks)) == 25_000  # one a walk
    assert max(known) < 1.2 * known[0]  # numbers have more digits later
    assert held_mb[-1] < held_mb[0] + 1

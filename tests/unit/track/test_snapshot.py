from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.errors import DataError
from surveil.labels import SURVEIL_6, LabelMap
from surveil.track.tracker import SurveilTracker, TrackerConfig
from tests.support.scenes import crowd, found, frame, ids, person
from tests.unit.track.test_tracker import assert_same


def tracker() -> SurveilTracker:
    return SurveilTracker(TrackerConfig(), SURVEIL_6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 24), st.integers(1, 40), st.integers(0, 99))
def test_resumed_equals_never_stopped_bit_for_bit(stop: int, people: int, seed: int) -> None:
    whole = tracker()
    stopped = tracker()
    for k, (info, detections) in enumerate(crowd(people, 25, seed)):
        if k == stop:
            stopped = SurveilTracker.resume(stopped.snapshot(), TrackerConfig())
        assert_same(whole.update(info, detections), stopped.update(info, detections))
    assert whole.snapshot() == stopped.snapshot()


def test_a_snapshot_before_the_first_frame() -> None:
    resumed = SurveilTracker.resume(tracker().snapshot(), TrackerConfig())
    assert ids(resumed.update(frame(0), found([person(50)]))) == [1]


def test_ids_go_on_after_a_restart_even_when_nobody_is_left() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50), person(300)]))
    follow.update(frame(9), found([]))
    resumed = SurveilTracker.resume(follow.snapshot(), TrackerConfig())
    assert ids(resumed.update(frame(10), found([person(50)]))) == [3]


def test_a_swapped_model_s_words_are_kept() -> None:
    other = LabelMap("other", ("cat", "person"))
    follow = tracker()
    for k in range(3):
        follow.update(frame(k / 10), found([person(50), person(300)], classes=[0, 2]))
    follow.update(frame(0.3), found([person(50)], classes=1, labels=other))
    resumed = SurveilTracker.resume(follow.snapshot(), TrackerConfig())
    again = found([person(50), person(300)], classes=[1, 0], labels=other)
    assert_same(follow.update(frame(0.4), again), resumed.update(frame(0.4), again))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 24), st.sampled_from([-1e6, -3.25, 0.0, 1e6]))
def test_time_may_count_anew_after_a_restart(stop: int, shift_s: float) -> None:
    whole = tracker()
    stopped = tracker()
    scene = crowd(12, 25, 1)
    for k, (info, detections) in enumerate(scene):
        if k == stop:
            at_s = scene[k - 1][0].pts_s + shift_s
            stopped = SurveilTracker.resume(stopped.snapshot(), TrackerConfig(), at_s=at_s)
        one = whole.update(info, detections)
        moved = replace(info, pts_s=info.pts_s + shift_s) if k >= stop else info
        other = stopped.update(moved, detections)
        for name in ("ids", "boxes", "states", "class_ids"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_allclose(one.smoothed_boxes, other.smoothed_boxes, atol=1e-3)
        np.testing.assert_allclose(one.age_s, other.age_s, atol=1e-5)


def test_what_was_seen_last_is_told_as_ended_when_the_restart_took_long() -> None:
    follow = tracker()
    follow.update(frame(70), found([person(50), person(300)]))
    resumed = SurveilTracker.resume(follow.snapshot(), TrackerConfig(), at_s=-60.0)
    tracks = resumed.update(frame(0), found([person(50)]))
    assert ids(tracks) == [3]
    assert tracks.removed.tolist() == [1, 2]


def test_a_restart_before_the_first_frame_has_no_time_to_move() -> None:
    resumed = SurveilTracker.resume(tracker().snapshot(), TrackerConfig(), at_s=-5.0, ids_after=9)
    assert ids(resumed.update(frame(0), found([person(50)]))) == [10]


def test_ids_go_on_behind_the_last_that_anybody_knows_of() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50), person(300)]))
    for known, first in ((0, 3), (2, 3), (1002, 1003)):
        resumed = SurveilTracker.resume(follow.snapshot(), TrackerConfig(), ids_after=known)
        assert ids(resumed.update(frame(9), found([person(50)]))) == [first]


def test_time_may_not_step_back_over_a_restart() -> None:
    follow = tracker()
    follow.update(frame(5), found([person(50)]))
    resumed = SurveilTracker.resume(follow.snapshot(), TrackerConfig())
    with pytest.raises(DataError, match="steps back from 5"):
        resumed.update(frame(0), found([]))


def test_what_is_damaged_or_of_another_version_is_refused() -> None:
    follow = tracker()
    follow.update(frame(0), found([person(50)]))
    good = follow.snapshot()
    newer = json.dumps({**json.loads(good), "schema": 2})
    with pytest.raises(DataError, match="expected version 1, got 2"):
        SurveilTracker.resume(newer, TrackerConfig())
    for bad in ("", "{}", "[]", "nonsense", good[:-20], good.replace("40.0", "41.0"), "[" * 10_000):
        with pytest.raises(DataError, match="tracker snapshot: damaged"):
            SurveilTracker.resume(bad, TrackerConfig())

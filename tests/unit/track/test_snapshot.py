from __future__ import annotations

import json

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

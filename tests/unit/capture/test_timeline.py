from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.capture.timeline import Timeline


def play(timeline: Timeline, *stamps: float | None) -> list[float]:
    return [round(timeline.stamp(stamp), 6) for stamp in stamps]


def test_the_first_frame_is_at_zero_and_true_spacing_is_kept() -> None:
    timeline = Timeline(25)
    assert play(timeline, 1.4, 1.44, 1.6, 1.61) == [0, 0.04, 0.2, 0.21]
    assert timeline.repaired == 0


def test_missing_stamps_are_one_period_after_the_last() -> None:
    timeline = Timeline(10)
    assert play(timeline, None, None, 7.0, 7.25) == [0, 0.1, 0.2, 0.45]
    assert timeline.repaired == 1  # the first frame is at 0 with or without a stamp, the third joins on


def test_a_stamp_that_does_not_rise_is_repaired_once() -> None:
    timeline = Timeline(10)
    assert play(timeline, 0, 0.1, 0.1, 0.05, 0.5) == [0, 0.1, 0.2, 0.3, 0.5]
    assert timeline.repaired == 2


def test_after_a_long_step_back_the_spacing_is_true_again() -> None:
    timeline = Timeline(10)
    assert play(timeline, 100, 100.2, 3, 3.25, 3.5) == [0, 0.2, 0.3, 0.55, 0.8]
    assert timeline.repaired == 1


def test_a_recording_may_have_long_gaps() -> None:
    assert play(Timeline(10), 0, 3600) == [0, 3600]


def test_a_gap_of_years_is_damage() -> None:
    assert play(Timeline(10), 0, 1e9, 1e9 + 0.5, 0.4) == [0, 0.1, 0.6, 0.7]


def test_a_live_stream_may_not_jump_ahead_of_its_arrival() -> None:
    timeline = Timeline(10, longest_ahead_s=2)
    stamps = [timeline.stamp(raw, at) for raw, at in [(5, 50), (5.1, 50.1), (3605.2, 50.2), (3605.3, 50.3)]]
    assert stamps == pytest.approx([0, 0.1, 0.2, 0.3])
    assert timeline.repaired == 1


def test_a_live_stream_without_stamps_follows_its_arrival() -> None:
    timeline = Timeline(10, longest_ahead_s=0)
    stamps = [timeline.stamp(None, at) for at in (50, 50.1, 50.7, 50.7)]
    assert stamps == pytest.approx([0, 0.1, 0.7, 0.75])  # a burst still rises, by half a period


@given(st.lists(st.none() | st.floats(), max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_media_time_always_rises(stamps: list[float | None], live: bool) -> None:
    timeline = Timeline(25, longest_ahead_s=2.0 if live else None)
    times = [timeline.stamp(raw, 0.04 * k) for k, raw in enumerate(stamps)]
    assert all(b > a for a, b in itertools.pairwise(times))
    assert not times or times[0] == 0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.gui.readings.counts import LEAST_CONTRAST, History, Palette, Span, count, spans
from surveil.render.palette import contrast
from surveil.types import TrackState
from tests.support.results import A, result_of

DARK, LIGHT = "#1a1e23", "#ffffff"
SPAN = Span(title="short", bin_s=2.0, bins=5)


@pytest.fixture
def history() -> History:
    return History(SPAN)


def test_confirmed_objects_are_counted_by_class():
    rows = [
        A(1, (0, 0, 9, 9)),
        A(2, (0, 0, 9, 9)),
        A(3, (0, 0, 9, 9), class_id=2),
        A(4, (0, 0, 9, 9), state=TrackState.LOST),
    ]
    assert count(result_of(rows)) == {"person": 2, "car": 1}


def test_a_bin_holds_the_mean_of_its_samples(history):
    history.add(100.0, {"door": {"person": 1}})
    history.add(101.0, {"door": {"person": 2}})
    history.add(102.0, {"door": {"person": 4}})
    assert history.curves(102.0, ["door"])["person"][-2:].tolist() == [1.5, 4.0]


def test_where_nothing_is_known_there_is_no_point(history):
    history.add(100.0, {"door": {"person": 1}})
    history.add(104.0, {"door": {}})
    curve = history.curves(104.0, ["door"])["person"]
    assert np.isnan(curve[:2]).all()
    assert curve[2] == 1.0
    assert np.isnan(curve[3])
    assert curve[4] == 0.0


def test_cameras_are_added_up_and_chosen(history):
    history.add(100.0, {"door": {"person": 1}, "yard": {"person": 2, "car": 1}})
    assert {k: v[-1] for k, v in history.curves(100.0, ["door", "yard"]).items()} == {"car": 1, "person": 3}
    assert {k: v[-1] for k, v in history.curves(100.0, ["door"]).items()} == {"person": 1}
    assert history.curves(100.0, ["cellar"]) == {}


def test_a_camera_that_knows_nothing_takes_nothing_from_the_others(history):
    history.add(100.0, {"door": {"person": 1}})
    history.add(102.0, {"yard": {"person": 2}})
    assert history.curves(102.0, ["door", "yard"])["person"][-2:].tolist() == [1.0, 2.0]


def test_what_is_older_than_the_span_is_forgotten(history):
    history.add(100.0, {"door": {"person": 1}})
    assert "person" in history.curves(109.0, ["door"])
    assert history.curves(110.0, ["door"]) == {}
    history.add(1e6, {"door": {"car": 1}})
    assert list(history.curves(1e6, ["door"])) == ["car"]


def test_a_camera_that_is_gone_is_forgotten(history):
    history.add(100.0, {"door": {"person": 1}, "yard": {"person": 2}})
    history.keep(["yard"])
    assert history.curves(100.0, ["door", "yard"])["person"][-1] == 2


def test_times_end_now():
    for span in spans():
        times = History(span).times()
        assert len(times) == span.bins
        assert times[-1] == 0
        assert np.allclose(np.diff(times), span.bin_s)
    assert [-History(span).times()[0] for span in spans()] == [300, 3600]


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, 5)), max_size=60))
def test_the_ring_agrees_with_plain_lists(samples):
    history, now_s, kept = History(SPAN), 50.0, []
    for passed_s, number in samples:
        now_s += passed_s
        history.add(now_s, {"door": {"person": number}})
        kept.append((int(now_s // 2), number))
    last = int(now_s // 2)
    bins = [[n for place, n in kept if place == last - 4 + k] for k in range(5)]
    curve = history.curves(now_s, ["door"]).get("person")
    if not any(n for numbers in bins for n in numbers):
        assert curve is None or np.nansum(curve) == 0
        return
    expected = [np.mean(numbers) if numbers else np.nan for numbers in bins]
    np.testing.assert_allclose(curve, expected)


def test_memory_is_bounded(history):
    for n in range(3000):
        history.add(float(n), {"door": {f"class {n}": 1}})
    assert len(history.curves(2999.0, ["door"])) <= 10  # 2 samples a bin, 5 bins


@pytest.mark.parametrize("ground", [DARK, LIGHT])
def test_every_colour_can_be_seen(ground):
    palette = Palette()
    for n in range(9):
        colour = palette.colour(str(n), ground)
        assert contrast(_bgr(colour), _bgr(ground)) >= LEAST_CONTRAST


def test_a_class_keeps_its_colour_and_the_eighth_is_dashed():
    palette = Palette()
    first = palette.colour("person", DARK)
    others = [palette.colour(str(n), DARK) for n in range(6)]
    assert first not in others
    assert len(set(others)) == 6
    assert palette.colour("eighth", DARK) == first
    assert palette.dashed("eighth")
    assert not palette.dashed("person")
    assert palette.colour("person", DARK) == first


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red

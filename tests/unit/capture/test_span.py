from __future__ import annotations

import pytest

from surveil.capture.span import WHOLE, Span
from surveil.errors import UsageError


def test_start_is_included_and_end_is_not() -> None:
    span = Span(start_s=1, end_s=2)
    assert [span.is_before(t) for t in (0.99, 1)] == [True, False]
    assert [span.is_over(t) for t in (1.99, 2)] == [False, True]
    assert not WHOLE.is_over(1e9)


def test_how_many_frames_it_holds() -> None:
    assert WHOLE.frames(10, 25) == 250
    assert Span(start_s=9).frames(10, 25) == 25
    assert Span(start_s=2, end_s=99).frames(10, 25) == 200
    assert Span(start_s=20).frames(10, 25) == 0


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1, None), (float("nan"), None), (5, 5), (5, 4), (0, float("nan"))]
)
def test_a_span_that_holds_nothing_is_refused(start_s: float, end_s: float | None) -> None:
    with pytest.raises(UsageError, match="expected"):
        Span(start_s=start_s, end_s=end_s)

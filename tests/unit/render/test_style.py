from __future__ import annotations

import pytest

from surveil.errors import UsageError
from surveil.render.style import OverlayStyle, sizes_for


def test_tentative_and_lost_tracks_are_not_drawn_unless_asked_for() -> None:
    style = OverlayStyle()
    assert (style.tentative, style.lost) == (False, False)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_trail_needs_a_length(seconds: float) -> None:
    with pytest.raises(UsageError, match="trail_s"):
        OverlayStyle(trail_s=seconds)


def test_sizes_grow_with_the_picture() -> None:
    small, large = sizes_for(720), sizes_for(2160)
    for name in ("line", "text", "pad", "plate", "dash"):
        assert getattr(large, name) == pytest.approx(3 * getattr(small, name), rel=0.2), name


@pytest.mark.parametrize("height", [1, 100, 240, 432])
def test_letters_and_lines_never_vanish(height: int) -> None:
    sizes = sizes_for(height)
    assert sizes.line >= 1
    assert sizes.text >= 11
    assert sizes.plate > sizes.text

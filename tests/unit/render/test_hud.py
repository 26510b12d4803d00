from __future__ import annotations

import pytest

from surveil.render.hud import GAP, Hud, media_time


def test_what_is_not_known_is_left_out() -> None:
    assert Hud().text == ""
    assert Hud(name="yard", device="CPU").text == f"yard{GAP}CPU"


def test_all_facts_in_their_order() -> None:
    hud = Hud(name="yard", time="00:00:01.0", fps=25.0, age_ms=41.6, device="CUDA", note="paused")
    assert hud.text.split(GAP) == ["yard", "00:00:01.0", "25.0 fps", "42 ms", "CUDA", "paused"]


@pytest.mark.parametrize(
    ("pts_s", "text"),
    [
        (0.0, "00:00:00.0"),
        (0.1, "00:00:00.1"),
        (0.3, "00:00:00.3"),
        (59.999, "00:00:59.9"),
        (86400.0, "24:00:00.0"),
        (-0.5, "00:00:00.0"),
    ],
)
def test_media_time(pts_s: float, text: str) -> None:
    assert media_time(pts_s) == text


def test_tenths_of_seconds_are_shown_as_they_are() -> None:
    assert [media_time(k / 10)[-1] for k in range(100)] == [str(k % 10) for k in range(100)]

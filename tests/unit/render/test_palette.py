from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from surveil.render.palette import BLACK, OKABE_ITO, WHITE, colour_of, contrast, ink_on, pale

# G. Machado et al., "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
# severity 1.0: linear RGB to linear RGB.
SIGHTS = {
    "full": np.eye(3),
    "no red": [[0.15229, 1.05258, -0.20487], [0.11450, 0.78628, 0.09922], [-0.00388, -0.04812, 1.05200]],
    "no green": [[0.36732, 0.86065, -0.22797], [0.28009, 0.67250, 0.04741], [-0.01182, 0.04294, 0.96888]],
}  # fmt: skip


def as_seen(colour: tuple[int, int, int], sight: str) -> np.ndarray:
    """CIE L*a*b* of a BGR colour as somebody with this sight sees it."""
    rgb = np.array(colour[::-1]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(SIGHTS[sight]) @ linear, 0, 1)
    return cv2.cvtColor(np.float32(seen).reshape(1, 1, 3), cv2.COLOR_LRGB2Lab).ravel()


@pytest.mark.parametrize("sight", SIGHTS)
def test_all_colours_can_be_told_apart(sight: str) -> None:
    distances = [
        float(np.linalg.norm(as_seen(a, sight) - as_seen(b, sight))) for a, b in combinations(OKABE_ITO, 2)
    ]
    assert min(distances) > 10  # CIE76; 2.3 is just noticeable


def test_an_id_has_always_the_same_colour_and_the_next_id_another() -> None:
    assert [colour_of(k) for k in range(1, 8)] == list(OKABE_ITO)
    assert colour_of(1) == colour_of(1 + len(OKABE_ITO))
    assert all(colour_of(k) != colour_of(k + 1) for k in range(1, 50))


@pytest.mark.parametrize("ground", [*OKABE_ITO, *map(pale, OKABE_ITO)])
def test_text_on_every_plate_can_be_read(ground: tuple[int, int, int]) -> None:
    assert contrast(ink_on(ground), ground) >= 4.5  # what WCAG asks of small text


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from surveil.capture.privacy import PrivacyMask
from surveil.geometry import inside
from surveil.types import Frame


def frame_of(image: NDArray[np.uint8]) -> Frame:
    return Frame(camera_id="c", index=3, pts_s=0.1, wall_s=1.0, arrived_s=2.0, image=image)


LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def test_the_area_is_black_and_the_rest_untouched() -> None:
    image = np.random.default_rng(0).integers(1, 255, (48, 64, 3), np.uint8)
    frame = frame_of(image)
    hidden = PrivacyMask([LEFT])(frame)
    assert not hidden.image[:, :32].any()
    assert np.array_equal(hidden.image[:, 34:], image[:, 34:])
    assert np.array_equal(frame.image, image)
    assert hidden.info == frame.info
    with pytest.raises(ValueError, match="read-only"):
        hidden.image[0, 0] = 1


def test_the_size_of_the_stream_may_change() -> None:
    mask = PrivacyMask([LEFT])
    for width, height in ((64, 48), (101, 33), (64, 48), (1, 1)):
        hidden = mask(frame_of(np.full((height, width, 3), 200, np.uint8))).image
        assert not hidden[:, : (width + 1) // 2].any()


def test_without_areas_it_is_the_same_frame() -> None:
    frame = frame_of(np.ones((4, 4, 3), np.uint8))
    assert PrivacyMask([])(frame) is frame


SIDE = st.floats(0, 1)


@settings(max_examples=40)
@given(st.lists(st.tuples(SIDE, SIDE), min_size=3, max_size=6))
def test_no_pixel_that_the_area_touches_is_seen(corners: list[tuple[float, float]]) -> None:
    """Points all over each pixel, also at its edges: where one lies inside, the pixel is black."""
    polygon = tuple(corners)
    width, height = 23, 17
    seen = PrivacyMask([polygon])(frame_of(np.full((height, width, 3), 255, np.uint8))).image[:, :, 0]
    steps = (np.arange(4 * 23) + 0.5) / (4 * 23), (np.arange(4 * 17) + 0.5) / (4 * 17)
    x, y = np.meshgrid(*steps)
    within = inside(np.stack([x.ravel(), y.ravel()], axis=1), polygon).reshape(4 * height, 4 * width)
    touched = within.reshape(height, 4, width, 4).any(axis=(1, 3))
    assert not seen[touched].any()

"""Frames with coloured squares."""

from __future__ import annotations

import numpy as np

from surveil.types import Frame

BLUE, GREEN, RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)
Square = tuple[tuple[int, int, int], tuple[int, int, int, int]]


def frame_of(
    size: tuple[int, int], *squares: Square, index: int = 0, camera: str = "camera", background: int = 0
) -> Frame:
    """A frame of (width, height) pixels with squares `(BGR, (x1, y1, x2, y2))` on an even background."""
    image = np.full((size[1], size[0], 3), background, np.uint8)
    for colour, (x1, y1, x2, y2) in squares:
        image[y1:y2, x1:x2] = colour
    return Frame(camera_id=camera, index=index, pts_s=index / 25, wall_s=0.0, arrived_s=0.0, image=image)

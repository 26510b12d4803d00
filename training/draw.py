"""Pictures of labelled and detected objects for people, tile beside tile."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.files import write_whole

Picture = NDArray[np.uint8]
COLOURS = (
    (60, 200, 60),
    (200, 160, 0),
    (0, 140, 255),
    (200, 0, 200),
    (0, 220, 220),
    (60, 60, 230),
    (255, 255, 255),
)
"""BGR, by class."""


def colour_of(label: int) -> tuple[int, int, int]:
    """Colour of a class."""
    return COLOURS[label % len(COLOURS)]


def draw_box(image: Picture, box: NDArray[np.floating], text: str, label: int, thickness: int = 1) -> None:
    """Draw a box (4,) xyxy in pixels with a word inside its corner, in place."""
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour_of(label), thickness)
    cv2.putText(image, text, (x1 + 1, y1 + 9), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour_of(label), 1)


def draw_dots(image: Picture, points: NDArray[np.floating], label: int, radius: int = 1) -> None:
    """Draw points (N, 2) in the colour of a class, in place."""
    for x, y in points.astype(int).tolist():
        cv2.circle(image, (x, y), radius, colour_of(label), -1)


def save_grid(tiles: Sequence[Picture], path: Path, columns: int = 4) -> Path:
    """Write tiles (H, W, 3) of one size as one PNG, row after row; errors as in `files.write_whole`."""
    columns = min(columns, len(tiles))
    empty = [np.zeros_like(tiles[0])] * (math.ceil(len(tiles) / columns) * columns - len(tiles))
    full = [*tiles, *empty]
    rows = [np.hstack(full[k : k + columns]) for k in range(0, len(full), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, cv2.imencode(".png", np.vstack(rows))[1].tobytes())
    return path

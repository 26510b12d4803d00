"""Areas and lines of a camera, drawn on its picture: tinted, outlined, with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.geometry import Polygon, bottom_centres, inside
from surveil.render.palette import BLACK, Colour
from surveil.render.style import Sizes
from surveil.render.text import TextRenderer
from surveil.types import Tracks, TrackState

TINT = 0.18
"""How much of an area's colour lies over the picture."""
LONGEST = 40
"""Letters of a name that are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One area or line.

    Attributes:
        kind: an area is closed and tinted, a line is not.
        name: written at its first corner; may be empty.
        points: in 0-1 of the frame.
        colour: of outline, tint and plate.
        classes: that count in it; empty: all.
    """

    kind: Literal["area", "line"]
    name: str
    points: Polygon
    colour: Colour
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What part of the frame an image shows.

    Attributes:
        scale: pixels of the image per pixel of the frame.
        origin: the image's upper left corner in the frame, in pixels of the image.
    """

    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)


def draw_shapes(
    image: NDArray[np.uint8],
    shapes: Sequence[Shape],
    frame: tuple[float, float],
    sizes: Sizes,
    window: Window,
) -> None:
    """Draw all into `image` (H, W, 3) uint8 BGR, in place; `frame`: width and height of the frame in px."""
    for shape in shapes:
        points = _corners(shape, frame, window)
        if shape.kind == "area":
            _tint(image, points, shape.colour)
        closed = shape.kind == "area"
        cv2.polylines(image, [points], closed, BLACK, sizes.line + 2, cv2.LINE_8)
        cv2.polylines(image, [points], closed, shape.colour, sizes.line, cv2.LINE_8)


def with_counts(shapes: Sequence[Shape], tracks: Tracks, frame: tuple[float, float]) -> tuple[Shape, ...]:
    """The shapes; areas that hold confirmed objects have their number in the name."""
    counts = [count_inside(tracks, frame, shape.points, shape.classes) for shape in shapes]
    return tuple(
        replace(shape, name=f"{shape.name[:LONGEST]}: {count}") if count and shape.kind == "area" else shape
        for shape, count in zip(shapes, counts, strict=True)
    )


def count_inside(
    tracks: Tracks, frame: tuple[float, float], points: Polygon, classes: Sequence[str] = ()
) -> int:
    """How many confirmed objects of these classes (none: all) stand in an area with their feet.

    Args:
        tracks: of a frame.
        frame: its width and height in px.
        points: of the area, in 0-1 of the frame.
        classes: names.
    """
    rows = (tracks.states == TrackState.CONFIRMED) & ~tracks.coasting
    if classes:
        rows &= np.isin(np.array([tracks.labels[int(k)] for k in tracks.class_ids], str), classes)
    if not rows.any():
        return 0
    feet = bottom_centres(tracks.boxes[rows]) / np.array(frame, np.float64)
    return int(inside(feet.astype(np.float64), points).sum())


def draw_names(
    image: NDArray[np.uint8],
    shapes: Sequence[Shape],
    frame: tuple[float, float],
    sizes: Sizes,
    window: Window,
    text: TextRenderer,
) -> None:
    """Write the names of all at their first corners, where those lie in the image."""
    for shape in shapes:
        left, top = _corners(shape, frame, window)[0].tolist()
        if not shape.name or not (0 <= left < image.shape[1] and 0 <= top < image.shape[0]):
            continue
        plate = text.plate(shape.name[:LONGEST], sizes.text, sizes.pad, shape.colour)
        top = min(top, image.shape[0] - plate.shape[0])
        left = min(left, image.shape[1] - plate.shape[1])
        if left >= 0 and top >= 0:
            image[top : top + plate.shape[0], left : left + plate.shape[1]] = plate


def _corners(shape: Shape, frame: tuple[float, float], window: Window) -> NDArray[np.int32]:
    points = np.asarray(shape.points, np.float64) * np.asarray(frame, np.float64) * window.scale
    return np.asarray(np.rint(points - np.asarray(window.origin)), np.int32)


def _tint(image: NDArray[np.uint8], points: NDArray[np.int32], colour: Colour) -> None:
    """Mix the colour into the area, touching its rectangle alone."""
    left, top = np.maximum(points.min(axis=0), 0).tolist()
    right, bottom = np.minimum(points.max(axis=0) + 1, image.shape[1::-1]).tolist()
    if right <= left or bottom <= top:
        return
    part = image[top:bottom, left:right]
    painted = part.copy()
    cv2.fillPoly(painted, [points - np.asarray([left, top], np.int32)], colour)
    cv2.addWeighted(painted, TINT, part, 1 - TINT, 0, dst=part)

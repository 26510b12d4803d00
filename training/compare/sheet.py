"""The contact sheet: pictures as rows, models as columns, each with its boxes from its own threshold on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.compare.shots import Marks, Shot
from training.deploy.pictures import Picture
from training.draw import colour_of
from training.errors import ConfigError
from training.files import write_whole

FONT = cv2.FONT_HERSHEY_SIMPLEX
GAP, STRIP, LINE = 6, 16, 18  # pixels: between cells, caption under a row, a line of a column's head
PAPER, INK = (255, 255, 255), (30, 30, 30)
QUALITY = 92  # of the JPEG
SMALLEST = 120  # of a cell's width
WORDS = 0.33  # size of the labels
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: what stands above it, and the marks of every picture."""

    head: tuple[str, ...]
    marks: Sequence[Marks]


def draw_sheet(
    shots: Sequence[Shot], columns: Sequence[Column], classes: Sequence[str], cell: int
) -> Picture:
    """The sheet as one picture.

    Args:
        shots: The rows.
        columns: The models, in order.
        classes: Names that have a colour each, in order.
        cell: Width of a picture in pixels.

    Raises:
        ConfigError: The cells are too small to read.
    """
    if cell < SMALLEST:
        raise ConfigError(f"expected cells of {SMALLEST} pixels or more, got {cell}")
    colours = {name: colour_of(k) for k, name in enumerate(classes)}
    lines = max(len(column.head) for column in columns)
    rows = [_beside([_head(column, lines, cell) for column in columns])]
    for k, shot in enumerate(shots):
        cells = [_cell(shot.picture, column.marks[k], colours, cell) for column in columns]
        rows += [_beside(cells), _caption(shot, rows[0].shape[1])]
    return np.vstack(rows)


def save_sheet(sheet: Picture, path: Path) -> None:
    """Write it as JPEG. Raises OutputError."""
    write_whole(path, cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def _beside(cells: Sequence[Picture]) -> Picture:
    gap = np.full((cells[0].shape[0], GAP, 3), PAPER, np.uint8)
    parts = [part for one in cells for part in (gap, one)]
    return np.hstack([*parts, gap])


def _head(column: Column, lines: int, width: int) -> Picture:
    """Name and figures above a column; the name is larger."""
    image = np.full((lines * LINE + GAP, width, 3), PAPER, np.uint8)
    for k, text in enumerate(column.head):
        scale = 0.5 if k == 0 else 0.4
        wide = cv2.getTextSize(text, FONT, scale, 1)[0][0]
        scale *= min(1.0, (width - 2) / max(wide, 1))
        cv2.putText(image, text, (0, (k + 1) * LINE - 4), FONT, scale, INK, 1, cv2.LINE_AA)
    return image


def _cell(picture: Picture, marks: Marks, colours: Mapping[str, tuple[int, int, int]], width: int) -> Picture:
    """The picture at most `width` wide and as high, on paper, with its marks drawn after shrinking."""
    height, wide = picture.shape[:2]
    scale = min(width / wide, width / height)
    rows = max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, (max(1, round(wide * scale)), rows), interpolation=way)
    corners = [tuple(round(float(v)) for v in box) for box in marks.boxes * scale]
    for (x1, y1, x2, y2), label in zip(corners, marks.labels, strict=True):
        cv2.rectangle(small, (x1, y1), (x2, y2), colours[label], 1, cv2.LINE_8)
    taken: list[Rectangle] = []
    for k, label in enumerate(marks.labels):  # over all boxes, the surest first: it has the best place
        score = "" if marks.scores is None else f" {marks.scores[k]:.2f}"
        taken.append(_write(small, corners[k], f"{label}{score}", colours[label], taken))
    image = np.full((rows, width, 3), PAPER, np.uint8)
    image[:, : small.shape[1]] = small
    return image


def _write(
    image: Picture,
    box: tuple[int, ...],
    text: str,
    colour: tuple[int, int, int],
    taken: Sequence[Rectangle],
) -> Rectangle:
    """Words on a ground of the box's colour: above it, inside, or below, where no others stand yet."""
    x1, y1, _, y2 = box
    (wide, high), _ = cv2.getTextSize(text, FONT, WORDS, 1)
    wide, high = wide + 2, high + 3
    left = int(np.clip(x1, 0, max(image.shape[1] - wide, 0)))
    tops = [top for top in (y1 - high, y1, y2, y2 - high) if 0 <= top <= image.shape[0] - high] or [0]
    places: list[Rectangle] = [(left, top, left + wide, top + high) for top in tops]
    free = [place for place in places if not any(_meet(place, other) for other in taken)]
    ground = (free or places)[0]
    cv2.rectangle(image, ground[:2], ground[2:], colour, -1)
    cv2.putText(image, text, (left + 1, ground[3] - 2), FONT, WORDS, (0, 0, 0), 1, cv2.LINE_AA)
    return ground


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _caption(shot: Shot, width: int) -> Picture:
    image = np.full((STRIP + GAP, width, 3), PAPER, np.uint8)
    text = f"{shot.name}   {shot.labelled}".rstrip()
    cv2.putText(image, text, (GAP, 11), FONT, 0.36, INK, 1, cv2.LINE_AA)
    return image

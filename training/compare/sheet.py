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
    for k in reversed(range(len(marks.boxes))):  # the surest on top
        score = "" if marks.scores is None else f" {marks.scores[k]:.2f}"
        _mark(small, marks.boxes[k] * scale, f"{marks.labels[k]}{score}", colours[marks.labels[k]])
    image = np.full((rows, width, 3), PAPER, np.uint8)
    image[:, : small.shape[1]] = small
    return image


def _mark(image: Picture, box: np.ndarray, text: str, colour: tuple[int, int, int]) -> None:
    """A box with its words on a ground of its colour, above it or, at the upper edge, inside."""
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1, cv2.LINE_8)
    (wide, high), _ = cv2.getTextSize(text, FONT, 0.33, 1)
    left = int(np.clip(x1, 0, max(image.shape[1] - wide - 2, 0)))
    bottom = y1 if y1 - high - 3 >= 0 else min(y1 + high + 3, image.shape[0])
    cv2.rectangle(image, (left, bottom - high - 3), (left + wide + 2, bottom), colour, -1)
    cv2.putText(image, text, (left + 1, bottom - 2), FONT, 0.33, (0, 0, 0), 1, cv2.LINE_AA)


def _caption(shot: Shot, width: int) -> Picture:
    image = np.full((STRIP + GAP, width, 3), PAPER, np.uint8)
    text = f"{shot.name}   {shot.labelled}".rstrip()
    cv2.putText(image, text, (GAP, 11), FONT, 0.36, INK, 1, cv2.LINE_AA)
    return image

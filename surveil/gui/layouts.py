"""Where tiles stand: named arrangements of cells, and the automatic one. No Qt here."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMED = ("auto", "1", "2x2", "1+5", "3x3", "4x4")
MOST = 8
"""Columns or rows of a custom layout."""
GAP_PX = 4
PICTURE_ASPECT = 16 / 9

Rect = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""
_CUSTOM = re.compile(r"([1-8])x([1-8])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A board of `columns` x `rows` fields; each cell (column, row, columns, rows) holds one tile."""

    columns: int
    rows: int
    cells: tuple[tuple[int, int, int, int], ...]

    def place(self, number: int, size: tuple[int, int]) -> Rect:
        """Where the tile of this number lies on a board of `size` (width, height) px."""
        column, row, columns, rows = self.cells[number]
        left, right = (_edge(n, self.columns, size[0]) for n in (column, column + columns))
        top, bottom = (_edge(n, self.rows, size[1]) for n in (row, row + rows))
        return left, top, max(1, right - left - GAP_PX), max(1, bottom - top - GAP_PX)


def _edge(number: int, count: int, length: int) -> int:
    return round(number * (length + GAP_PX) / count)


def is_layout(name: str) -> bool:
    """Whether a layout of this name exists: one of `NAMED`, or COLUMNSxROWS."""
    return name in NAMED or _CUSTOM.fullmatch(name) is not None


def layout(name: str, count: int, size: tuple[int, int]) -> Layout:
    """The board for `count` tiles in an area of `size` (width, height) px.

    `auto` holds all of them, as large as possible; the others hold what they hold.
    """
    if name == "1+5":
        around = ((2, 0, 1, 1), (2, 1, 1, 1), (0, 2, 1, 1), (1, 2, 1, 1), (2, 2, 1, 1))
        return Layout(columns=3, rows=3, cells=((0, 0, 2, 2), *around))
    if name == "1":
        return grid(1, 1)
    found = _CUSTOM.fullmatch(name)
    if found is not None:
        return grid(int(found[1]), int(found[2]))
    return grid(*best_grid(count, size))


def grid(columns: int, rows: int) -> Layout:
    """Equal cells, row by row."""
    cells = tuple((column, row, 1, 1) for row in range(rows) for column in range(columns))
    return Layout(columns=columns, rows=rows, cells=cells)


def best_grid(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows in which 16:9 pictures are largest.

    >>> best_grid(4, (1600, 900)), best_grid(3, (400, 1200)), best_grid(0, (10, 10))
    ((2, 2), (1, 3), (1, 1))
    """
    count = max(1, count)

    def width_of_picture(columns: int) -> float:
        rows = -(-count // columns)
        return min(size[0] / columns, size[1] / rows * PICTURE_ASPECT)

    columns = max(range(1, count + 1), key=lambda n: (round(width_of_picture(n), 6), -n))
    return columns, -(-count // columns)

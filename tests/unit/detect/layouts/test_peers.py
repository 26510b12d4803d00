"""NanoDet's and PicoDet's outputs, made by hand for a 96 x 64 input with two classes."""

from __future__ import annotations

import numpy as np
import pytest

from surveil.detect.layouts.layout import Layout
from surveil.detect.layouts.nanodet import NanodetLayout
from surveil.detect.layouts.picodet import PicodetLayout
from surveil.errors import ModelError

SHAPE = (64, 96)
GRIDS = ((8, 12), (4, 6), (2, 3), (1, 2))
CLASSES, DEPTH = 2, 34


def _nanodet(classes: int = CLASSES) -> NanodetLayout:
    shapes = {f"o{k}": (1, DEPTH, *grid) for k, grid in enumerate(GRIDS)}
    return NanodetLayout(shapes, SHAPE, classes)


def _picodet(classes: int = CLASSES) -> PicodetLayout:
    cells = [rows * columns for rows, columns in GRIDS]
    shapes = {f"s{k}": (1, n, CLASSES) for k, n in enumerate(cells)}
    return PicodetLayout(shapes | {f"d{k}": (1, n, 32) for k, n in enumerate(cells)}, SHAPE, classes)


def _sure(bins: tuple[int, int, int, int]) -> np.ndarray:
    """Distribution logits (4, 8) that are all in one bin a side."""
    sides = np.full((4, 8), -100, np.float32)
    sides[np.arange(4), bins] = 100
    return sides


def _maps() -> list[np.ndarray]:
    return [np.full((DEPTH, *grid), -20, np.float32) for grid in GRIDS]


def test_nanodet_decodes_a_cell() -> None:
    maps = _maps()
    maps[1][1, 2, 3] = np.log(3)  # class 1 at 0.75, stride 16, row 2, column 3
    maps[1][CLASSES:, 2, 3] = _sure((1, 2, 3, 0)).ravel()
    found = _nanodet().decode(maps, 0.3)
    assert found.scores.tolist() == pytest.approx([0.75])
    assert found.class_ids.tolist() == [1]
    assert found.boxes.tolist() == [[3 * 16 - 16, 2 * 16 - 32, 3 * 16 + 48, 2 * 16]]


def test_picodet_decodes_a_cell() -> None:
    scores = [np.zeros((rows * columns, CLASSES), np.float32) for rows, columns in GRIDS]
    sides = [np.zeros((rows * columns, 32), np.float32) for rows, columns in GRIDS]
    scores[0][2 * 12 + 5, 0] = 0.6  # stride 8, row 2, column 5
    sides[0][2 * 12 + 5] = _sure((1, 1, 2, 2)).ravel()
    scores[3][1, 1] = 0.4  # stride 64, row 0, column 1: even distributions, 3.5 bins a side
    found = _picodet().decode([*scores, *sides], 0.3)
    assert found.scores.tolist() == pytest.approx([0.6, 0.4])
    assert found.class_ids.tolist() == [0, 1]
    assert found.boxes[0].tolist() == [44 - 8, 20 - 8, 44 + 16, 20 + 16]
    assert found.boxes[1].tolist() == pytest.approx([96 - 224, 32 - 224, 96 + 224, 32 + 224])


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_nanodet_takes_any_floor(floor: float) -> None:
    cells = sum(rows * columns for rows, columns in GRIDS)
    found = _nanodet().decode(_maps(), floor)
    assert len(found.scores) == (cells * CLASSES if floor == 0 else 0)
    assert np.isfinite(found.boxes).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: _nanodet(80), r"'o0': expected \(any, 112, 8, 12\), got \(1, 34, 8, 12\)"),
        (
            lambda: NanodetLayout({"o0": (1, DEPTH, 8, 12)}, SHAPE, CLASSES),
            "expected 4 outputs, one a stride",
        ),
        (lambda: _picodet(80), r"'s0': expected \(any, 96, 80\), got \(1, 96, 2\)"),
        (lambda: PicodetLayout({}, SHAPE, CLASSES), "expected 8 outputs, two a stride"),
    ],
)
def test_refuses_other_outputs(make: type[Layout], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make()

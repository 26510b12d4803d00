"""Contact sheets: the worst failures of each kind, cut out of their pictures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.errors import OutputError
from training.evaluate.detect import decode_picture, find_pictures
from training.evaluate.failures import Failure, Failures
from training.evaluate.mistakes import CIRCUMSTANCES, FALSE_KINDS, MISSED_REASONS

COLUMNS, ROWS, TILE, STRIP = 6, 4, 192, 16
FALSE_COLOUR, MISSED_COLOUR, OBJECT_COLOUR = (40, 40, 235), (0, 165, 255), (70, 200, 70)


def worst(failures: Sequence[Failure], count: int) -> list[Failure]:
    """The surest false boxes; the missed objects that were seen least, large ones first."""

    def badness(f: Failure) -> tuple[float, float]:
        x1, y1, x2, y2 = f.box
        return (f.score if f.missed else -f.score, -(x2 - x1) * (y2 - y1))

    return sorted(failures, key=badness)[:count]


def sheets_of(failures: Sequence[Failure]) -> dict[str, list[Failure]]:
    """Failures by the name of their sheet: by kind, and by circumstance."""
    groups: dict[str, list[Failure]] = {}
    for missed, kinds in ((True, MISSED_REASONS), (False, FALSE_KINDS)):
        word = "missed" if missed else "false"
        own = [f for f in failures if f.missed == missed]
        groups |= {f"{word}-{kind}": [f for f in own if f.kind == kind] for kind in kinds}
        groups |= {f"{word}-in-{c}": [f for f in own if c in f.circumstances] for c in CIRCUMSTANCES}
    count = ROWS * COLUMNS
    return {name.replace(" ", "-"): worst(group, count) for name, group in groups.items() if group}


def draw_sheets(failures: Failures, pictures: Sequence[Path], folder: Path) -> list[Path]:
    """Draw `KIND.png` for every kind and circumstance that has failures.

    Args:
        failures: As `sort_failures` returns them.
        pictures: Tars and folders.
        folder: Where the sheets go; it is there.

    Raises:
        OutputError: A sheet cannot be written.
    """
    truth, sheets = failures.judged.truth, sheets_of(failures.failures)
    wanted = {f.image for group in sheets.values() for f in group}
    objects: Mapping[int, list[Any]] = defaultdict(list)
    for a in truth.annotations:
        objects[a["image_id"]].append(a["bbox"])
    tiles: dict[Failure, NDArray[np.uint8]] = {}
    for k, raw in find_pictures(truth, pictures):
        if k in wanted:
            picture = decode_picture(truth, k, raw)
            own = {f for group in sheets.values() for f in group if f.image == k}
            tiles |= {f: draw_tile(picture, f, objects[truth.images[k]["id"]]) for f in own}
    paths = []
    for name, group in sheets.items():
        paths.append(folder / f"{name}.png")
        code = cv2.imencode(".png", _grid([tiles[f] for f in group]))[1]
        try:
            paths[-1].write_bytes(code.tobytes())
        except OSError as error:
            raise OutputError(f"{paths[-1]}: cannot be written: {error.strerror or error}") from error
    return paths


def draw_tile(
    picture: NDArray[np.uint8], failure: Failure, objects: Sequence[Sequence[float]]
) -> NDArray[np.uint8]:
    """The failure's surroundings (TILE + STRIP, TILE, 3): its box, all labelled objects, a line of words.

    `objects`: x, y, width, height of each.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = failure.box
    side = min(max(2.0 * max(x2 - x1, y2 - y1), 80.0), float(max(height, width)))
    left = int(np.clip((x1 + x2 - side) / 2, 0, max(width - side, 0)))
    top = int(np.clip((y1 + y2 - side) / 2, 0, max(height - side, 0)))
    part = picture[top : top + int(side), left : left + int(side)]
    scale = TILE / max(part.shape[:2])
    tile = np.full((TILE + STRIP, TILE, 3), 255, np.uint8)
    small = cv2.resize(part, (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))))
    tile[: small.shape[0], : small.shape[1]] = small
    canvas = tile[:TILE]

    def draw(corners: Sequence[float], colour: tuple[int, int, int], thick: int) -> None:
        a, b, c, d = (round((v - o) * scale) for v, o in zip(corners, (left, top) * 2, strict=True))
        cv2.rectangle(canvas, (a, b), (c, d), colour, thick)

    for x, y, w, h in objects:
        draw((x, y, x + w, y + h), OBJECT_COLOUR, 1)
    draw(failure.box, MISSED_COLOUR if failure.missed else FALSE_COLOUR, 2)
    words = f"{failure.label} {failure.score:.2f} {failure.kind}"
    cv2.putText(tile, words, (2, TILE + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def _grid(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    blank = np.full_like(tiles[0], 255)
    rows = -(-len(tiles) // COLUMNS)
    filled = [*tiles, *[blank] * (rows * COLUMNS - len(tiles))]
    return np.vstack([np.hstack(filled[r * COLUMNS : (r + 1) * COLUMNS]) for r in range(rows)])

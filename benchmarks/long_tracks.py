"""List the tracks of a clip that last longer than a second, and draw one crop of each, to be looked at.

usage: python benchmarks/long_tracks.py VIDEO --sheet SHEET.png [--model NAME|FILE] [--seconds 1]

The clip is run as `surveil run VIDEO` runs it. Prints JSON: a row for each such track, with its first and
last frame (from 0), its class, its surest score and the frame of it. The sheet shows every track where it was
surest, its box drawn, numbered as the rows are: what is no object (a poster, a reflection, a person on a
screen) only somebody who looks can count. Nothing of the clip is kept but the sheet.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import surveil
from surveil.store.rows import reported

TILE, STRIP, COLUMNS = 256, 22, 5
AROUND = 1.0  # of the box's longer side, on each side of it
SMALLEST = 24.0  # pixels: half the side of a crop at least
BOX, TEXT = (40, 40, 235), (235, 235, 235)


@dataclass
class Seen:
    """What is known of a track so far; `crop` (TILE, TILE, 3) BGR is of the frame in which it was surest."""

    label: str
    first: int
    last: int
    score: float = 0.0
    surest: int = 0
    crop: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((TILE, TILE, 3), np.uint8))


def crop_of(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The box (xyxy, pixels of `image`) and what is around it, (TILE, TILE, 3); grey beyond the picture."""
    centre = (box[:2] + box[2:]) / 2
    half = max(float((box[2:] - box[:2]).max()) * (0.5 + AROUND), SMALLEST)
    scale = TILE / (2 * half)
    shift = TILE / 2 - scale * centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
    crop = cv2.warpAffine(image, matrix, (TILE, TILE), flags=cv2.INTER_CUBIC, borderValue=(90, 90, 90))
    x1, y1, x2, y2 = (round(float(v)) for v in box * scale + np.tile(shift, 2))
    cv2.rectangle(crop, (x1, y1), (x2, y2), BOX, 1)
    return np.asarray(crop, np.uint8)


def follow(video: Path, model: str | None, seconds: float) -> dict[int, Seen]:
    """Tracks of the clip by their number, those between whose ends lie more than `seconds`."""
    tracks: dict[int, Seen] = {}
    times: dict[int, float] = {}
    for result in surveil.run(video, model=model, device="cpu"):
        index, shown = result.frame.index, reported(result)
        times[index] = result.frame.pts_s
        rows = zip(shown.ids, shown.boxes, shown.scores, shown.class_ids, shown.unseen_s, strict=True)
        for number, box, score, kind, unseen_s in rows:
            name = shown.labels.names[kind]
            seen = tracks.setdefault(int(number), Seen(label=name, first=index, last=index))
            seen.last, seen.label = index, name
            if unseen_s == 0 and score > seen.score:
                seen.score, seen.surest = float(score), index
                seen.crop = crop_of(result.frame.image, box)
    return {k: s for k, s in sorted(tracks.items()) if times[s.last] - times[s.first] > seconds}


def draw_sheet(tracks: dict[int, Seen]) -> NDArray[np.uint8]:
    """The crops in rows, each with the number, class, frames and score of its track above it."""
    rows = -(-len(tracks) // COLUMNS) or 1
    sheet = np.full((rows * (TILE + STRIP), COLUMNS * TILE, 3), 30, np.uint8)
    for k, (number, seen) in enumerate(tracks.items()):
        y, x = (k // COLUMNS) * (TILE + STRIP), (k % COLUMNS) * TILE
        sheet[y + STRIP : y + STRIP + TILE, x : x + TILE] = seen.crop
        words = f"{number} {seen.label} {seen.first}-{seen.last} {seen.score:.2f} at {seen.surest}"
        cv2.putText(sheet, words, (x + 4, y + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, TEXT, 1, cv2.LINE_AA)
    return sheet


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--sheet", type=Path, required=True, metavar="FILE.png")
    parser.add_argument("--model", help="default: the one that ships for a CPU")
    parser.add_argument("--seconds", type=float, default=1.0, help="a track lasts longer (default: 1)")
    options = parser.parse_args()
    tracks = follow(options.video, options.model, options.seconds)
    if not cv2.imwrite(str(options.sheet), draw_sheet(tracks)):
        parser.error(f"{options.sheet}: cannot be written")
    rows = [
        {
            "track": number,
            "class": seen.label,
            "frames": [seen.first, seen.last],
            "score": round(seen.score, 3),
            "surest": seen.surest,
        }
        for number, seen in tracks.items()
    ]
    print(json.dumps({"clip": options.video.name, "tracks": len(rows), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()

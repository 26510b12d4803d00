"""Track detections of a MOT text file: what `mot_bench.py` calls for every sequence.

usage: python benchmarks/track_mot.py DET.txt --fps 30 --out TRACKS.txt [--times TIMES.txt] [--cmc CMC.txt]
       [--tracker surveil|sort] [--low 0.1 --high 0.6 --birth 0.7] [--flicker 0.15]

Writes the smoothed boxes of confirmed tracks that were matched in that very frame, and prints the time per
frame as JSON. `--flicker` gives that share of the detections a wrong class, to see what it costs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import xywh_to_xyxy, xyxy_to_xywh
from surveil.labels import SURVEIL_6
from surveil.track.open import open_tracker
from surveil.types import Detections, FrameInfo, TrackState

SIZE = (1920, 1080)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Scores by which the tracker uses detections."""

    low: float
    high: float
    birth: float


def frames(
    det: Path, times: Path | None, fps: float, flicker: float
) -> Iterator[tuple[FrameInfo, Detections]]:
    """The detections of every frame, in order; frames without any are empty."""
    rows = np.loadtxt(det, delimiter=",", ndmin=2).reshape(-1, 10)
    if times is None:
        seconds = {k: (k - 1) / fps for k in range(1, int(rows[:, 0].max(initial=0)) + 1)}
    else:
        seconds = {int(k): s for k, s in np.loadtxt(times, ndmin=2)}
    rng = np.random.default_rng(0)
    for k, pts_s in sorted(seconds.items()):
        here = rows[rows[:, 0] == k]
        wrong = rng.random(len(here)) < flicker
        yield (
            FrameInfo(camera_id=det.parent.name, index=k - 1, pts_s=pts_s, size=SIZE),
            Detections(
                boxes=xywh_to_xyxy(here[:, 2:6]).astype(np.float32),
                scores=np.clip(here[:, 6], 0, 1).astype(np.float32),
                class_ids=np.where(wrong, rng.integers(1, len(SURVEIL_6), len(here)), 0).astype(np.int32),
                frame_size=SIZE,
                labels=SURVEIL_6,
            ),
        )


def motions(cmc: Path | None) -> dict[int, NDArray[np.float64]]:
    """Camera motion (2, 3) by frame from 0."""
    if cmc is None or not cmc.read_text().strip():
        return {}
    return {int(row[0]) - 1: row[1:7].reshape(2, 3) for row in np.loadtxt(cmc, ndmin=2)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("det", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--cmc", type=Path)
    parser.add_argument("--tracker", default="surveil")
    for name, value in (("low", 0.1), ("high", 0.6), ("birth", 0.7), ("flicker", 0.0)):
        parser.add_argument(f"--{name}", type=float, default=value)
    args = parser.parse_args()
    thresholds = Thresholds(low=args.low, high=args.high, birth=args.birth)
    tracker = open_tracker(args.tracker, SURVEIL_6, thresholds)
    motion, lines, spent_s, count = motions(args.cmc), [], 0.0, 0
    for info, detections in frames(args.det, args.times, args.fps, args.flicker):
        before = time.perf_counter()
        tracks = tracker.update(info, detections, motion.get(info.index))
        spent_s, count = spent_s + time.perf_counter() - before, count + 1
        shown = tracks.select((tracks.states == TrackState.CONFIRMED) & ~tracks.coasting)
        for k, box, score in zip(shown.ids, xyxy_to_xywh(shown.smoothed_boxes), shown.scores, strict=True):
            place = ",".join(f"{value:.2f}" for value in box)
            lines.append(f"{info.index + 1},{k},{place},{score:.3f},-1,-1,-1\n")
    args.out.write_text("".join(lines))
    print(json.dumps({"frames": count, "ms_per_frame": round(1e3 * spent_s / max(count, 1), 4)}))


if __name__ == "__main__":
    main()

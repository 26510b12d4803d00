"""Track detections of a MOT text file while a share of their labels is wrong: what does flicker cost?

usage: python benchmarks/track_mot.py DET.txt --fps 30 --out TRACKS.txt [--times TIMES.txt] [--cmc CMC.txt]
       [--flicker 0.15]

`mot_bench.py` calls it for every sequence, as it calls `surveil track`, which has no use for wrong labels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from surveil.app.detection_files import read_motions, read_video
from surveil.labels import SURVEIL_6
from surveil.store.mot import mot_lines
from surveil.track.tracker import SurveilTracker, TrackerConfig
from surveil.types import Detections, TrackState


def flickering(found: Detections, share: float, rng: np.random.Generator) -> Detections:
    """People, of whom a share is taken for something else."""
    wrong = rng.random(len(found)) < share
    kinds = np.where(wrong, rng.integers(1, len(SURVEIL_6), len(found)), 0).astype(np.int32)
    return replace(found, class_ids=kinds, labels=SURVEIL_6)


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
    parser.add_argument("--flicker", type=float, default=0.0)
    args = parser.parse_args()
    motions = {} if args.cmc is None else read_motions(args.cmc)
    tracker, rng, lines = SurveilTracker(TrackerConfig(), SURVEIL_6), np.random.default_rng(0), []
    for info, found in read_video(args.det, args.fps, args.times).frames:
        tracks = tracker.update(info, flickering(found, args.flicker, rng), motions.get(info.index + 1))
        seen = tracks.select((tracks.states == TrackState.CONFIRMED) & ~tracks.coasting)
        lines.append(mot_lines(info.index + 1, seen))
    args.out.write_text("".join(lines))


if __name__ == "__main__":
    main()

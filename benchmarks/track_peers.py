"""Ours beside a public ByteTrack on the detections of `track_scenes.py`.

usage: python benchmarks/track_peers.py WORK --out benchmarks/results/track-scenes.json
       --peer-python VENV/bin/python      (an environment with supervision)

Ours runs with the thresholds of the model's card (WORK/MODEL/card.json, or the shipped model of that name),
the same without the camera's motion, and with the thresholds that `surveil calibrate` makes of the scores of
these detections; ByteTrack runs at six thresholds. HOTA is the mean over the scenes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FPS = 10.0
ACTIVATION = (0.25, 0.35, 0.45, 0.5, 0.6, 0.7)


def byte_track(threshold: float, files: list[Path]) -> None:
    """Supervision's ByteTrack over detections and outputs by turns; runs in the peer's environment."""
    for det, out in zip(files[::2], files[1::2], strict=True):
        _byte_track(det, out, threshold)


def _byte_track(det: Path, out: Path, threshold: float) -> None:
    import supervision

    tracker = supervision.ByteTrack(track_activation_threshold=threshold, frame_rate=int(FPS))
    rows = np.loadtxt(det, delimiter=",", ndmin=2).reshape(-1, 10)
    lines = []
    for frame in range(1, int(rows[:, 0].max(initial=0)) + 1):
        here = rows[rows[:, 0] == frame]
        corners = np.concatenate([here[:, 2:4], here[:, 2:4] + here[:, 4:6]], axis=1)
        found = supervision.Detections(xyxy=corners, confidence=here[:, 6], class_id=np.zeros(len(here), int))
        tracks = tracker.update_with_detections(found)
        for track, (x1, y1, x2, y2) in zip(tracks.tracker_id, tracks.xyxy, strict=True):
            lines.append(f"{frame},{track},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,-1,-1,-1\n")
    out.write_text("".join(lines))


Run = Callable[[list[tuple[Path, Path]]], None]
"""Tracks scenes: their folders, and the files to write."""


def score(model: Path, name: str, run: Run) -> dict[str, Any]:
    """Run a tracker on every scene of a model; its mean scores."""
    from surveil.app.evaluate import evaluate

    tracks, truth = model / "tracks" / name, model / "truth"
    for folder in (tracks, truth):
        folder.mkdir(parents=True, exist_ok=True)
    scenes = sorted(path.parent for path in model.glob("*/det.txt"))
    run([(scene, tracks / f"{scene.name}.txt") for scene in scenes])
    for scene in scenes:
        (truth / f"{scene.name}.txt").write_text((scene / "gt.txt").read_text())
    scores = evaluate(tracks, truth)
    each = {scene.name: round(100 * scores[scene.name].hota, 2) for scene in scenes}
    print(f"{model.name} {name}: {np.mean(list(each.values())):.2f}", file=sys.stderr, flush=True)
    return {
        "hota": float(np.mean(list(each.values()))),
        "switches": sum(scores[scene.name].switches for scene in scenes),
        "by_scene": each,
    }


def compare(model: Path, peer_python: str) -> dict[str, Any]:
    """All trackers on the detections of one model."""
    from surveil.app.calibrate import thresholds_from
    from surveil.app.detection_files import read_video
    from surveil.app.follow import FollowOptions, follow
    from surveil.detect.assets import find_model
    from surveil.detect.card import load_card

    own = model / "card.json"
    cut = (load_card(own) if own.is_file() else find_model(model.name).card).thresholds
    cuts = {"low": cut.low, "high": cut.high, "birth": cut.birth}
    seen = [found.scores for path in model.glob("*/det.txt") for _, found in read_video(path, FPS).frames]
    own_cut, _ = thresholds_from(np.concatenate(seen).astype(np.float64))
    own_cuts = {"low": own_cut.low, "high": own_cut.high, "birth": own_cut.birth}

    def ours(cuts: dict[str, float], with_motion: bool = True) -> Run:
        def run(scenes: list[tuple[Path, Path]]) -> None:
            for scene, out in scenes:
                cmc = scene / "cmc.txt" if with_motion else None
                follow(scene / "det.txt", out, FollowOptions(fps=FPS, cmc=cmc, **cuts))

        return run

    def peer(threshold: float) -> Run:
        def run(scenes: list[tuple[Path, Path]]) -> None:
            files = [str(path) for scene, out in scenes for path in (scene / "det.txt", out)]
            subprocess.run([peer_python, __file__, "--byte-track", f"{threshold:g}", *files], check=True)

        return run

    return {
        "thresholds": cuts,
        "calibrated": own_cuts,
        "surveil": score(model, "surveil", ours(cuts)),
        "surveil without camera motion": score(model, "surveil-blind", ours(cuts, False)),
        "surveil calibrated": score(model, "surveil-calibrated", ours(own_cuts)),
        "bytetrack": {f"{t:g}": score(model, f"bytetrack-{t:g}", peer(t)) for t in ACTIVATION},
    }


def main() -> None:
    """Command line."""
    if sys.argv[1:2] == ["--byte-track"]:
        byte_track(float(sys.argv[2]), [Path(text) for text in sys.argv[3:]])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the scenes")
    args = parser.parse_args()
    code = "import supervision; print(supervision.__version__)"
    peer = subprocess.run([args.peer_python, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    models = sorted(path for path in args.work.iterdir() if path.is_dir())
    report = {
        "seconds": args.seconds,
        "supervision": peer.stdout.strip(),
        "models": {model.name: compare(model, args.peer_python) for model in models},
    }
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Time of trackers on the same crowds, ours beside peers, each in a virtual environment of its own, in turn.

usage: python benchmarks/track_speed.py --out benchmarks/results/track-speed.json
       [--trackers-python VENV/bin/python] [--norfair-python VENV/bin/python] [--rounds 3]

Crowds of 10, 50, 200 and 1,000 who walk about a square at 30 frames a second: positions with 3 % noise, 8 %
misses, 5 % false detections, fixed seed. Arrays go in, ids and boxes come out; making a library's own objects
of them counts. Processor time of one thread: of all frames after a warm-up the time that a tenth stays below,
and of all rounds the best (what else the machine does makes a frame slower, never quicker).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CROWDS = {10: 150, 50: 120, 200: 60, 1000: 24}
"""Frames by number of people."""
WARM_UP = 6
PEERS = {
    "surveil": "surveil",
    "norfair": "norfair",
    "sort": "trackers",
    "bytetrack": "trackers",
    "ocsort": "trackers",
}
"""Library by tracker."""

Update = Callable[[int, np.ndarray, np.ndarray], Any]


def crowd(people: int, frames: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes (N, 4) xyxy float32 and scores (N,) of every frame; the square grows with the crowd."""
    rng = np.random.default_rng(people)
    side = 1000.0 * max(1.0, people / 50) ** 0.5
    width = rng.uniform(20, 60, people)
    size = np.stack([width, width * rng.uniform(2, 3, people)], axis=1)
    place, pace = rng.uniform(0, side, (people, 2)), rng.normal(0, 60, (people, 2))
    scene = []
    for _ in range(frames):
        place = place + pace / 30
        pace = np.where((place < 0) | (place > side), -pace, pace)
        place = np.clip(place, 0, side)
        centre = place + rng.normal(0, 0.03, (people, 2)) * size
        seen = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[rng.random(people) > 0.08]
        corner = rng.uniform(0, side, (rng.binomial(people, 0.05), 2))
        boxes = np.concatenate([seen, np.concatenate([corner, corner + np.array([30, 80])], axis=1)])
        scene.append((boxes.astype(np.float32), rng.uniform(0.5, 1, len(boxes)).astype(np.float32)))
    return scene


def surveil_update() -> Update:
    """Ours."""
    from surveil.labels import LabelMap
    from surveil.track.tracker import SurveilTracker, TrackerConfig
    from surveil.types import Detections, FrameInfo

    labels = LabelMap("people", ("person",))
    tracker, size = SurveilTracker(TrackerConfig(), labels), (1920, 1080)

    def update(frame: int, boxes: np.ndarray, scores: np.ndarray) -> Any:
        found = Detections(
            boxes=boxes,
            scores=scores,
            class_ids=np.zeros(len(boxes), np.int32),
            frame_size=size,
            labels=labels,
        )
        info = FrameInfo(camera_id="square", index=frame, pts_s=frame / 30, size=size)
        tracks = tracker.update(info, found)
        return tracks.ids, tracks.boxes

    return update


def norfair_update() -> Update:
    """Norfair with its IoU distance, as its documentation shows it for boxes."""
    from norfair import Detection, Tracker

    tracker = Tracker(distance_function="iou", distance_threshold=0.7)

    def update(frame: int, boxes: np.ndarray, scores: np.ndarray) -> Any:
        found = [
            Detection(points=box.reshape(2, 2), scores=np.full(2, score))
            for box, score in zip(boxes, scores, strict=True)
        ]
        return [(track.id, track.estimate) for track in tracker.update(detections=found)]

    return update


def trackers_update(name: str) -> Update:
    """One of the trackers of the library `trackers`, with its defaults."""
    import supervision
    import trackers

    kinds = {
        "sort": trackers.SORTTracker,
        "bytetrack": trackers.ByteTrackTracker,
        "ocsort": trackers.OCSORTTracker,
    }
    tracker = kinds[name]()

    def update(frame: int, boxes: np.ndarray, scores: np.ndarray) -> Any:
        found = supervision.Detections(xyxy=boxes, confidence=scores, class_id=np.zeros(len(boxes), int))
        out = tracker.update(found)
        return out.tracker_id, out.xyxy

    return update


def measure(name: str, people: int, scene: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Milliseconds of processor time a frame that a tenth of the frames stay below."""
    match PEERS[name]:
        case "surveil":
            update = surveil_update()
        case "norfair":
            update = norfair_update()
        case _:
            update = trackers_update(name)
    spent = []
    for frame, (boxes, scores) in enumerate(scene):
        begun = time.process_time()
        update(frame, boxes, scores)
        spent.append(time.process_time() - begun)
    return 1000 * float(np.percentile(spent[WARM_UP:], 10))


def ask(python: str, name: str, people: int, folder: Path) -> float:
    """Measure in an interpreter of its own."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, __file__, "--measure", name, str(people), str(folder / f"{people}.npz")]
    root = str(Path(__file__).resolve().parent.parent)
    result = subprocess.run(
        command,
        env={**os.environ, **one_thread, "PYTHONPATH": root},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(result.stdout.splitlines()[-1])


def version(python: str, library: str) -> str:
    """Of a library in another environment."""
    code = f"import importlib.metadata as m; print(m.version({library!r}))"
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def compare(pythons: dict[str, str], rounds: int) -> dict[str, Any]:
    """The best of all rounds, by number of people and tracker."""
    names = [name for name, library in PEERS.items() if library in pythons]
    best: dict[int, dict[str, float]] = {people: {} for people in CROWDS}
    with tempfile.TemporaryDirectory() as folder:
        for people, frames in CROWDS.items():
            arrays = {
                f"{part}{k}": a
                for k, pair in enumerate(crowd(people, frames))
                for part, a in zip("bs", pair, strict=True)
            }
            np.savez(Path(folder) / f"{people}.npz", **arrays)
        for _ in range(rounds):
            for people in CROWDS:
                for name in names:
                    ms = ask(pythons[PEERS[name]], name, people, Path(folder))
                    best[people][name] = min(ms, best[people].get(name, ms))
                    print(f"{people:5} {name:10} {ms:.3f} ms", file=sys.stderr, flush=True)
    return {
        "rounds": rounds,
        "ms_per_frame": {str(people): times for people, times in best.items()},
        "versions": {
            library: version(python, library) for library, python in pythons.items() if library != "surveil"
        },
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
    }


def main() -> None:
    """Command line."""
    if sys.argv[1:2] == ["--measure"]:
        name, people, path = sys.argv[2:5]
        stored = np.load(path)
        scene = [(stored[f"b{k}"], stored[f"s{k}"]) for k in range(len(stored.files) // 2)]
        print(measure(name, int(people), scene))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trackers-python")
    parser.add_argument("--norfair-python")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    pythons = {"surveil": sys.executable, "trackers": args.trackers_python, "norfair": args.norfair_python}
    report = compare({library: python for library, python in pythons.items() if python}, args.rounds)
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""What the camera's motion is worth: drawn crowds under a camera that shakes and pans, with and without it.

usage: python benchmarks/track_motion.py WORK --out benchmarks/results/track-motion.json [--seeds 3]

Detections are the true boxes with 4 % noise, 10 % misses, and scores that fall with what hides the object;
the motion is what the project's own estimator sees in the pictures. On every frame, and on every third one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from surveil.app.evaluate import evaluate
from surveil.app.follow import FollowOptions, follow
from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.scene import Scene
from surveil.capture.scenes.truth import ObjectTruth
from surveil.track.camera_motion import MotionEstimator

FPS, EVERY = 10.0, (1, 3)
MISSES, NOISE, HIDDEN = 0.1, 0.04, 0.3


class Recording:
    """What stands in the files of one scene at one rate."""

    def __init__(self, fps: float) -> None:
        self._fps, self._estimator = fps, MotionEstimator()
        self._texts: dict[str, list[str]] = {"det": [], "cmc": [], "gt": []}

    def add(
        self, number: int, image: np.ndarray, people: list[ObjectTruth], found: dict[int, np.ndarray]
    ) -> None:
        """One more frame; `found` are left, top, width, height and score by the row of the person."""
        for person in people:
            x1, y1, x2, y2 = person.box
            self._line("gt", number, person.id, [x1, y1, x2 - x1, y2 - y1, 1])
        for row in found.values():
            self._line("det", number, -1, row)
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in found.values()], np.float32)
        motion = self._estimator.look(image, number / self._fps, boxes.reshape(-1, 4))
        self._estimator.mark()
        if motion is not None:
            numbers = " ".join(f"{value:.6f}" for value in motion.ravel())
            self._texts["cmc"].append(f"{number} {numbers}\n")

    def _line(self, name: str, number: int, track: int, row: np.ndarray | list[float]) -> None:
        self._texts[name].append(f"{number},{track}," + ",".join(f"{value:.3f}" for value in row) + ",1,1\n")

    def score(self, folder: Path) -> dict[str, float]:
        """HOTA with the camera's motion and without."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in self._texts.items():
            (folder / f"{name}.txt").write_text("".join(lines))
        hota = {}
        for name, cmc in (("with", folder / "cmc.txt"), ("without", None)):
            out = folder / f"{name}.txt"
            follow(folder / "det.txt", out, FollowOptions(fps=self._fps, cmc=cmc))
            hota[name] = round(100 * evaluate(out, folder / "gt.txt")[name].hota, 2)
        return hota


def detect(people: list[ObjectTruth], rng: np.random.Generator) -> dict[int, np.ndarray]:
    """What a detector might find of people."""
    found = {}
    for row, person in enumerate(people):
        if person.visibility < HIDDEN or rng.random() < MISSES:
            continue
        x1, y1, x2, y2 = person.box
        size = np.array([x2 - x1, y2 - y1])
        place = np.array([x1, y1]) + rng.normal(0, NOISE, 2) * size
        score = np.clip(rng.normal(0.55 + 0.3 * person.visibility, 0.1), 0.1, 0.99)
        found[row] = np.array([*place, *np.maximum(2, size * (1 + rng.normal(0, NOISE, 2))), score])
    return found


def compare(config: SceneConfig, work: Path) -> dict[str, dict[str, float]]:
    """HOTA by rate in one scene."""
    scene, rng = Scene(config), np.random.default_rng(config.seed)
    recordings = {every: Recording(FPS / every) for every in EVERY}
    for index in range(config.frame_count):
        image, truth = scene.frame(index)
        people = [item for item in truth.objects if item.label == "person"]
        found = detect(people, rng)
        for every, recording in recordings.items():
            if index % every == 0:
                recording.add(index // every + 1, image, people, found)
    return {
        f"every {every}": recording.score(work / f"{config.seed}-{every}")
        for every, recording in recordings.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    scene = {"size": (640, 360), "fps": FPS, "seconds": 12.0, "shake": 15.0, "pan": 15.0, "people": 50}
    report = {
        "scene": scene,
        "seeds": {
            str(seed): compare(SceneConfig(seed=seed, **scene), args.work)
            for seed in range(1, args.seeds + 1)
        },
    }
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

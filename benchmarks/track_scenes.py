"""Detections and exact truth of drawn streets, as `track_peers.py` compares trackers on them.

usage: python benchmarks/track_scenes.py WORK [--seeds 10] [--seconds 20] [--model NAME|FILE.onnx …]

The second half of the seeds has crowds, and a camera that shakes and pans. For every seed and model it writes
WORK/MODEL/SEED/{det.txt,cmc.txt,gt.txt}: people found from score 0.1 on, the motion of the camera as the
project's own estimator sees it, and the people who are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.scene import Scene
from surveil.capture.scenes.truth import mot_text
from surveil.clock import SystemClock
from surveil.detect.detector import Detector
from surveil.detect.open import open_detector
from surveil.geometry import xyxy_to_xywh
from surveil.track.camera_motion import MotionEstimator
from surveil.types import Detections, Frame

SIZE, FPS = (960, 540), 10.0
LEAST_SCORE = 0.1


def scene_of(seed: int, calm: bool, seconds: float) -> SceneConfig:
    """A street with its usual people; or a crowd, seen by a camera on a windy mast that turns."""
    if calm:
        return SceneConfig(seed=seed, size=SIZE, fps=FPS, seconds=seconds)
    return SceneConfig(seed=seed, size=SIZE, fps=FPS, seconds=seconds, people=80, shake=6.0, pan=8.0)


class Recorder:
    """What one model finds in one scene."""

    def __init__(self, detector: Detector) -> None:
        self._detector, self._estimator = detector, MotionEstimator()
        self._person = detector.labels.id_of("person")
        self.det: list[str] = []
        self.cmc: list[str] = []

    def look(self, frame: Frame) -> None:
        """One more frame."""
        (found,) = self._detector.detect([self._detector.prepare(frame)])
        number = frame.index + 1
        motion = self._estimator.look(frame.image, frame.pts_s, found.boxes)
        self._estimator.mark()
        if motion is not None:
            self.cmc.append(f"{number} " + " ".join(f"{value:.6f}" for value in motion.ravel()) + "\n")
        self.det += _rows(number, found.select(found.class_ids == self._person))


def _rows(number: int, found: Detections) -> list[str]:
    rows = zip(xyxy_to_xywh(found.boxes).tolist(), found.scores.tolist(), strict=True)
    return [
        f"{number},-1,{x:.2f},{y:.2f},{w:.2f},{h:.2f},{score:.4f},-1,-1,-1\n" for (x, y, w, h), score in rows
    ]


def record(config: SceneConfig, detectors: dict[str, Detector], work: Path, name: str) -> None:
    """Draw one scene and write what every model finds in it."""
    scene, clock, truth = Scene(config), SystemClock(), []
    recorders = {model: Recorder(detector) for model, detector in detectors.items()}
    for index in range(config.frame_count):
        image, there = scene.frame(index)
        truth.append(there)
        frame = Frame(
            camera_id=name,
            index=index,
            pts_s=there.pts_s,
            wall_s=clock.wall(),
            arrived_s=clock.monotonic(),
            image=np.ascontiguousarray(image),
        )
        for recorder in recorders.values():
            recorder.look(frame)
    for model, recorder in recorders.items():
        folder = work / model / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "det.txt").write_text("".join(recorder.det))
        (folder / "cmc.txt").write_text("".join(recorder.cmc))
        (folder / "gt.txt").write_text(mot_text(truth))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--model", action="append", help="default: the shipped one of this machine")
    args = parser.parse_args()
    detectors = {}
    for model in args.model or [None]:
        detector = open_detector(model, device="cpu", min_score=LEAST_SCORE, threads=1)
        assert detector.card is not None
        detectors[detector.card.name] = detector
    for seed in range(1, args.seeds + 1):
        calm = seed <= args.seeds // 2
        record(scene_of(seed, calm, args.seconds), detectors, args.work, f"{seed:02}")
        print(f"seed {seed} done", flush=True)


if __name__ == "__main__":
    main()

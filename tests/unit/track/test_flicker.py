"""What wrong labels cost: detectors change their mind about what they see."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from surveil.app.evaluate import evaluate
from surveil.labels import SURVEIL_6
from surveil.store.mot import mot_lines
from surveil.track.tracker import SurveilTracker, TrackerConfig
from surveil.types import Detections, TrackState
from tests.support.scenes import found, frame

PEOPLE, FRAMES, FPS = 25, 200, 10
WRONG = 0.15


def walk(seed: int) -> Iterator[tuple[np.ndarray, Detections]]:
    """Boxes of people who walk across each other (PEOPLE, 4), and what a detector finds of them."""
    rng = np.random.default_rng(seed)
    size = np.tile([40.0, 100.0], (PEOPLE, 1)) * rng.uniform(0.7, 1.3, (PEOPLE, 1))
    place, pace = rng.uniform(0, [1280, 500], (PEOPLE, 2)), rng.normal(0, [50, 12], (PEOPLE, 2))
    for k in range(FRAMES):
        turns = np.array([1280.0, 500.0])  # at the edges
        centre = np.abs((place + pace * k / FPS + turns) % (2 * turns) - turns)
        true = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
        seen = rng.random(PEOPLE) > 0.08
        boxes = true + rng.normal(0, 0.03, true.shape) * np.tile(size, 2)
        yield true, found(boxes[seen], rng.uniform(0.5, 1, int(seen.sum())))


@pytest.mark.skipif(find_spec("trackeval") is None, reason="needs the extra eval")
def test_fifteen_percent_wrong_labels_cost_no_more_than_one_point_of_hota(tmp_path: Path) -> None:
    plain, flickering = (SurveilTracker(TrackerConfig(), SURVEIL_6) for _ in range(2))
    rng = np.random.default_rng(0)
    texts: dict[str, list[str]] = {"truth": [], "plain": [], "flickering": []}
    for k, (true, detections) in enumerate(walk(1)):
        for number, (x1, y1, x2, y2) in enumerate(true.tolist(), start=1):
            texts["truth"].append(f"{k + 1},{number},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1\n")
        wrong = rng.random(len(detections)) < WRONG
        kinds = np.where(wrong, rng.integers(1, len(SURVEIL_6), len(wrong)), 0)
        mistaken = found(detections.boxes, detections.scores, kinds)
        for name, tracker, given in (("plain", plain, detections), ("flickering", flickering, mistaken)):
            tracks = tracker.update(frame(k / FPS, k), given)
            shown = tracks.select((tracks.states == TrackState.CONFIRMED) & ~tracks.coasting)
            texts[name].append(mot_lines(k + 1, shown))
    for name, lines in texts.items():
        (tmp_path / f"{name}.txt").write_text("".join(lines))
    hota = {
        name: 100 * evaluate(tmp_path / f"{name}.txt", tmp_path / "truth.txt")[name].hota
        for name in ("plain", "flickering")
    }
    assert hota["plain"] > 50
    assert hota["flickering"] >= hota["plain"] - 1

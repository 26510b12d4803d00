"""The shipped model at its usual and at a smaller input."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.app.options import ModelOptions, RunOptions
from surveil.app.table import Table
from surveil.clock import SystemClock
from surveil.detect.card import InputSpec, Thresholds
from surveil.labels import SURVEIL_6
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.live import Brain
from surveil.types import Frame, Tracks
from tests.support.scenes import SIZE, Box, found, person


class Carded:
    """A detector of which only the card is known."""

    def __init__(self, *shapes: tuple[int, int]) -> None:
        self.card = SimpleNamespace(input=InputSpec(shapes=shapes))


def brain_of(*shapes: tuple[int, int], model: str | None = None) -> Brain:
    detector: Any = Carded(*shapes)
    return Brain(detector=detector, new_step=lambda *known: pytest.fail("nothing is tracked"), model=model)


@pytest.mark.parametrize(
    ("shapes", "asked", "model", "smaller"),
    [
        ([(320, 320)], None, None, None),
        ([(320, 320), (416, 416)], None, None, None),
        ([(320, 320), (416, 416), (256, 416)], (416, 416), None, (416, 256)),
        ([(416, 416), (320, 320), (256, 256)], None, None, (320, 320)),
        ([(320, 320), (304, 320)], None, None, None),  # hardly less
        ([(320, 320), (416, 416)], (416, 416), "another", None),  # the size was asked for the first model
    ],
)
def test_the_next_smaller_input(
    shapes: list[tuple[int, int]],
    asked: tuple[int, int] | None,
    model: str | None,
    smaller: tuple[int, int] | None,
) -> None:
    table = Table(RunOptions(model=ModelOptions(input_size=asked)), SystemClock())
    assert table.smaller_size(brain_of(*shapes, model=model)) == smaller


def test_recorded_detections_have_no_smaller_input() -> None:
    table = Table(RunOptions(), SystemClock())
    detector: Any = SimpleNamespace(card=None)
    assert table.smaller_size(replace(brain_of((1, 1)), detector=detector)) is None


def test_another_size_keeps_the_trackers() -> None:
    options = ModelOptions(input_size=(416, 416), device="cpu", threads=1)
    table = Table(RunOptions(model=options), SystemClock())
    usual: Any = table.open_brain(None)
    size = table.smaller_size(usual)
    assert size == (416, 256)
    small: Any = table.refitted(usual, size, several=False)
    again: Any = table.refitted(small, None, several=False)
    shapes = [brain.detector.shape for brain in (usual, small, again)]
    for brain in (usual, small, again):
        brain.detector.close()
    assert shapes == [(416, 416), (256, 416), (416, 416)]
    assert small.new_step is usual.new_step


def test_one_camera_has_all_cores_and_several_have_one_each() -> None:
    options = ModelOptions(device="cpu", threads=2)
    table = Table(RunOptions(model=options), SystemClock())
    alone: Any = table.open_brain(None)
    several: Any = table.refitted(alone, None, several=True)
    said = [(brain.several, brain.side_by_side, brain.detector.device) for brain in (alone, several)]
    for brain in (alone, several):
        brain.detector.close()
    assert [one[:2] for one in said] == [(False, 1), (True, 2)]
    assert "2 threads" in said[0][2]
    assert "1 thread " in said[1][2]
    assert several.new_step is alone.new_step


def watched(step: CameraStep, pts_s: float, wall_s: float, *boxes: Box) -> Tracks:
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    picture = Frame(camera_id="a", index=0, pts_s=pts_s, wall_s=wall_s, arrived_s=0.0, image=image)
    return step.step(picture, found(boxes)).tracks


@pytest.mark.parametrize("tracker", ["surveil", "sort"])
@pytest.mark.parametrize("away_s", [2.0, 30.0, -5.0])
def test_tracks_over_a_restart(tracker: str, away_s: float) -> None:
    """A camera counts its time anew; whoever is there within three seconds keeps the id."""
    detector: Any = SimpleNamespace(labels=SURVEIL_6)
    options = RunOptions(model=ModelOptions(tracker=tracker, camera_motion="off"))
    table, cuts = Table(options, SystemClock()), Thresholds(low=0.1, high=0.6, birth=0.7, display=0.6)
    before = table.new_step(detector, cuts)
    for k in range(5):
        watched(before, 70 + k / 10, 1000 + k / 10, person(50), person(300))
    known = before.memory()
    again = Frame(
        camera_id="a", index=0, pts_s=0.0, wall_s=1000.4 + away_s, arrived_s=0.0,
        image=np.zeros((8, 8, 3), np.uint8),
    )  # fmt: skip
    after = table.new_step(detector, cuts, known, known.moment(again, live=True))
    tracks = watched(after, 0.0, again.wall_s, person(52))
    goes_on = tracker == "surveil" and away_s == 2.0
    assert tracks.ids.tolist()[0] == (1 if goes_on else 3)
    if tracker == "surveil":
        assert tracks.removed.tolist() == ([2] if goes_on else [1, 2])
    assert after.last_id == (2 if goes_on else 3)

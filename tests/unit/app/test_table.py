"""The shipped model at its usual and at a smaller input."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.app.options import ModelOptions, RunOptions
from surveil.app.table import Table
from surveil.clock import SystemClock
from surveil.detect.card import InputSpec
from surveil.pipeline.live import Brain


class Carded:
    """A detector of which only the card is known."""

    def __init__(self, *shapes: tuple[int, int]) -> None:
        self.card = SimpleNamespace(input=InputSpec(shapes=shapes))


def brain_of(*shapes: tuple[int, int], model: str | None = None) -> Brain:
    detector: Any = Carded(*shapes)
    return Brain(detector=detector, new_step=lambda last: pytest.fail("nothing is tracked"), model=model)


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

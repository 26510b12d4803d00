from __future__ import annotations

import numpy as np
import pytest

from surveil.pipeline.cadence import Cadence
from surveil.types import Frame


def frame(index: int, pts_s: float) -> Frame:
    image = np.zeros((2, 2, 3), np.uint8)
    return Frame(camera_id="c", index=index, pts_s=pts_s, wall_s=0, arrived_s=0, image=image)


def looks(cadence: Cadence, frames: list[Frame]) -> list[int]:
    seen = []
    for one in frames:
        if cadence.due(one):
            cadence.looked(one)
            seen.append(one.index)
    return seen


def test_every_nth_frame() -> None:
    assert looks(Cadence(3), [frame(k, k / 10) for k in range(8)]) == [0, 3, 6]


@pytest.mark.parametrize(
    ("camera_hz", "most_hz"), [(30, 10), (30, 20), (25, 7.5), (15, 15), (10, 30), (30, 1)]
)
def test_the_rate_is_kept_on_average(camera_hz: float, most_hz: float) -> None:
    trembling = [frame(k, k / camera_hz + (0.0004 if k % 2 else 0)) for k in range(300)]
    count = len(looks(Cadence(max_rate_hz=most_hz), trembling))
    assert count == pytest.approx(300 / camera_hz * min(camera_hz, most_hz), abs=1.5)


def test_after_a_pause_nothing_is_made_up_for() -> None:
    frames = [frame(0, 0.0), *(frame(k, 100 + k / 10) for k in range(1, 11))]
    assert looks(Cadence(max_rate_hz=2), frames) == [0, 1, 6]


def test_a_frame_that_was_overwritten_does_not_count() -> None:
    cadence = Cadence(2, 5)
    assert cadence.due(frame(0, 0.0))
    assert cadence.due(frame(1, 0.1))

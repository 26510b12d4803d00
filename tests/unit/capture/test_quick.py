"""A recording that begins in its middle, quickly."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from surveil.capture.open import Opener
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.resources import demo_clip
from surveil.types import Frame


def first_frames(path: Path, start_s: float, count: int = 3) -> list[Frame]:
    source = Opener(parse_source(str(path)), camera_id="c", clock=SystemClock())(start_s)
    frames = []
    with source:
        playing = source.frames(threading.Event())
        for frame in playing:
            frames.append(frame)
            if len(frames) == count:
                break
        playing.close()  # type: ignore[attr-defined]
    return frames


def test_the_same_pictures_as_when_all_is_decoded() -> None:
    exact = {round(frame.pts_s, 3): frame for frame in first_frames(demo_clip(), 0.0, 100)}
    rate = 1 / (exact_times := sorted(exact))[1]
    for start_s in (0.5, 1.0, exact_times[60], exact_times[90] - 0.001):
        quick = first_frames(demo_clip(), start_s)
        assert quick[0].pts_s >= start_s - 1e-6
        assert quick[0].pts_s - start_s < 1.01 / rate
        for frame in quick:
            same = exact[round(frame.pts_s, 3)]
            assert frame.index == same.index
            assert np.array_equal(frame.image, same.image)


def test_behind_the_end_lies_the_last_picture() -> None:
    late = first_frames(demo_clip(), 1e4)
    assert len(late) == 1
    before = first_frames(demo_clip(), late[0].pts_s - 1e-4)
    assert before[-1].pts_s == pytest.approx(late[0].pts_s)

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from surveil.labels import SURVEIL_6
from surveil.pipeline.present import render
from surveil.types import Detections, Frame, FrameResult, Tracks


@pytest.fixture
def result() -> FrameResult:
    """A frame of 80 x 40 whose right half is white."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 40:] = 255
    frame = Frame(camera_id="a", index=0, pts_s=0.0, wall_s=0.0, arrived_s=0.0, image=image)
    nothing = Detections.empty((80, 40), SURVEIL_6)
    return FrameResult(frame=frame, detections=nothing, tracks=Tracks.empty((80, 40), SURVEIL_6))


def test_a_picture_fits_its_tile(result: FrameResult, fakes: SimpleNamespace) -> None:
    picture = render(result, (320, 320), fakes.Overlay(None))
    assert picture.shape == (160, 320, 4)
    assert not picture.flags.writeable


def test_a_part_of_the_frame_fills_the_tile(result: FrameResult, fakes: SimpleNamespace) -> None:
    picture = render(result, (160, 160), fakes.Overlay(None), (0.5, 0.0, 1.0, 1.0))
    assert picture.shape == (160, 160, 4)
    assert (picture[1:, 1:, :3] == 255).all()


def test_a_part_without_extent_is_one_pixel(result: FrameResult, fakes: SimpleNamespace) -> None:
    assert render(result, (8, 8), fakes.Overlay(None), (1.0, 1.0, 1.0, 1.0)).shape == (8, 8, 4)

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from surveil.labels import SURVEIL_6
from surveil.pipeline.channel import Closed
from surveil.pipeline.present import PATIENCE_S, Presenter, Wish, render
from surveil.pipeline.slot import Slot
from surveil.render.style import OverlayStyle
from surveil.types import Detections, Frame, FrameResult, Tracks
from tests.support.live import CLOCK, wait_until


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


@contextlib.contextmanager
def presenting(lane: SimpleNamespace, fakes: SimpleNamespace) -> Iterator[Presenter]:
    """A thread that draws one camera for one tile."""
    presenter = Presenter(CLOCK, lambda: SURVEIL_6, fakes.Overlay)

    def run() -> None:
        with contextlib.suppress(Closed):
            presenter.run()

    thread = Thread(target=run)
    thread.start()
    presenter.show(lane, Wish((80, 40), OverlayStyle()))
    yield presenter
    presenter.abort()
    thread.join()


def lane_of(result: FrameResult, *, live: bool) -> SimpleNamespace:
    """A camera whose first frame has its result, and whose second came just now and has none."""
    lane = SimpleNamespace(camera_id="a", live=live, shapes=(), newest=Slot(), result=Slot())
    lane.result.put(result)
    lane.newest.put(replace(result.frame, index=1, pts_s=0.1, arrived_s=CLOCK.monotonic()))
    return lane


def shown(presenter: Presenter) -> int | None:
    """The index of the frame that is shown."""
    preview = presenter.preview("a")
    return None if preview is None else preview.result.frame.index


def test_a_live_picture_waits_a_moment_for_its_boxes(result: FrameResult, fakes: SimpleNamespace) -> None:
    lane = lane_of(result, live=True)
    arrived_s = lane.newest.latest().arrived_s
    with presenting(lane, fakes) as presenter:
        assert wait_until(lambda: shown(presenter) == 1, 5.0, 0.002)
        assert CLOCK.monotonic() >= arrived_s + PATIENCE_S
        preview = presenter.preview("a")
        assert preview is not None
        assert not preview.result.detected
        lane.result.put(replace(result, frame=lane.newest.latest()))
        presenter.news("a")
        assert not wait_until(lambda: presenter.preview("a") is not preview, 0.1), "nothing is drawn twice"


def test_a_picture_whose_boxes_are_there_does_not_wait(result: FrameResult, fakes: SimpleNamespace) -> None:
    lane = lane_of(result, live=True)
    lane.result.put(replace(result, frame=lane.newest.latest(), detected=True))
    with presenting(lane, fakes) as presenter:
        assert wait_until(lambda: shown(presenter) == 1, 5.0, 0.002)
        preview = presenter.preview("a")
        assert preview is not None
        assert preview.result.detected


def test_a_recording_waits_for_its_boxes_as_long_as_it_takes(
    result: FrameResult, fakes: SimpleNamespace
) -> None:
    lane = lane_of(result, live=False)
    with presenting(lane, fakes) as presenter:
        assert wait_until(lambda: shown(presenter) == 0, 5.0, 0.002)
        assert not wait_until(lambda: shown(presenter) != 0, 4 * PATIENCE_S)
        lane.result.put(replace(result, frame=lane.newest.latest()))
        presenter.news("a")
        assert wait_until(lambda: shown(presenter) == 1, 5.0, 0.002)

"""Pictures are looked at pixel by pixel where no letters stand: fonts differ between versions of OpenCV."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surveil.errors import DataError
from surveil.labels import LabelMap
from surveil.render.hud import Hud
from surveil.render.overlay import Overlay
from surveil.render.palette import BLACK, colour_of, pale
from surveil.render.style import OverlayStyle, sizes_for
from surveil.types import FrameResult, TrackState
from tests.support.results import A, result_of

ONLY_BOXES = OverlayStyle(labels=False, trails=False, hud=False)
GREY = 90


def draw(
    result: FrameResult, style: OverlayStyle = ONLY_BOXES, *, overlay: Overlay | None = None
) -> np.ndarray:
    image = result.frame.image.copy()
    (overlay or Overlay(style)).draw(image, result)
    return image


def is_colour(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (image == colour).all(axis=-1)


def changed(image: np.ndarray) -> np.ndarray:
    return (image != GREY).any(axis=-1)


def test_a_box_is_a_coloured_line_with_a_dark_rim() -> None:
    image = draw(result_of([A(1, (50, 60, 100, 160))]))
    colour = is_colour(image, colour_of(1))
    expected = np.zeros((240, 320), bool)
    expected[60:161, 50:101] = True
    expected[61:160, 51:100] = False
    assert np.array_equal(colour, expected)
    assert tuple(image[59, 70]) == tuple(image[61, 70]) == BLACK
    assert not changed(image)[63:158, 53:98].any()


@pytest.mark.parametrize(("size", "thickness"), [((320, 240), 1), ((1280, 720), 2), ((1920, 1080), 3)])
def test_lines_grow_with_the_picture(size: tuple[int, int], thickness: int) -> None:
    image = draw(result_of([A(1, (50, 60, 200, 200))], size=size))
    column = is_colour(image, colour_of(1))[:130, 120]
    assert column.sum() == thickness == sizes_for(size[1]).line


def test_boxes_follow_the_scale_of_the_picture() -> None:
    result = result_of([A(2, (100, 100, 200, 200))], size=(640, 480))
    image = np.full((240, 320, 3), GREY, np.uint8)
    Overlay(ONLY_BOXES).draw(image, result, scale=0.5)
    rows, columns = np.nonzero(is_colour(image, colour_of(2)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 100, 50, 100)


def test_the_filters_box_is_drawn_unless_switched_off() -> None:
    result = result_of([A(1, (50, 60, 100, 160), smoothed=(150, 60, 200, 160))])
    smooth, raw = draw(result), draw(result, replace(ONLY_BOXES, smoothed=False))
    assert is_colour(smooth, colour_of(1))[100, 150]
    assert is_colour(raw, colour_of(1))[100, 50]


@pytest.mark.parametrize("state", [TrackState.TENTATIVE, TrackState.LOST])
def test_other_states_are_drawn_on_request_only(state: TrackState) -> None:
    result = result_of([A(1, (50, 60, 100, 160), state=state)])
    assert not changed(draw(result)).any()
    assert changed(draw(result, replace(ONLY_BOXES, tentative=True, lost=True))).any()


def test_a_lost_track_is_dashed_and_pale() -> None:
    lost = A(1, (50, 60, 150, 160), unseen_s=0.2, state=TrackState.LOST)
    image = draw(result_of([lost]), replace(ONLY_BOXES, lost=True))
    assert not is_colour(image, colour_of(1)).any()
    side = is_colour(image, pale(colour_of(1)))[60, 50:151]
    assert side[0]
    assert side[-1]
    assert 0.3 < side.mean() < 0.8


def test_between_two_runs_of_the_detector_boxes_do_not_flicker() -> None:
    # Also in a first picture: where detection lags, a window never draws the frame that was looked at.
    between = result_of(
        [
            A(1, (52, 60, 152, 160), unseen_s=0.1),
            A(2, (200, 60, 250, 160), unseen_s=0.2, state=TrackState.LOST),
        ],
        index=1,
        detected=False,
    )
    image = draw(between, replace(ONLY_BOXES, lost=True))
    assert is_colour(image, colour_of(1)).any()  # matched by the last run
    assert not is_colour(image, colour_of(2)).any()
    assert is_colour(image, pale(colour_of(2))).any()


@pytest.mark.parametrize(
    "box",
    [
        (-500.0, -500.0, 5000.0, 5000.0), (400.0, 300.0, 500.0, 400.0), (-90.0, 20.0, -50.0, 90.0),
        (5.0, 5.0, 5.0, 5.0), (1e9, -1e9, 1e9, 1e9), (30.0, 30.0, 20.0, 20.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("unseen_s", [0.0, 0.5])
def test_boxes_beyond_the_picture_break_nothing(box: tuple[float, ...], unseen_s: float) -> None:
    image = draw(result_of([A(1, box, unseen_s=unseen_s)]), OverlayStyle())
    assert image.shape == (240, 320, 3)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (16, 16), (40, 8), (8, 200)])
def test_tiny_pictures_break_nothing(size: tuple[int, int]) -> None:
    result = result_of([A(1, (0, 0, 5, 5)), A(2, (1, 1, 4, 4), unseen_s=1.0)], size=size)
    image = result.frame.image.copy()
    overlay = Overlay()
    overlay.draw(image, result, hud=Hud(name="x"))
    overlay.draw(image, replace(result, frame=replace(result.frame, index=1, pts_s=0.1)), hud=Hud(name="x"))
    assert image.shape == (size[1], size[0], 3)


def test_a_plate_stands_above_its_box_and_inside_at_the_upper_edge() -> None:
    labels_only = OverlayStyle(boxes=False, trails=False)
    plate = sizes_for(240).plate
    below = np.flatnonzero(changed(draw(result_of([A(1, (50, 100, 90, 160))]), labels_only)).any(axis=1))
    assert below.max() < 100
    assert below.min() == below.max() - plate + 1
    above = np.flatnonzero(changed(draw(result_of([A(1, (50, 2, 90, 160))]), labels_only)).any(axis=1))
    assert 2 < above.min() < above.max() < 2 + plate + 4


@pytest.mark.parametrize("x", [-60.0, 300.0])
def test_a_plate_stays_in_the_picture(x: float) -> None:
    whole = changed(draw(result_of([A(1, (100, 100, 140, 160))]), OverlayStyle(boxes=False, trails=False)))
    moved = changed(draw(result_of([A(1, (x, 100, x + 80, 160))]), OverlayStyle(boxes=False, trails=False)))
    assert moved.sum() == whole.sum()


def test_id_and_score_can_be_switched_off() -> None:
    def width(**switches: bool) -> int:
        style = OverlayStyle(boxes=False, trails=False, **switches)
        return int(changed(draw(result_of([A(1, (50, 100, 90, 160))]), style)).any(axis=0).sum())

    assert width() > width(scores=False) > width(ids=False, scores=False) > 0


def test_a_class_may_have_a_name_in_any_script() -> None:
    labels = LabelMap("own", ("入口 🚗 \udcff",))
    assert changed(draw(result_of([A(1, (50, 100, 90, 160))], labels=labels), OverlayStyle())).any()


def test_a_trail_shows_where_the_track_came_from() -> None:
    overlay = Overlay(OverlayStyle(boxes=False, labels=False))
    for k in range(10):
        image = draw(result_of([A(3, (20 * k, 100, 20 * k + 20, 160))], index=k), overlay=overlay)
    colour = is_colour(image, colour_of(3))
    assert colour[160, 10:190].all()
    assert not colour[:150].any()
    assert not colour[160, 200:].any()


def test_a_picture_can_be_shown_twice() -> None:
    overlay, results = Overlay(), [result_of([A(1, (k, 80, k + 40, 160))], index=k) for k in range(6)]
    for result in results:
        once = draw(result, overlay=overlay)
    assert np.array_equal(draw(results[-1], overlay=overlay), once)


def test_the_same_frames_give_the_same_pixels() -> None:
    def film() -> list[bytes]:
        overlay, rows = (
            Overlay(),
            [[A(1, (k, 80, k + 40, 160)), A(2, (9, 90, 30 + k, 150))] for k in range(12)],
        )
        return [draw(result_of(row, index=k), overlay=overlay).tobytes() for k, row in enumerate(rows)]

    assert film() == film()


def test_the_line_of_facts_stands_at_the_top_left() -> None:
    result = result_of()
    image = result.frame.image.copy()
    Overlay().draw(image, result, hud=Hud(name="door", time="00:00:01.0"))
    rows, columns = np.nonzero(changed(image))
    assert rows.max() < 30
    assert columns.min() < 8
    assert not changed(draw(result, OverlayStyle())).any()
    off = result.frame.image.copy()
    Overlay(OverlayStyle(hud=False)).draw(off, result, hud=Hud(name="door"))
    assert not changed(off).any()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((240, 320), np.uint8),
        np.zeros((240, 320, 4), np.uint8),
        np.zeros((240, 320, 3), np.float32),
        np.zeros((240, 640, 3), np.uint8)[:, ::2],
        result_of().frame.image,
    ],
    ids=["grey", "BGRA", "float", "strided", "read-only"],
)
def test_only_a_writable_picture_is_drawn_on(image: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"Overlay\.draw"):
        Overlay().draw(image, result_of())

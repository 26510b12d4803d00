from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.detect.card import InputSpec
from surveil.detect.preprocess import GREY, Placement, Preprocessor, letterbox, stretch, unplace
from tests.support.frames import RED, frame_of

MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
NOISE = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)


def test_letterbox_keeps_the_aspect_in_the_middle_of_grey() -> None:
    image = np.full((100, 200, 3), 7, np.uint8)
    canvas, placement = letterbox(image, (320, 320))
    assert canvas.shape == (320, 320, 3)
    assert placement == Placement(scale_x=1.6, scale_y=1.6, offset_x=0, offset_y=80)
    assert (canvas[:80] == GREY).all()
    assert (canvas[240:] == GREY).all()
    assert (canvas[80:240] == 7).all()


def test_letterbox_resizes_as_opencv_does_linearly() -> None:
    canvas, _ = letterbox(NOISE, (32, 96))
    assert np.array_equal(canvas[:, 26:69], cv2.resize(NOISE, (43, 32), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize("size", [(1, 1), (1, 999), (999, 1), (3, 5), (1279, 717)])
def test_letterbox_takes_any_size(size: tuple[int, int]) -> None:
    canvas, placement = letterbox(frame_of(size, background=9).image, (64, 96))
    assert canvas.shape == (64, 96, 3)
    corners = np.array([[0, 0, *size]], np.float32)
    scale = np.array([placement.scale_x, placement.scale_y] * 2)
    offset = np.array([placement.offset_x, placement.offset_y] * 2)
    x1, y1, x2, y2 = np.rint(corners * scale + offset)[0].astype(int)
    inside = np.zeros((64, 96), bool)
    inside[y1:y2, x1:x2] = True
    assert inside.any()
    assert np.array_equal((canvas == 9).all(axis=2), inside)


def test_stretch_fills_the_input() -> None:
    canvas, placement = stretch(NOISE, (96, 32))
    assert np.array_equal(canvas, cv2.resize(NOISE, (32, 96)))
    assert placement == Placement(scale_x=0.5, scale_y=2.0)


@given(
    st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_boxes_find_their_way_back(size: tuple[int, int], corners: tuple[float, ...]) -> None:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    box = np.array([corners], np.float32) * np.array([*size, *size], np.float32)
    for place in (letterbox, stretch):
        _, p = place(image, (320, 416))
        scale, offset = np.array([p.scale_x, p.scale_y] * 2), np.array([p.offset_x, p.offset_y] * 2)
        there = (box * scale + offset).astype(np.float32)
        assert np.allclose(unplace(there, p, size), box, atol=0.05)


def test_boxes_beyond_the_frame_are_clipped() -> None:
    boxes = np.array([[-50, -50, 500, 500], [0, 0, 320, 79]], np.float32)
    placement = Placement(scale_x=1.6, scale_y=1.6, offset_y=80)
    found = unplace(boxes, placement, (200, 100))
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 0, 200, 100], [0, 0, 200, 0]]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("channels", ["BGR", "RGB"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_tensor_is_what_the_card_says(layout: str, channels: str, dtype: str) -> None:
    mean, std = (MEAN, STD) if dtype == "float32" else ((0.0,) * 3, (1.0,) * 3)
    spec = InputSpec(
        shapes=((24, 40),),
        layout=layout,  # type: ignore[arg-type]
        dtype=dtype,  # type: ignore[arg-type]
        channels=channels,  # type: ignore[arg-type]
        mean=mean,  # type: ignore[arg-type]
        std=std,  # type: ignore[arg-type]
        resize="stretch",
    )
    frame = frame_of((64, 48), (RED, (0, 0, 20, 30)), background=50)
    tensor = Preprocessor(spec, (24, 40)).prepare(frame).tensor
    picture = cv2.resize(frame.image, (40, 24))[..., :: 1 if channels == "BGR" else -1]
    expected = (picture.astype(np.float32) - np.float32(mean)) / np.float32(std)
    if layout == "NCHW":
        expected = expected.transpose(2, 0, 1)
    assert tensor.dtype == np.dtype(dtype)
    assert tensor.flags.c_contiguous
    assert tensor.shape == (1, *expected.shape)
    assert np.allclose(tensor[0], expected, atol=1e-5)


def test_cubic_is_cubic() -> None:
    spec = InputSpec(shapes=((24, 40),), resize="stretch", interpolation="cubic")
    frame = frame_of((64, 48), (RED, (0, 0, 20, 30)), background=50)
    tensor = Preprocessor(spec, (24, 40)).prepare(frame).tensor
    assert np.array_equal(tensor[0], cv2.resize(frame.image, (40, 24), interpolation=cv2.INTER_CUBIC))


def test_frames_share_nothing() -> None:
    processor = Preprocessor(InputSpec(shapes=((64, 64),)), (64, 64))
    frame = frame_of((64, 64), background=5)
    first, second = processor.prepare(frame), processor.prepare(frame)
    assert not np.shares_memory(first.tensor, second.tensor)
    assert not np.shares_memory(first.tensor, frame.image)
    assert first.info == frame.info


@pytest.mark.parametrize("size", [(64, 48), (1279, 717), (333, 500)])
def test_training_letterboxes_the_same(size: tuple[int, int]) -> None:
    augment = pytest.importorskip("training.data.augment", reason="training needs its extra")
    image = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    ours, placement = letterbox(image, (320, 416))
    theirs, scale, x, y = augment.letterbox(image, 320, 416)
    assert np.array_equal(ours, theirs)
    assert (placement.offset_x, placement.offset_y) == (x, y)
    assert placement.scale_x == pytest.approx(scale, rel=2e-3)

"""A frame becomes the model's input, and boxes find their way back.

Training letterboxes with the same function, so that what is trained is what runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.detect.card import InputSpec
from surveil.geometry import Boxes, clip_boxes
from surveil.types import Frame, FrameInfo

GREY: Final = 114
"""The value of the borders that a letterbox adds, in all three channels."""

_INTERPOLATION: Final = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where a frame lies in the model's input: input px = frame px * scale + offset, for each axis."""

    scale_x: float
    scale_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A frame as the model wants it. It is handed from the capture thread to the inference thread.

    Attributes:
        info: the frame without its picture.
        tensor: (1, H, W, 3) or (1, 3, H, W), uint8 or float32, as the card says; owned by this object alone.
        placement: where the frame lies in it.
    """

    info: FrameInfo
    tensor: NDArray[Any]
    placement: Placement


@dataclass(frozen=True)
class Preprocessor:
    """Prepares frames for one model. Without state that changes: any number of threads may share it.

    Attributes:
        spec: the card's description of the input.
        shape: (height, width) of the input in pixels.
    """

    spec: InputSpec
    shape: tuple[int, int]
    _tables: tuple[NDArray[np.float32], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = np.arange(256, dtype=np.float64)
        tables = [(values - m) / s for m, s in zip(self.spec.mean, self.spec.std, strict=True)]
        object.__setattr__(self, "_tables", tuple(table.astype(np.float32) for table in tables))

    def prepare(self, frame: Frame) -> Prepared:
        """The model's input and the way back."""
        interpolation = _INTERPOLATION[self.spec.interpolation]
        match self.spec.resize:
            case "letterbox":
                picture, placement = letterbox(frame.image, self.shape, interpolation)
            case "stretch":
                picture, placement = stretch(frame.image, self.shape, interpolation)
        return Prepared(info=frame.info, tensor=self._tensor(picture), placement=placement)

    def _tensor(self, picture_HWC: NDArray[np.uint8]) -> NDArray[Any]:
        planar = self.spec.layout == "NCHW"
        if self.spec.dtype == "uint8":
            ordered = picture_HWC if self.spec.channels == "BGR" else picture_HWC[..., ::-1]
            return np.ascontiguousarray(ordered.transpose(2, 0, 1) if planar else ordered)[None]
        # One look into a table of 256 values is the cast, the subtraction and the division, and the fastest.
        planes = cv2.split(picture_HWC)
        tensor = np.empty((1, 3, *self.shape), np.float32)
        for k, plane in enumerate(planes if self.spec.channels == "BGR" else planes[::-1]):
            cv2.LUT(plane, self._tables[k], dst=tensor[0, k])
        return tensor if planar else np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))


def letterbox(
    image: NDArray[np.uint8], shape: tuple[int, int], interpolation: int = cv2.INTER_LINEAR
) -> tuple[NDArray[np.uint8], Placement]:
    """Resize with the aspect kept onto the middle of a grey canvas.

    Args:
        image: (H, W, 3) uint8.
        shape: (height, width) of the canvas.
        interpolation: OpenCV's code. Linear costs a tenth of what area does, and is what training uses.

    Returns:
        The canvas (height, width, 3) uint8, and the place of the image on it.
    """
    (height, width), (h, w) = shape, image.shape[:2]
    scale = min(width / w, height / h)
    nw, nh = max(1, round(w * scale)), max(1, round(h * scale))
    x, y = (width - nw) // 2, (height - nh) // 2
    canvas = np.full((height, width, 3), GREY, np.uint8)
    cv2.resize(image, (nw, nh), dst=canvas[y : y + nh, x : x + nw], interpolation=interpolation)
    return canvas, Placement(scale_x=nw / w, scale_y=nh / h, offset_x=x, offset_y=y)


def stretch(
    image: NDArray[np.uint8], shape: tuple[int, int], interpolation: int = cv2.INTER_LINEAR
) -> tuple[NDArray[np.uint8], Placement]:
    """Resize to (height, width) whatever the aspect; returns as `letterbox`."""
    (height, width), (h, w) = shape, image.shape[:2]
    picture = np.empty((height, width, 3), np.uint8)
    cv2.resize(image, (width, height), dst=picture, interpolation=interpolation)
    return picture, Placement(scale_x=width / w, scale_y=height / h)


def unplace(boxes: Boxes, placement: Placement, size: tuple[int, int]) -> Boxes:
    """Boxes (N, 4) xyxy in pixels of the input, in pixels of the frame and clipped to its (width, height).

    >>> placement = Placement(scale_x=0.5, scale_y=0.5, offset_y=20)
    >>> unplace(np.array([[10, 30, 60, 400]], np.float32), placement, (200, 100)).tolist()
    [[20.0, 20.0, 120.0, 100.0]]
    """
    offset = np.array([placement.offset_x, placement.offset_y] * 2, np.float32)
    scale = np.array([placement.scale_x, placement.scale_y] * 2, np.float32)
    return clip_boxes((boxes - offset) / scale, size)

"""What a camera makes of light: lens blur, exposure, highlight roll-off, gamma, grain."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.mesh import Floats

_BLUR_PX = 0.55
_EXPOSURE = 0.62
_GRAIN = 2.5  # standard deviation in steps of 255
_STEPS = 4096
_WHITE = 2.0  # exposed light at the last step of the curve
_KNEE = 0.7
_TILE_PX = 64  # how far the grain may be shifted


def _curve() -> NDArray[np.uint8]:
    """Exposed light in `_STEPS` steps up to `_WHITE` -> 0-255; above the knee highlights roll off."""
    exposed = np.arange(_STEPS) * (_WHITE / _STEPS)
    over = _KNEE + (1 - _KNEE) * (1 - np.exp(-(exposed - _KNEE) / (1 - _KNEE)))
    return np.round(np.where(exposed > _KNEE, over, exposed) ** (1 / 2.2) * 255).astype(np.uint8)


class Sensor:
    """One camera's sensor; its grain is another in each frame, but the same for the same seed and frame."""

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self._seed = seed
        self._curve = _curve()
        rng = np.random.default_rng((seed, 0x67))
        grain = rng.standard_normal((size[1] + _TILE_PX, size[0] + _TILE_PX, 3), np.float32) * _GRAIN
        self._grain = np.round(grain).astype(np.int8)

    def expose(self, light: Floats, index: int) -> NDArray[np.uint8]:
        """The picture (H, W, 3) uint8 BGR of frame `index` from linear BGR light (H, W, 3)."""
        height, width = light.shape[:2]
        soft = cv2.GaussianBlur(light, (0, 0), _BLUR_PX)
        # OpenCV's overloads know no change of depth
        change: Any = cv2.multiply
        steps = change(soft, (_EXPOSURE * _STEPS / _WHITE,) * 4, dtype=cv2.CV_16U)
        picture = self._curve.take(steps, mode="clip")
        x, y = np.random.default_rng((self._seed, index)).integers(_TILE_PX, size=2)
        add: Any = cv2.add
        out: NDArray[np.uint8] = add(picture, self._grain[y : y + height, x : x + width], dtype=cv2.CV_8U)
        return out

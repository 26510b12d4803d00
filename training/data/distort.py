"""Distortions of one picture with OpenCV; `live.distort` does the same for batches on a device."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.plan import Distortion, Night

Image = NDArray[np.uint8]


def motion_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """Line of `length` pixels (at most 9) through the middle of a (9, 9) kernel; sums to 1."""
    y, x = np.mgrid[-4:5, -4:5].astype(np.float32)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    weight = np.clip(1 - np.abs(across), 0, 1) * np.clip(length / 2 + 0.5 - np.abs(along), 0, 1)
    return np.asarray(weight / weight.sum(), np.float32)


def lamp_light(size: tuple[int, int], fall: float) -> NDArray[np.float32]:
    """Light (H, W) of a lamp: 1 in the middle, 1 - `fall` in the corners of a picture of `size` (H, W)."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in size)
    return np.asarray(1 - fall * (x[None] ** 2 + y[:, None] ** 2) / 2, np.float32)


def distort(image: Image, how: Distortion, rng: np.random.Generator) -> Image:
    """Colour, then darkness, then sharpness; returns a new picture or the same. `rng` draws the grain."""
    if how.colour:
        image = _colour(image, *how.colour)
    if how.grey:
        image = _grey(image)
    if how.night:
        image = _night(image, how.night, rng)
    match how.kind:
        case "blur":
            return np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)
        case "compress":
            _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(how.amount)])
            return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        case "noise":
            return _noise(image, how.amount, rng)
        case "motion":
            return np.asarray(cv2.filter2D(image, -1, motion_kernel(how.amount, how.angle)), np.uint8)
    return image


def _colour(image: Image, hue: float, saturation: float, gain: float, lift: float) -> Image:
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + hue) % 180
    hsv[..., 1] *= saturation
    hsv[..., 2] = hsv[..., 2] * gain + lift
    return np.asarray(cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR), np.uint8)


def _grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def _night(image: Image, night: Night, rng: np.random.Generator) -> Image:
    level = np.arange(256, dtype=np.float32) / 255
    dark = cv2.LUT(image, np.round(255 * night.gain * level**night.gamma).astype(np.uint8))
    if night.lamp:
        light = lamp_light(image.shape[:2], night.lamp)[..., None]
        dark = (_grey(np.asarray(dark, np.uint8)) * light).astype(np.uint8)
    return _noise(np.asarray(dark, np.uint8), night.noise, rng)


def _noise(image: Image, amount: float, rng: np.random.Generator) -> Image:
    return np.clip(image + rng.normal(0, amount, image.shape), 0, 255).astype(np.uint8)

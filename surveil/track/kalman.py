"""How a box moves: a Kalman filter without state for many boxes at once.

A box is its centre x, centre y, width and height. Each of the four drifts with a velocity of its own and
knows nothing of the other three, so that the usual 8x8 matrices fall apart into four position/velocity pairs.
A pair's covariance is three numbers (p11 of the position, p12 shared, p22 of the velocity): with N boxes
everything is arithmetic on (N, 4) arrays, equal to filterpy's `KalmanFilter(dim_x=8, dim_z=4)` with
block-diagonal matrices.

Noise is that of BoT-SORT (arXiv 2206.14651, section 3.1) at 30 frames a second, turned into densities per
second, so that a step may have any length and a long one equals two short ones. It grows with the size of the
object: `scale` holds the width for cx and w, the height for cy and h, as of the last measurement.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEASUREMENT_STD = 1 / 20  # of a detected edge, in sizes of the object
DRIFT_DENSITY = 0.075  # of the position: variance per second, in sizes squared
ACCELERATION_DENSITY = 1.055  # of the velocity: variance per second, in (sizes per second) squared
BIRTH_VELOCITY_STD = 10 * 30 / 160  # of the unknown first velocity, in sizes per second
SMALLEST = 0.1  # a box that is predicted to shrink keeps this much of its last size


class Blocks(NamedTuple):
    """N filters side by side; every field (N, 4) float64 in the order cx, cy, w, h, pixels and seconds.

    Attributes:
        x: centre x, centre y, width, height.
        v: their velocities, px/s.
        p11: variances of x.
        p12: covariances of x and v.
        p22: variances of v.
        scale: the size that noise is measured in, > 0: w, h, w, h at the last measurement.
    """

    x: Array
    v: Array
    p11: Array
    p12: Array
    p22: Array
    scale: Array

    def select(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Blocks:
        """The filters given by a mask (N,) or by indices."""
        return Blocks(*(field[rows] for field in self))

    def append(self, other: Blocks) -> Blocks:
        """These filters, then the others."""
        return Blocks(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def measurement_noise(scale: Array) -> Array:
    """Variance (N, 4) of a detection's cx, cy, w, h."""
    return (MEASUREMENT_STD * scale) ** 2


def birth(z: Array) -> Blocks:
    """Filters from first measurements z (N, 4): at rest, but the velocity is as good as unknown."""
    scale = _size(z)
    return Blocks(
        x=z,
        v=np.zeros_like(z),
        p11=4 * measurement_noise(scale),
        p12=np.zeros_like(z),
        p22=(BIRTH_VELOCITY_STD * scale) ** 2,
        scale=scale,
    )


def predict(blocks: Blocks, dt_s: Array) -> Blocks:
    """Filters after dt_s (N,) seconds without a measurement; dt_s = 0 changes nothing."""
    x, v, p11, p12, p22, scale = blocks
    dt = dt_s[:, None]
    s2 = scale * scale
    return Blocks(
        x=x + v * dt,
        v=v,
        p11=p11 + dt * (2 * p12 + dt * p22) + s2 * dt * (DRIFT_DENSITY + ACCELERATION_DENSITY / 3 * dt * dt),
        p12=p12 + dt * p22 + ACCELERATION_DENSITY / 2 * s2 * dt * dt,
        p22=p22 + ACCELERATION_DENSITY * s2 * dt,
        scale=scale,
    )


def update(blocks: Blocks, z: Array) -> Blocks:
    """Filters after the measurements z (N, 4): each pair pulled towards its z by its gain."""
    x, v, p11, p12, p22, scale = blocks
    noise = measurement_noise(scale)
    total = p11 + noise
    gain_x, gain_v, kept = p11 / total, p12 / total, noise / total
    innovation = z - x
    x = x + gain_x * innovation
    # A filter that was predicted to shrink through zero must not lose its noise: half the measured size is
    # kept.
    scale = np.maximum(_size(x), _size(z) / 2)
    return Blocks(x, v + gain_v * innovation, kept * p11, kept * p12, p22 - gain_v * p12, scale)


def restart(z: Array, z_before: Array, gap_s: Array) -> Blocks:
    """Filters of objects found again: on the straight line from z_before to z (N, 4), gap_s (N,) > 0 later.

    What the old velocity said is worth less than the two ends of the gap. The covariances are those of a line
    through two measurements, plus the accelerations that the gap may hide.
    """
    scale, gap = _size(z), gap_s[:, None]
    noise = measurement_noise(scale)
    return Blocks(
        x=z,
        v=(z - z_before) / gap,
        p11=noise,
        p12=noise / gap,
        p22=2 * noise / gap**2 + ACCELERATION_DENSITY / 3 * scale**2 * gap,
        scale=scale,
    )


def hold_size(blocks: Blocks) -> Blocks:
    """Filters of objects that went out of sight: they move on, but grow and shrink no more (as in BoT-SORT).

    The last boxes before an occlusion shrink because less is seen of the object, not because it does.
    """
    v = np.concatenate([blocks.v[:, :2], np.zeros_like(blocks.v[:, 2:])], axis=1)
    return blocks._replace(v=v)


def warp(blocks: Blocks, affine: Array) -> Blocks:
    """Filters seen by a camera that moved: `affine` (2, 3) maps pixels of the frame before to this frame.

    Sizes and noise follow the affine's mean magnification; its rotation turns centres and velocities, but not
    the covariances (they are nearly round, and cameras hardly roll).
    """
    x, v, p11, p12, p22, scale = blocks
    matrix = affine[:, :2]
    zoom = float(np.sqrt(abs(np.linalg.det(matrix))))
    x = np.concatenate([x[:, :2] @ matrix.T + affine[:, 2], x[:, 2:] * zoom], axis=1)
    v = np.concatenate([v[:, :2] @ matrix.T, v[:, 2:] * zoom], axis=1)
    return Blocks(x, v, p11 * zoom**2, p12 * zoom**2, p22 * zoom**2, scale * zoom)


def to_measurements(boxes: NDArray[np.floating]) -> Array:
    """Centre x, centre y, width, height (N, 4) of xyxy boxes."""
    boxes = boxes.astype(np.float64)
    size = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([boxes[:, :2] + size / 2, size], axis=1)


def to_boxes(x: Array, scale: Array) -> Array:
    """Boxes xyxy (N, 4) of filters' x, of positive size even where a size was predicted through zero."""
    half = np.maximum(x[:, 2:], SMALLEST * scale[:, 2:]) / 2
    return np.concatenate([x[:, :2] - half, x[:, :2] + half], axis=1)


def _size(z: Array) -> Array:
    """Width, height, width, height (N, 4)."""
    return np.concatenate([z[:, 2:], z[:, 2:]], axis=1)

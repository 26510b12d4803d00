"""A batch of plans as plain tensors: all that is decided on the processor and carried out on the device.

No tensor's size depends on what the device computes, so nothing ever waits for the device.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.distort import motion_kernel
from training.data.labels import Labels
from training.data.plan import Distortion, Plan

LUMA = np.array([0.114, 0.587, 0.299])  # of BGR
# luma and two colour differences from BGR (YIQ, NTSC 1953)
TO_YIQ = np.array([LUMA, [-0.322, -0.274, 0.596], [0.312, -0.523, 0.211]])
FROM_YIQ = np.linalg.inv(TO_YIQ)
SOFT = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25])  # the kernel of `blur`


def change(value: Any, by: Callable[[Any], Any]) -> Any:
    """A dataclass of tensors or arrays (or of such dataclasses, or lists of them), each of them changed."""
    if isinstance(value, Tensor | np.ndarray):
        return by(value)
    if isinstance(value, list):
        return [change(item, by) for item in value]
    return replace(value, **{f.name: change(getattr(value, f.name), by) for f in fields(value)})


@dataclass(frozen=True)
class Round:
    """One layer of those views that have so many.

    Attributes:
        view: (L,) int64.
        record: (L,) int64 number of the picture.
        affine: (L, 4) float32 sx, sy, tx, ty of its placement.
        rect: (L, 4) float32 rectangle of the canvas.
        opacity: (L,) float32.
    """

    view: Tensor
    record: Tensor
    affine: Tensor
    rect: Tensor
    opacity: Tensor


@dataclass(frozen=True)
class Look:
    """Distortions; rows name the views that have them.

    Attributes:
        colour: (B, 3, 4) float32: BGR to BGR, and an offset in grey levels.
        night: (K,) int64 rows; `night_values` (K, 4) float32 gamma, gain, noise, lamp.
        night_values: See `night`.
        smear: (M,) int64 rows; `kernels` (M, 9, 9) float32 of blur and motion.
        kernels: See `smear`.
        coded: (J,) int64 rows; `quality` (J,) float32 of JPEG.
        quality: See `coded`.
        grainy: (N,) int64 rows; `grain` (N,) float32 standard deviation of the noise.
        grain: See `grainy`.
    """

    colour: Tensor
    night: Tensor
    night_values: Tensor
    smear: Tensor
    kernels: Tensor
    coded: Tensor
    quality: Tensor
    grainy: Tensor
    grain: Tensor


@dataclass(frozen=True)
class Marks:
    """What the views show.

    Attributes:
        view: (G,) int64.
        boxes: (G, 4) float32 xyxy pixels.
        classes: (G,) int64.
        ignore: (P, 4) float32 regions, one for each class that is ignored there.
        ignore_row: (P,) int64 view x classes + class.
    """

    view: Tensor
    boxes: Tensor
    classes: Tensor
    ignore: Tensor
    ignore_row: Tensor


@dataclass(frozen=True)
class Sketch:
    """All that a device needs to make a batch; `rounds` from the lowest layer to the highest."""

    rounds: list[Round]
    look: Look
    marks: Marks


def sketch(plans: Sequence[Plan], labels: Labels, classes: int) -> Sketch:
    """Plans and their labels as tensors; `classes`: number of the detector's classes."""
    depth = max(len(plan.layers) for plan in plans)
    rounds = [_round(plans, k) for k in range(depth)]
    region, label = np.nonzero(labels.ignored)
    marks = Marks(
        view=torch.from_numpy(labels.view),
        boxes=torch.from_numpy(labels.boxes),
        classes=torch.from_numpy(labels.classes),
        ignore=torch.from_numpy(labels.ignore[region]),
        ignore_row=torch.from_numpy(labels.ignore_view[region] * classes + label),
    )
    return Sketch(rounds, _look([plan.distortion for plan in plans]), marks)


def _floats(values: Any, *shape: int) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32).reshape(-1, *shape))


def _rows(values: Sequence[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.long)


def _round(plans: Sequence[Plan], k: int) -> Round:
    views = [b for b, plan in enumerate(plans) if len(plan.layers) > k]
    layers = [plans[b].layers[k] for b in views]
    places = [layer.placement for layer in layers]
    return Round(
        view=_rows(views),
        record=_rows([layer.record for layer in layers]),
        affine=_floats([(p.sx, p.sy, p.tx, p.ty) for p in places], 4),
        rect=_floats([p.rect for p in places], 4),
        opacity=_floats([layer.opacity for layer in layers]),
    )


def _look(distortions: Sequence[Distortion]) -> Look:
    def rows(*kinds: str) -> list[int]:
        return [b for b, d in enumerate(distortions) if d.kind in kinds]

    nights = [(b, d.night) for b, d in enumerate(distortions) if d.night]
    smear, coded, grainy = rows("blur", "motion"), rows("compress"), rows("noise")
    kernels = np.zeros((len(smear), 9, 9), np.float32)
    for kernel, b in zip(kernels, smear, strict=True):
        d = distortions[b]
        if d.kind == "motion":
            kernel[:] = motion_kernel(d.amount, d.angle)
        else:
            kernel[3:6, 3:6] = SOFT
    return Look(
        colour=_floats([colour_matrix(d) for d in distortions], 3, 4),
        night=_rows([b for b, _ in nights]),
        night_values=_floats([(n.gamma, n.gain, n.noise, n.lamp) for _, n in nights], 4),
        smear=_rows(smear),
        kernels=torch.from_numpy(kernels),
        coded=_rows(coded),
        quality=_floats([int(distortions[b].amount) for b in coded]),
        grainy=_rows(grainy),
        grain=_floats([distortions[b].amount for b in grainy]),
    )


def colour_matrix(how: Distortion) -> NDArray[np.float64]:
    """(3, 4) matrix and offset of a shift of colours: the hue turns around the grey axis, luma is kept."""
    hue, saturation, gain, lift = how.colour or (0.0, 1.0, 1.0, 0.0)
    angle, saturation = np.deg2rad(2 * hue), 0.0 if how.grey else saturation
    turn = np.eye(3)
    turn[1:, 1:] = saturation * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([gain * FROM_YIQ @ turn @ TO_YIQ, np.full((3, 1), lift)], 1)

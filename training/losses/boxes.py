"""Overlap of boxes that belong together."""

import math

import torch
from torch import Tensor

EPSILON = 1e-7


def _parts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union areas of boxes, elementwise with broadcasting."""
    inter = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    )
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter + EPSILON
    return inter, union


def _hull(a: Tensor, b: Tensor) -> Tensor:
    """Sides (…, 2) of the smallest boxes that hold both."""
    return torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes (…, 4), xyxy, elementwise with broadcasting."""
    inter, union = _parts(a, b)
    return inter / union


def pair_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU in -1..1: IoU - (hull - union) / hull. Rezatofighi et al., CVPR 2019."""
    inter, union = _parts(a, b)
    hull = _hull(a, b).prod(-1) + EPSILON
    return inter / union - (hull - union) / hull


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of the centres over the squared diagonal of the hull."""
    distance = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).square().sum(-1)
    return distance / (_hull(a, b).square().sum(-1) + EPSILON)


def pair_diou(a: Tensor, b: Tensor) -> Tensor:
    """Distance IoU in -1..1: IoU - centre distance^2 / hull diagonal^2. Zheng et al., AAAI 2020."""
    return pair_iou(a, b) - _apart(a, b)


def pair_ciou(a: Tensor, b: Tensor) -> Tensor:
    """Complete IoU: IoU - centre distance^2 / hull diagonal^2 - alpha v. Zheng et al., AAAI 2020.

    v is the squared difference of the aspects' angles over (pi / 2)^2; its weight alpha = v / (1 - IoU + v)
    has no gradient.
    """
    inter, union = _parts(a, b)
    iou = inter / union
    angle_a, angle_b = (_angle(x[..., 2:] - x[..., :2]) for x in (a, b))
    v = (2 / math.pi * (angle_a - angle_b)).square()
    with torch.no_grad():
        alpha = v / (1 - iou + v + EPSILON)
    return iou - _apart(a, b) - alpha * v


def _angle(sides: Tensor) -> Tensor:
    """Angle of the diagonal of boxes with sides (…, 2), width and height."""
    return torch.atan(sides[..., 0] / sides[..., 1].clamp(min=EPSILON))

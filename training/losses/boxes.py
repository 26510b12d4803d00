"""Overlap of boxes that belong together."""

import torch
from torch import Tensor


def _parts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union areas of boxes, elementwise with broadcasting."""
    inter = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    )
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter + 1e-7
    return inter, union


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes (…, 4), xyxy, elementwise with broadcasting."""
    inter, union = _parts(a, b)
    return inter / union


def pair_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU in -1..1: IoU - (hull - union) / hull. Rezatofighi et al., CVPR 2019."""
    inter, union = _parts(a, b)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1) + 1e-7
    return inter / union - (hull - union) / hull

"""Task-aligned assignment: cells whose score and box already fit an object best learn it.

Feng et al., "TOOD: Task-aligned One-stage Object Detection", ICCV 2021: alignment = score^alpha x IoU^beta,
the best `topk` cells of each object, targets normalised so that an object's best cell aims at its IoU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.boxes import pair_iou


@dataclass(frozen=True, kw_only=True)
class TALConfig:
    """Constants of the assignment.

    Attributes:
        topk: Cells per object.
        alpha: Power of the score.
        beta: Power of the IoU.
        min_half: Half side in pixels to which small objects are widened when cells inside them are looked
            for.
    """

    topk: int = 13
    alpha: float = 1.0
    beta: float = 6.0
    min_half: float = 6.0


@dataclass(frozen=True)
class Objects:
    """The objects of a batch.

    Attributes:
        image: (G,) int64 row of the batch.
        boxes: (G, 4) float32 xyxy pixels of the input.
        classes: (G,) int64.
    """

    image: Tensor
    boxes: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Assignment:
    """P pairs of object and cell; a cell belongs to one object at most.

    Attributes:
        objects: (P,) int64 index into `Objects`.
        cells: (P,) int64.
        quality: (P,) float32 score target in 0..1.
    """

    objects: Tensor
    cells: Tensor
    quality: Tensor


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centres: Tensor, objects: Objects, config: TALConfig) -> Assignment:
    """Pair objects with cells.

    Args:
        scores: (B, N, C) in 0..1.
        boxes: (B, N, 4) predicted boxes, xyxy pixels.
        centres: (N, 2) cell centres.
        objects: What is to be found.
        config: Constants.
    """
    count, cells = len(objects.boxes), len(centres)
    if count == 0:
        none = torch.zeros(0, dtype=torch.long, device=boxes.device)
        return Assignment(none, none, boxes.new_zeros(0))
    low, high = objects.boxes[:, :2], objects.boxes[:, 2:]
    middle, half = (low + high) / 2, ((high - low) / 2).clamp(min=config.min_half)
    inside = ((centres[None] - middle[:, None]).abs() < half[:, None]).all(-1)
    iou = pair_iou(boxes[objects.image], objects.boxes[:, None]) * inside
    score = scores[objects.image, :, objects.classes].clamp(min=1e-6)
    metric = score**config.alpha * iou**config.beta
    value, cell = (metric + inside * 1e-12).topk(
        min(config.topk, cells), 1
    )  # an object without overlap learns, too
    obj = torch.arange(count, device=cell.device)[:, None].expand_as(cell)
    keep = value > 0
    obj, cell = obj[keep], cell[keep]
    pair = iou[obj, cell]
    # a cell chosen by several objects goes to the one it overlaps most
    flat = objects.image[obj] * cells + cell
    best = pair.new_full((len(boxes) * cells,), -1.0).scatter_reduce(0, flat, pair, "amax")
    won = pair >= best[flat]
    obj, cell, pair = obj[won], cell[won], pair[won]
    fit = metric[obj, cell]
    top_fit = fit.new_zeros(count).scatter_reduce(0, obj, fit, "amax")
    top_iou = fit.new_zeros(count).scatter_reduce(0, obj, pair, "amax")
    return Assignment(obj, cell, fit / (top_fit[obj] + 1e-12) * top_iou[obj])

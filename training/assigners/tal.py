"""Task-aligned assignment: cells whose score and box already fit an object best learn it.

Feng et al., "TOOD: Task-aligned One-stage Object Detection", ICCV 2021: alignment = score^alpha x IoU^beta,
the best `topk` cells of each object, targets normalised so that an object's best cell aims at its IoU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.assigners.objects import Assignment, Objects, inside, no_pairs, sole_owner
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


@torch.no_grad()
def assign_tal(
    scores: Tensor, boxes: Tensor, centres: Tensor, objects: Objects, config: TALConfig
) -> Assignment:
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
        return no_pairs(boxes)
    within = inside(centres, objects.boxes, config.min_half)
    iou = pair_iou(boxes[objects.image], objects.boxes[:, None]) * within
    score = scores[objects.image, :, objects.classes].clamp(min=1e-6)
    metric = score**config.alpha * iou**config.beta
    # an object without overlap learns, too: hence the small addition
    value, cell = (metric + within * 1e-12).topk(min(config.topk, cells), 1)
    obj = torch.arange(count, device=cell.device)[:, None].expand_as(cell)
    keep = value > 0
    obj, cell = obj[keep], cell[keep]
    pair = iou[obj, cell]
    won = sole_owner(objects.image[obj] * cells + cell, obj, pair, len(boxes) * cells)
    obj, cell, pair = obj[won], cell[won], pair[won]
    fit = metric[obj, cell]
    top_fit = fit.new_zeros(count).scatter_reduce(0, obj, fit, "amax")
    top_iou = fit.new_zeros(count).scatter_reduce(0, obj, pair, "amax")
    return Assignment(obj, cell, fit / (top_fit[obj] + 1e-12) * top_iou[obj])

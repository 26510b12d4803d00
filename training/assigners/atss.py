"""Adaptive training sample selection: the cells nearest to an object's centre learn it, before they know it.

Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection", CVPR 2020: of the `topk`
nearest cells of every level those whose anchor overlaps the object by at least mean + standard
deviation of all its candidates, if their centre lies inside it. It needs no prediction, so it is a good start
for a student that knows nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.assigners.objects import Assignment, Objects, inside, no_pairs, sole_owner
from training.losses.boxes import pair_iou


@dataclass(frozen=True, kw_only=True)
class ATSSConfig:
    """Constants of the assignment.

    Attributes:
        topk: Candidates per object and level.
        side: Side of the square anchors of heads that have none of their own, in strides (the paper: 8,
            NanoDet: 5).
        min_half: Half side in pixels to which small objects are widened when it is asked whether a centre
            lies inside; 0 as in the paper, where an object between the centres learns nothing.
    """

    topk: int = 9
    side: float = 5.0
    min_half: float = 0.0


def nearest_cells(centres: Tensor, levels: Sequence[int], middles: Tensor, topk: int) -> Tensor:
    """The `topk` cells of every level that are nearest to each point.

    Args:
        centres: (N, 2), level after level.
        levels: Cells of each level; their sum is N.
        middles: (G, 2).
        topk: Cells of a level, or all if it has fewer.

    Returns:
        (G, K) int64.
    """
    found, start = [], 0
    for part in centres.split(list(levels)):
        distance = (part[None] - middles[:, None]).square().sum(-1)
        found.append(distance.topk(min(topk, len(part)), 1, largest=False).indices + start)
        start += len(part)
    return torch.cat(found, 1)


def candidates(
    grid: tuple[Tensor, Tensor], levels: Sequence[int], truth: Tensor, topk: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Who may learn each object, and what divides the good ones from the others.

    Args:
        grid: Centres (N, 2) of the cells, and their anchors (N, 4), xyxy pixels.
        levels: Cells of each level.
        truth: (G, 4) boxes of the objects.
        topk: Cells of a level.

    Returns:
        Cells (G, K) int64, the IoU of their anchors with the object (G, K), and the threshold (G,).
    """
    centres, anchors = grid
    cell = nearest_cells(centres, levels, (truth[:, :2] + truth[:, 2:]) / 2, topk)
    overlap = pair_iou(anchors[cell], truth[:, None])
    return cell, overlap, overlap.mean(1) + overlap.std(1)


@torch.no_grad()
def assign_atss(
    boxes: Tensor,
    grid: tuple[Tensor, Tensor],
    levels: Sequence[int],
    objects: Objects,
    config: ATSSConfig,
) -> Assignment:
    """Pair objects with cells; the quality of a pair is the IoU of what the cell predicts (as in GFL).

    Args:
        boxes: (B, N, 4) predicted boxes, xyxy pixels; they decide the quality, not the pairs.
        grid: Centres (N, 2) of the cells, and their anchors (N, 4), xyxy pixels.
        levels: Cells of each level.
        objects: What is to be found.
        config: Constants.
    """
    if len(objects.boxes) == 0:
        return no_pairs(boxes)
    centres, truth = grid[0], objects.boxes
    cell, overlap, threshold = candidates(grid, levels, truth, config.topk)
    keep = (overlap >= threshold[:, None]) & inside(centres, truth, config.min_half).gather(1, cell)
    obj = torch.arange(len(truth), device=cell.device)[:, None].expand_as(cell)[keep]
    cell, overlap = cell[keep], overlap[keep]
    image = objects.image[obj]
    won = sole_owner(image * len(centres) + cell, obj, overlap, len(boxes) * len(centres))
    obj, cell, image = obj[won], cell[won], image[won]
    return Assignment(obj, cell, pair_iou(boxes[image, cell], truth[obj]))

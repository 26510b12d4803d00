"""The valuable localization region: cells too far from an object to find it, near enough to know its sides.

Zheng et al., "Localization Distillation for Dense Object Detection", CVPR 2022, section 3.3: a cell lies in
the region of an object if `share` x threshold <= DIoU of its anchor with the object < threshold, where the
threshold is the one that ATSS divides its candidates by.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.assigners.atss import ATSSConfig, candidates
from training.assigners.objects import Objects
from training.losses.boxes import pair_diou, pair_iou


@torch.no_grad()
def valuable_cells(
    shape: tuple[int, int],
    grid: tuple[Tensor, Tensor],
    levels: Sequence[int],
    objects: Objects,
    config: ATSSConfig,
    share: float,
) -> Tensor:
    """How much each cell's word about boxes is worth.

    Args:
        shape: Pictures B of the batch and cells N of each.
        grid: Centres (N, 2) of the cells, and their anchors (N, 4), xyxy pixels.
        levels: Cells of each level.
        objects: Whose sides are to be learnt.
        config: Constants of the threshold.
        share: Of the threshold, where the region begins.

    Returns:
        (B, N) float32: the IoU of the cell's anchor with the object in whose region it lies, the highest of
        several; 0 outside all regions.
    """
    anchors, truth = grid[1], objects.boxes
    worth = anchors.new_zeros(shape)
    if len(truth) == 0:
        return worth
    threshold = candidates(grid, levels, truth, config.topk)[2][:, None]
    near = pair_diou(anchors[None], truth[:, None])
    within = (near >= share * threshold) & (near < threshold)
    overlap = pair_iou(anchors[None], truth[:, None]) * within
    return worth.scatter_reduce_(0, objects.image[:, None].expand_as(overlap), overlap, "amax")

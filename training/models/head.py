"""GFL head: one tower shared by classes and boxes; a box is four distributions over 0..reg_max strides.

Li et al., "Generalized Focal Loss", NeurIPS 2020. The convolutions are shared by all levels, the batch norms
are not.
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from training.models.blocks import BN_EPS, BN_MOMENTUM, convolution

PRIOR = 0.01  # probability of a class in a cell before training


class GFLHead(nn.Module):
    """Maps to class logits and box distributions."""

    def __init__(self, width: int, kernel: int, depth: int, outputs: tuple[int, int], levels: int) -> None:
        """`depth`: separable convolutions of the tower; `outputs`: number of classes and reg_max."""
        super().__init__()
        classes, reg_max = outputs
        self.convs = nn.ModuleList(
            nn.ModuleList([convolution(width, width, kernel, 1, width), convolution(width, width)])
            for _ in range(depth)
        )
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm2d(width, BN_EPS, BN_MOMENTUM) for _ in range(2 * depth))
            for _ in range(levels)
        )
        self.out = nn.ModuleList(nn.Conv2d(width, classes + 4 * (reg_max + 1), 1) for _ in range(levels))
        for conv in self.out:
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)
            nn.init.constant_(conv.bias[:classes], -math.log(1 / PRIOR - 1))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, width, h, w) to raw outputs (B, classes + 4 (reg_max + 1), h, w), level by level."""
        out = []
        for norms, project, x in zip(self.norms, self.out, maps, strict=True):
            step = iter(norms)
            for pair in self.convs:
                for conv in pair:
                    x = F.relu(next(step)(conv(x)))
            out.append(project(x))
        return out

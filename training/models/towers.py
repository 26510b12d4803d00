"""Paper B's head: a tower of its own per level, GFL's distributions, and the quality branch of GFL v2.

Li et al. 2021, "Generalized Focal Loss V2", section 3.2: how sharp the four distributions are tells how well
the box will fit; a small network (DGQP) reads it.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.blocks import Separable
from training.models.head import PRIOR

TOP, HIDDEN = 4, 64  # highest probabilities of a side that are read; channels of the small network


class QualityPredictor(nn.Module):
    """DGQP: box distributions to the logit of how well the box fits."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(4 * (TOP + 1), HIDDEN, 1), nn.ReLU(inplace=True), nn.Conv2d(HIDDEN, 1, 1)
        )

    def forward(self, distributions: Tensor) -> Tensor:
        """Logits (B, 4 (reg_max + 1), h, w) to quality logits (B, 1, h, w)."""
        batch, _, height, width = distributions.shape
        share = distributions.reshape(batch, 4, -1, height, width).softmax(2)
        top = share.topk(TOP, dim=2).values
        read = torch.cat([top, top.mean(2, keepdim=True)], 2)
        out: Tensor = self.net(read.reshape(batch, -1, height, width))
        return out


class GFLTowers(nn.Module):
    """Maps to class logits and box distributions, and with `quality` one more channel for its logit."""

    def __init__(
        self,
        width: int,
        depth: int,
        outputs: tuple[int, int],
        *,
        levels: int = 3,
        quality: bool = False,
        act: str = "relu6",
    ) -> None:
        """`depth`: separable convolutions of a tower; `outputs`: number of classes and reg_max."""
        super().__init__()
        self.classes, self.reg_max = outputs
        self.towers = nn.ModuleList(
            nn.Sequential(*(Separable(width, width, kernel=3, act=act) for _ in range(depth)))
            for _ in range(levels)
        )
        self.out = nn.ModuleList(
            nn.Conv2d(width, self.classes + 4 * (self.reg_max + 1), 1) for _ in range(levels)
        )
        self.quality = nn.ModuleList(QualityPredictor() for _ in range(levels if quality else 0))
        for conv in self.out:
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)
            nn.init.constant_(conv.bias[: self.classes], -math.log(1 / PRIOR - 1))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, width, h, w) to raw outputs (B, classes + 4 (reg_max + 1) [+ 1], h, w)."""
        raw = [out(tower(x)) for tower, out, x in zip(self.towers, self.out, maps, strict=True)]
        if not self.quality:
            return raw
        return [
            torch.cat([x, judge(x[:, self.classes :])], 1) for judge, x in zip(self.quality, raw, strict=True)
        ]

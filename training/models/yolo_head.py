"""YOLOv3's head: per level a 3x3 convolution and a 1x1 to anchors x (4 box + 1 objectness + classes)."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from training.models.blocks import ConvBN, Separable
from training.models.head import PRIOR

FACTOR = math.sqrt(PRIOR)  # a score is the product of objectness and class


class YoloHead(nn.Module):
    """Maps to raw outputs, finest level first."""

    def __init__(
        self,
        widths: Sequence[int],
        classes: int,
        anchors: int,
        *,
        separable: bool = False,
        act: str = "leaky",
    ) -> None:
        """`widths`: of the maps; `separable`: the 3x3 convolution of the deepest level is separable."""
        super().__init__()
        deepest = len(widths) - 1
        self.wide = nn.ModuleList(
            Separable(width, 2 * width, kernel=3, act=act)
            if separable and level == deepest
            else ConvBN(width, 2 * width, kernel=3, act=act)
            for level, width in enumerate(widths)
        )
        self.out = nn.ModuleList(nn.Conv2d(2 * width, anchors * (5 + classes), 1) for width in widths)
        for conv in self.out:
            nn.init.normal_(conv.weight, std=0.01)
            bias = conv.bias.detach().view(anchors, 5 + classes)
            nn.init.zeros_(bias[:, :4])  # boxes begin as the anchors
            nn.init.constant_(bias[:, 4:], -math.log(1 / FACTOR - 1))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, widths[k], h, w) to raw outputs (B, anchors (5 + classes), h, w)."""
        return [out(wide(x)) for wide, out, x in zip(self.wide, self.out, maps, strict=True)]

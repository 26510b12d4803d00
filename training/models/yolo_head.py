"""YOLOv3's head: per level a 3x3 convolution and a 1x1 to anchors x (4 box + 1 objectness + classes)."""

from collections.abc import Sequence

from torch import Tensor, nn

from training.models.blocks import ConvBN, Separable


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

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, widths[k], h, w) to raw outputs (B, anchors (5 + classes), h, w)."""
        return [out(wide(x)) for wide, out, x in zip(self.wide, self.out, maps, strict=True)]

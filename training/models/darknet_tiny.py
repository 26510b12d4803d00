"""The backbone of YOLOv4-tiny: cross-stage partial blocks with half of the channels passed by.

Wang, Bochkovskiy and Liao 2021 (Scaled-YOLOv4), section 3.3; layers as in the authors' `yolov4-tiny.cfg`.
"""

import torch
from torch import Tensor, nn

from training.models.blocks import ConvBN

STAGES = (64, 128, 256)  # channels of the blocks at strides 4, 8, 16; each doubles them


class PartialBlock(nn.Module):
    """Half of the channels goes through three convolutions: (B, C, h, w) to (B, 2 C, h, w)."""

    def __init__(self, channels: int) -> None:
        """`channels`: of the map that comes in."""
        super().__init__()
        half = channels // 2
        self.enter = ConvBN(channels, channels, kernel=3, act="leaky")
        self.first = ConvBN(half, half, kernel=3, act="leaky")
        self.second = ConvBN(half, half, kernel=3, act="leaky")
        self.join = ConvBN(channels, channels, act="leaky")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's map, and the (B, C, h, w) that its last convolution gives: the neck's finer tap."""
        whole = self.enter(x)
        first = self.first(whole.chunk(2, 1)[1])
        joined = self.join(torch.cat([self.second(first), first], 1))
        return torch.cat([whole, joined], 1), joined


class DarknetTiny(nn.Module):
    """Two taps: 256 channels at stride 16, 512 at stride 32."""

    channels = (256, 512)

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.stem = nn.Sequential(
            ConvBN(3, 32, kernel=3, stride=2, act="leaky"), ConvBN(32, 64, kernel=3, stride=2, act="leaky")
        )
        self.blocks = nn.ModuleList(PartialBlock(channels) for channels in STAGES)
        self.last = ConvBN(512, 512, kernel=3, act="leaky")

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to (B, 256, H / 16, W / 16) and (B, 512, H / 32, W / 32)."""
        x, tap = self.stem(image), image
        for block in self.blocks:
            x, tap = block(x)
            x = nn.functional.max_pool2d(x, 2)
        return [tap, self.last(x)]

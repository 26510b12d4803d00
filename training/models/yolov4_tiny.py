"""YOLOv4-tiny: two levels, three anchors a cell; what paper A compares its size and speed with.

Wang, Bochkovskiy and Liao 2021 (Scaled-YOLOv4); layers as in the authors' `yolov4-tiny.cfg`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.models.blocks import ConvBN
from training.models.darknet_tiny import DarknetTiny
from training.models.neck import upsample

ANCHORS = 3  # a cell
WIDTHS = (256, 512)  # of the maps that are read, at strides 16 and 32


class TinyNeck(nn.Module):
    """Two taps to two maps; the deeper one is taken up once."""

    def __init__(self, channels: Sequence[int]) -> None:
        """`channels`: of the taps at strides 16 and 32."""
        super().__init__()
        c16, c32 = channels
        self.reduce = ConvBN(c32, 256, act="leaky")
        self.deep = ConvBN(256, WIDTHS[1], kernel=3, act="leaky")
        self.up = ConvBN(256, 128, act="leaky")
        self.fine = ConvBN(128 + c16, WIDTHS[0], kernel=3, act="leaky")

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], h, w) to (B, 256, H / 16, W / 16) and (B, 512, H / 32, W / 32)."""
        tap16, tap32 = taps
        narrow = self.reduce(tap32)
        joined = torch.cat([upsample(self.up(narrow)), tap16], 1)
        return [self.fine(joined), self.deep(narrow)]


class TinyHead(nn.Module):
    """A 1x1 convolution a level: (B, 256 | 512, h, w) to (B, 3 (5 + classes), h, w)."""

    def __init__(self, classes: int) -> None:
        """Random weights."""
        super().__init__()
        self.out = nn.ModuleList(nn.Conv2d(width, ANCHORS * (5 + classes), 1) for width in WIDTHS)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """See the class."""
        return [out(x) for out, x in zip(self.out, maps, strict=True)]


class YoloV4Tiny(nn.Module):
    """Image to raw outputs of two levels; built to be counted and timed, not trained here."""

    def __init__(self, classes: int) -> None:
        """Random weights."""
        super().__init__()
        self.backbone = DarknetTiny()
        self.neck = TinyNeck(self.backbone.channels)
        self.head = TinyHead(classes)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to raw (B, 3 (5 + classes), H / s, W / s) at strides 16 and 32."""
        raw: list[Tensor] = self.head(self.neck(self.backbone(image)))
        return raw

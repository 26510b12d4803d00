"""Path aggregation network: top-down and bottom-up over strides 8, 16, 32 and an added 64."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models.blocks import ConvBN, Separable


class Merge(nn.Module):
    """Joins two maps (B, W, h, w): 1x1 on the concatenation, then a residual separable convolution."""

    def __init__(self, width: int, kernel: int) -> None:
        """`width`: channels; `kernel`: of the depthwise convolution."""
        super().__init__()
        self.reduce = ConvBN(2 * width, width)
        self.mix = Separable(width, width, kernel=kernel, last=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two maps of one size to one."""
        x = self.reduce(torch.cat([a, b], 1))
        return F.relu(x + self.mix(x))


def upsample(x: Tensor) -> Tensor:
    """Nearest-neighbour x2 of (B, C, h, w)."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class PAN(nn.Module):
    """Three taps to four maps of `width` channels at strides 8, 16, 32, 64; inputs are multiples of 32."""

    def __init__(self, width: int, kernel: int, channels: Sequence[int]) -> None:
        """`channels`: of the taps at strides 8, 16, 32."""
        super().__init__()
        self.lateral = nn.ModuleList(ConvBN(c, width) for c in channels)
        self.extra = Separable(width, width, kernel=kernel, stride=2)
        self.top_down = nn.ModuleList(Merge(width, kernel) for _ in range(2))
        self.down = nn.ModuleList(Separable(width, width, kernel=kernel, stride=2) for _ in range(3))
        self.bottom_up = nn.ModuleList(Merge(width, kernel) for _ in range(3))

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], H / 2^(3 + k), …) to maps (B, width, H / 8, …) … (B, width, H / 64, …)."""
        p8, p16, p32 = (lateral(tap) for lateral, tap in zip(self.lateral, taps, strict=True))
        p64 = self.extra(p32)
        p16 = self.top_down[0](p16, upsample(p32))
        p8 = self.top_down[1](p8, upsample(p16))
        out = [p8]
        for deeper, down, merge in zip((p16, p32, p64), self.down, self.bottom_up, strict=True):
            out.append(merge(deeper, down(out[-1])))
        return out

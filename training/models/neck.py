"""Path aggregation network: top-down and bottom-up over strides 8, 16, 32 and, if wanted, an added 64."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models.activations import activation
from training.models.blocks import ConvBN, Separable


class Merge(nn.Module):
    """Joins two maps (B, W, h, w): 1x1 on the concatenation, then a residual separable convolution."""

    def __init__(self, width: int, kernel: int, act: str) -> None:
        """`width`: channels; `kernel`: of the depthwise convolution."""
        super().__init__()
        self.reduce = ConvBN(2 * width, width, act=act)
        self.mix = Separable(width, width, kernel=kernel, act=act, last=False)
        self.act = activation(act)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two maps of one size to one."""
        x = self.reduce(torch.cat([a, b], 1))
        out: Tensor = self.act(x + self.mix(x))
        return out


def upsample(x: Tensor) -> Tensor:
    """Nearest-neighbour x2 of (B, C, h, w)."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class PAN(nn.Module):
    """Three taps to maps of `width` channels at strides 8, 16, 32 and, with four levels, 64.

    Inputs are multiples of 32.
    """

    def __init__(
        self, width: int, kernel: int, channels: Sequence[int], *, levels: int = 4, act: str = "relu"
    ) -> None:
        """`channels`: of the taps at strides 8, 16, 32; `levels`: 3 or 4."""
        super().__init__()
        self.lateral = nn.ModuleList(ConvBN(c, width, act=act) for c in channels)
        fourth = levels > len(channels)
        self.extra = Separable(width, width, kernel=kernel, stride=2, act=act) if fourth else None
        self.top_down = nn.ModuleList(Merge(width, kernel, act) for _ in range(2))
        self.down = nn.ModuleList(
            Separable(width, width, kernel=kernel, stride=2, act=act) for _ in range(levels - 1)
        )
        self.bottom_up = nn.ModuleList(Merge(width, kernel, act) for _ in range(levels - 1))

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], H / 2^(3 + k), …) to maps (B, width, H / 2^(3 + k), …)."""
        p8, p16, p32 = (lateral(tap) for lateral, tap in zip(self.lateral, taps, strict=True))
        deeper = [p32, self.extra(p32)] if self.extra else [p32]
        p16 = self.top_down[0](p16, upsample(p32))
        p8 = self.top_down[1](p8, upsample(p16))
        out = [p8]
        for level, down, merge in zip((p16, *deeper), self.down, self.bottom_up, strict=True):
            out.append(merge(level, down(out[-1])))
        return out

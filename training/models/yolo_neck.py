"""Paper A's neck: YOLOv3's with halved widths, a global-average-pooling branch, one more upsampling.

Redmon and Farhadi 2018 for the five convolutions a scale; the additions are paper A's.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models.blocks import ConvBN, Separable
from training.models.neck import upsample


def five(cin: int, width: int, act: str, *, separable: bool = False) -> nn.Sequential:
    """1x1 and 3x3 by turns, narrow and twice as wide: (B, cin, h, w) to (B, width, h, w)."""

    def wide() -> nn.Module:
        if separable:
            return Separable(width, 2 * width, kernel=3, act=act)
        return ConvBN(width, 2 * width, kernel=3, act=act)

    return nn.Sequential(
        ConvBN(cin, width, act=act),
        wide(),
        ConvBN(2 * width, width, act=act),
        wide(),
        ConvBN(2 * width, width, act=act),
    )


class PooledContext(nn.Module):
    """Global average pooling, 1x1, added to every place of the map: (B, C, h, w) to the same."""

    def __init__(self, channels: int, act: str) -> None:
        """`channels`: of the map."""
        super().__init__()
        self.mix = ConvBN(channels, channels, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """See the class. The average of a 1x1 map is that map, so inputs of any size will do."""
        return x + self.mix(x.mean((2, 3), keepdim=True))


class YoloNeck(nn.Module):
    """Three taps to three maps at strides 8, 16 and 32."""

    def __init__(
        self,
        channels: Sequence[int],
        widths: Sequence[int],
        *,
        separable: bool = False,
        pooled: bool = True,
        extra: bool = True,
        act: str = "leaky",
    ) -> None:
        """Put the parts together.

        Args:
            channels: Of the taps at strides 8, 16, 32.
            widths: Of the maps at strides 8, 16, 32.
            separable: Separable convolutions in the deepest stage.
            pooled: The global-average-pooling branch on the deepest tap.
            extra: The further path from the deepest map straight into stride 8.
            act: Activation.
        """
        super().__init__()
        (c8, c16, c32), (w8, w16, w32) = channels, widths
        self.context = PooledContext(c32, act) if pooled else nn.Identity()
        self.deep = five(c32, w32, act, separable=separable)
        self.up16 = ConvBN(w32, w16, act=act)
        self.middle = five(c16 + w16, w16, act)
        self.up8 = ConvBN(w16, w8, act=act)
        self.extra = ConvBN(w32, w8, act=act) if extra else None
        self.fine = five(c8 + w8 * (2 if extra else 1), w8, act)

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], H / 2^(3 + k), …) to maps (B, widths[k], H / 2^(3 + k), …)."""
        tap8, tap16, tap32 = taps
        p32 = self.deep(self.context(tap32))
        p16 = self.middle(torch.cat([tap16, upsample(self.up16(p32))], 1))
        joined = [tap8, upsample(self.up8(p16))]
        if self.extra is not None:
            joined.append(F.interpolate(self.extra(p32), scale_factor=4.0, mode="nearest"))
        return [self.fine(torch.cat(joined, 1)), p16, p32]

"""Paper B's "modified PAN": laterals and sums, without further convolutions."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from training.models.blocks import ConvBN


def resized(x: Tensor, factor: float) -> Tensor:
    """(B, C, h, w) bilinearly to (B, C, h factor, w factor)."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class AdditivePAN(nn.Module):
    """Three taps to three maps of one width at strides 8, 16 and 32; inputs are multiples of 32."""

    def __init__(self, width: int, channels: Sequence[int]) -> None:
        """`channels`: of the taps at strides 8, 16, 32."""
        super().__init__()
        self.lateral = nn.ModuleList(ConvBN(c, width, act=None) for c in channels)

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], H / 2^(3 + k), …) to maps (B, width, H / 2^(3 + k), …)."""
        p8, p16, p32 = (lateral(tap) for lateral, tap in zip(self.lateral, taps, strict=True))
        p16 = p16 + resized(p32, 2.0)
        p8 = p8 + resized(p16, 2.0)
        n16 = p16 + resized(p8, 0.5)
        return [p8, n16, p32 + resized(n16, 0.5)]

"""Features that imitate those of another network: 1x1 convolutions from our taps to its channels.

Romero et al. 2015, "FitNets": a thin network learns best from a wide one through such a layer, which is
thrown away afterwards.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class Adapters(nn.Module):
    """Taps to maps of other channels, level by level."""

    def __init__(self, channels: Sequence[int], wanted: Sequence[int]) -> None:
        """`channels`: of our taps; `wanted`: of the imitated ones."""
        super().__init__()
        self.out = nn.ModuleList(
            nn.Conv2d(own, theirs, 1) for own, theirs in zip(channels, wanted, strict=True)
        )

    def forward(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps (B, channels[k], h, w) to maps (B, wanted[k], h, w)."""
        return [out(tap) for out, tap in zip(self.out, taps, strict=True)]

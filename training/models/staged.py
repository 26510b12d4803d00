"""What backbones of the papers have in common: a chain of layers with three taps."""

from collections.abc import Sequence

from torch import Tensor, nn


class StagedBackbone(nn.Module):
    """A chain of layers; the outputs of three of them are handed to the neck.

    Attributes:
        channels: Of the taps at strides 8, 16 and 32.
        started: First layers that a MobileNet's public start fits.
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        taps: tuple[int, int, int],
        channels: Sequence[int],
        started: int | None = None,
    ) -> None:
        """`taps`: numbers of the layers whose outputs are handed on; `started`: None: all layers."""
        super().__init__()
        self.started = len(layers) if started is None else started
        self.layers = nn.ModuleList(layers)
        self._taps = taps
        self.channels = tuple(channels)

    def low(self, image: Tensor) -> Tensor:
        """Image (B, 3, H, W) to the stride-8 tap (B, channels[0], H / 8, W / 8)."""
        x = image
        for layer in self.layers[: self._taps[0] + 1]:
            x = layer(x)
        return x

    def high(self, tap8: Tensor) -> list[Tensor]:
        """Stride-8 tap to the taps at strides 16 and 32, (B, channels[k], H / 2^(3 + k), W / 2^(3 + k))."""
        x, out = tap8, []
        for number, layer in enumerate(self.layers[self._taps[0] + 1 :], self._taps[0] + 1):
            x = layer(x)
            if number in self._taps:
                out.append(x)
        return out

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """Its layers up to stride 8, and those above."""
        first = self._taps[0] + 1
        return list(self.layers[:first]), list(self.layers[first:])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to the three taps."""
        tap8 = self.low(image)
        return [tap8, *self.high(tap8)]

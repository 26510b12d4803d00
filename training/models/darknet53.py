"""Darknet-53, YOLOv3's backbone: what paper A compares its size and speed with.

Redmon and Farhadi 2018, table 1, without the classifier: a stem and five stages, each a convolution of stride
2 and so many residual blocks.
"""

from torch import Tensor, nn

from training.models.blocks import ConvBN, scaled
from training.models.staged import StagedBackbone

STEM = 32
STAGES = ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4))  # channels, residual blocks


class Residual(nn.Module):
    """1x1 to half the channels and 3x3 back, added: (B, C, h, w) to the same."""

    def __init__(self, channels: int) -> None:
        """`channels`: of the map."""
        super().__init__()
        self.narrow = ConvBN(channels, channels // 2, act="leaky")
        self.wide = ConvBN(channels // 2, channels, kernel=3, act="leaky")

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x + self.wide(self.narrow(x))


class Darknet53(StagedBackbone):
    """Taps of 256, 512 and 1024 channels x `width` at strides 8, 16 and 32."""

    def __init__(self, width: float = 1.0) -> None:
        """`width`: multiplier of all channels. Raises ConfigError."""
        cin = scaled(STEM, width)
        layers: list[nn.Module] = [ConvBN(3, cin, kernel=3, act="leaky")]
        ends = []
        for channels, blocks in STAGES:
            cout = scaled(channels, width)
            layers += [
                ConvBN(cin, cout, kernel=3, stride=2, act="leaky"),
                *(Residual(cout) for _ in range(blocks)),
            ]
            ends.append(len(layers) - 1)
            cin = cout
        channels_out = [scaled(channels, width) for channels, _ in STAGES[2:]]
        super().__init__(layers, (ends[2], ends[3], ends[4]), channels_out, started=0)

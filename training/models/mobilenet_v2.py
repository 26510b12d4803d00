"""MobileNetV2 with a width multiplier (Sandler et al. 2018, table 2), without its last convolution.

With batch norm, as the paper has it; `backbone.py` holds the form of the public detection-tuned starts.
"""

from torch import nn

from training.models.blocks import Bottleneck, ConvBN, rounded
from training.models.staged import StagedBackbone

STEM = 32
STAGES = (  # (expansion, channels, repeats, stride)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
TAPS = (6, 13, 17)  # the stem is layer 0


class MobileNetV2(StagedBackbone):
    """Taps of 32, 96 and 320 channels times the width."""

    def __init__(self, width: float = 1.0, act: str = "relu6") -> None:
        """Random weights. Any width will do: channels are rounded to multiples of eight, as in the paper."""
        cin = rounded(STEM, width)
        layers: list[nn.Module] = [ConvBN(3, cin, kernel=3, stride=2, act=act)]
        for expansion, channels, repeats, stride in STAGES:
            cout = rounded(channels, width)
            for k in range(repeats):
                step = stride if k == 0 else 1
                layers.append(Bottleneck(cin, cout, expansion=expansion, stride=step, act=act))
                cin = cout
        super().__init__(layers, TAPS, [rounded(channels, width) for channels in (32, 96, 320)])

"""EfficientNet-Lite0 to 2 (Google 2020; stages of Tan and Le 2019, table 1), without the last convolution.

No squeeze-and-excitation; stem, first and last stage keep their size whatever the multipliers.
"""

import math

from torch import nn

from training.errors import ConfigError
from training.models.blocks import Bottleneck, ConvBN, rounded
from training.models.staged import StagedBackbone

STEM = 32
STAGES = (  # (expansion, kernel, repeats, channels, stride)
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 3, 80, 2),
    (6, 5, 3, 112, 1),
    (6, 5, 4, 192, 2),
    (6, 3, 1, 320, 1),
)
VARIANTS = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # multipliers of width and depth
TAPPED = (2, 4, 6)  # stages whose outputs are handed on
STARTED = 4  # stem, first stage and two blocks of the second have MobileNetV2's shapes (width 1.0)


class EfficientNetLite(StagedBackbone):
    """Taps of 40, 112 and 320 channels (Lite2: 48, 120, 352)."""

    def __init__(self, variant: int = 0, act: str = "relu6") -> None:
        """Random weights. Raises ConfigError for a variant that there is not."""
        if variant not in VARIANTS:
            raise ConfigError(f"EfficientNet-Lite{variant} is not built here: choose 0, 1 or 2")
        width, depth = VARIANTS[variant]
        layers: list[nn.Module] = [ConvBN(3, STEM, kernel=3, stride=2, act=act)]
        cin, taps, sizes = STEM, [], []
        for number, (expansion, kernel, repeats, channels, stride) in enumerate(STAGES):
            cout = rounded(channels, width)
            fixed = number in (0, len(STAGES) - 1)
            for k in range(repeats if fixed else math.ceil(repeats * depth)):
                step = stride if k == 0 else 1
                layers.append(Bottleneck(cin, cout, expansion=expansion, kernel=kernel, stride=step, act=act))
                cin = cout
            if number in TAPPED:
                taps.append(len(layers) - 1)
                sizes.append(cout)
        super().__init__(layers, (taps[0], taps[1], taps[2]), sizes, STARTED)

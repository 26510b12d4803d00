"""MobileNetV1 with a width multiplier (Howard et al. 2017, table 1), without its classifier."""

from training.models.blocks import ConvBN, Separable, scaled
from training.models.staged import StagedBackbone

STEM = 32
LAYERS = (  # (channels, stride) of the separable convolutions
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
TAPS = (5, 11, 13)  # the stem is layer 0


class MobileNetV1(StagedBackbone):
    """Taps of 256, 512 and 1024 channels times the width."""

    def __init__(self, width: float = 1.0, act: str = "relu6") -> None:
        """Random weights. Raises ConfigError where the width leaves channels that eight does not divide."""
        cin = scaled(STEM, width)
        layers: list[ConvBN | Separable] = [ConvBN(3, cin, kernel=3, stride=2, act=act)]
        for channels, stride in LAYERS:
            cout = scaled(channels, width)
            layers.append(Separable(cin, cout, kernel=3, stride=stride, act=act))
            cin = cout
        super().__init__(layers, TAPS, [scaled(channels, width) for channels in (256, 512, 1024)])

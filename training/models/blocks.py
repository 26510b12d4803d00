"""Small blocks that the networks share: convolution with batch norm, separable convolution, bottleneck."""

from torch import Tensor, nn

from training.errors import ConfigError
from training.models.activations import activation
from training.models.depthwise import Depthwise
from training.models.shapes import MULTIPLE

BN_MOMENTUM, BN_EPS = 0.03, 1e-3


def convolution(cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias, padded by half its kernel; depthwise ones get fast gradients."""
    if groups == cin == cout and kernel > 1:
        return Depthwise(cin, kernel, stride)
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)


def scaled(channels: int, width: float) -> int:
    """Channels times a width multiplier.

    Raises:
        ConfigError: That is no multiple of eight.
    """
    exact = channels * width
    if exact < MULTIPLE or exact % MULTIPLE:
        raise ConfigError(
            f"width {width:g} leaves {exact:g} of {channels} channels, which eight does not divide: "
            "choose a width such as 0.25, 0.5, 0.75 or 1"
        )
    return int(exact)


def rounded(channels: int, width: float) -> int:
    """Channels times a width multiplier, to the nearest multiple of eight, never below nine tenths of it.

    >>> rounded(24, 0.75), rounded(80, 1.1)
    (24, 88)

    Raises:
        ConfigError: The width is not above zero.
    """
    if width <= 0:
        raise ConfigError(f"width is {width:g}, expected a factor above 0 such as 0.5, 0.75 or 1")
    exact = channels * width
    whole = max(MULTIPLE, int(exact + MULTIPLE / 2) // MULTIPLE * MULTIPLE)
    return whole + MULTIPLE if whole < 0.9 * exact else whole


class ConvBN(nn.Sequential):
    """Convolution, batch norm, activation: (B, cin, H, W) to (B, cout, H / stride, W / stride)."""

    def __init__(
        self,
        cin: int,
        cout: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: str | None = "relu",
    ) -> None:
        """`act`: name of the activation that follows; None: none does."""
        layers = [convolution(cin, cout, kernel, stride, groups), nn.BatchNorm2d(cout, BN_EPS, BN_MOMENTUM)]
        super().__init__(*layers, *([activation(act)] if act else []))


class Separable(nn.Sequential):
    """Depthwise k x k, then 1x1: (B, cin, H, W) to (B, cout, H / stride, W / stride)."""

    def __init__(
        self, cin: int, cout: int, *, kernel: int, stride: int = 1, act: str = "relu", last: bool = True
    ) -> None:
        """`act` follows the depthwise convolution, and with `last` the 1x1 as well."""
        super().__init__(
            ConvBN(cin, cin, kernel=kernel, stride=stride, groups=cin, act=act),
            ConvBN(cin, cout, act=act if last else None),
        )


class Bottleneck(nn.Module):
    """Inverted residual of MobileNetV2: expand 1x1, depthwise k x k, project 1x1 without activation."""

    def __init__(
        self, cin: int, cout: int, *, expansion: int, kernel: int = 3, stride: int = 1, act: str = "relu6"
    ) -> None:
        """With an `expansion` of 1 there is no first convolution."""
        super().__init__()
        mid = cin * expansion
        self.expand = ConvBN(cin, mid, act=act) if expansion > 1 else nn.Identity()
        self.depth = ConvBN(mid, mid, kernel=kernel, stride=stride, groups=mid, act=act)
        self.project = ConvBN(mid, cout, act=None)
        self.add = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        """(B, cin, H, W) to (B, cout, H / stride, W / stride)."""
        y: Tensor = self.project(self.depth(self.expand(x)))
        return x + y if self.add else y

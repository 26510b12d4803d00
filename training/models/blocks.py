"""Small blocks that neck and head share: convolution with batch norm, depthwise-separable convolution."""

from torch import nn

from training.models.depthwise import Depthwise

BN_MOMENTUM, BN_EPS = 0.03, 1e-3


def convolution(cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias, padded by half its kernel; depthwise ones get fast gradients."""
    if groups == cin == cout and kernel > 1:
        return Depthwise(cin, kernel, stride)
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)


class ConvBN(nn.Sequential):
    """Convolution, batch norm and, if wanted, ReLU: (B, cin, H, W) to (B, cout, H / stride, W / stride)."""

    def __init__(
        self, cin: int, cout: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True
    ) -> None:
        """`act`: whether a ReLU follows."""
        layers = [convolution(cin, cout, kernel, stride, groups), nn.BatchNorm2d(cout, BN_EPS, BN_MOMENTUM)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if act else []))


class Separable(nn.Sequential):
    """Depthwise k x k with ReLU, then 1x1: (B, cin, H, W) to (B, cout, H / stride, W / stride)."""

    def __init__(self, cin: int, cout: int, *, kernel: int, stride: int = 1, act: bool = True) -> None:
        """`act`: whether a ReLU follows the 1x1."""
        super().__init__(
            ConvBN(cin, cin, kernel=kernel, stride=stride, groups=cin),
            ConvBN(cin, cout, act=act),
        )

"""Activations by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from training.errors import ConfigError

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": lambda: nn.ReLU(inplace=True),
        "relu6": lambda: nn.ReLU6(inplace=True),
        "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),  # YOLO's slope
        "silu": lambda: nn.SiLU(inplace=True),
        "mish": lambda: nn.Mish(inplace=True),
        "hswish": lambda: nn.Hardswish(inplace=True),
    }
)

# what int8 runtimes compute together with the convolution before it; others are slower than in float32
FUSED = ("relu", "relu6")


def activation(name: str) -> nn.Module:
    """A new activation layer.

    Raises:
        ConfigError: There is none of this name.
    """
    make = ACTIVATIONS.get(name)
    if make is None:
        raise ConfigError(f"activation {name!r} is unknown: choose one of {', '.join(ACTIVATIONS)}")
    return make()

"""How large a network is, and how much it computes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a network costs.

    Attributes:
        parameters: Of all parts; batch norms with weight and bias, without their running figures.
        parts: The same by part: backbone, neck, head.
        gflops: 1e9 floating-point operations for one picture; a multiplication and an addition are two.
    """

    parameters: int
    parts: dict[str, int]
    gflops: float

    @property
    def mb(self) -> float:
        """10^6 bytes in float32."""
        return self.parameters * 4 / 1e6


def parameters_of(module: nn.Module) -> int:
    """Number of values that are learnt."""
    return sum(p.numel() for p in module.parameters())


def size_of(network: nn.Module, side: int) -> Size:
    """What a network costs for a square picture of `side` pixels; it is only counted, not computed."""
    on_meta = network.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(Tensor(1, 3, side, side).to("meta"))
    return Size(
        parameters=parameters_of(on_meta),
        parts={name: parameters_of(part) for name, part in on_meta.named_children()},
        gflops=counter.get_total_flops() / 1e9,
    )

"""The 2:4 pattern: of every four weights along the input dimension at most two are not zero.

Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", section 3.1: the tensor cores of NVIDIA's
Ampere and later GPUs skip the two zeros. A convolution is a matrix product for each place of its kernel, so
groups run along the input channels. docs/adr/0027 says why this is not torch's `WeightNormSparsifier`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.errors import ConfigError

PATTERN = "2:4"
KEPT, GROUP = 2, 4


@dataclass(frozen=True, kw_only=True)
class SparsityConfig:
    """Which weights are held to the pattern: dense convolutions of fitting size, never depthwise ones.

    Attributes:
        outputs: Their output channels are a multiple of it.
        inputs: So are their input channels of this, itself a multiple of four.
    """

    outputs: int = 8
    inputs: int = 16

    def __post_init__(self) -> None:
        """Check the multiples."""
        if self.outputs < 1 or self.inputs < GROUP or self.inputs % GROUP:
            raise ConfigError(
                f"sparse: outputs must be 1 or more and inputs a multiple of {GROUP}, got {self}"
            )


def is_eligible(shape: Sequence[int], config: SparsityConfig) -> bool:
    """Whether a weight (out, in / groups, h, w) can be held; of a depthwise one the second is 1."""
    return len(shape) == 4 and shape[0] % config.outputs == 0 and shape[1] % config.inputs == 0


def eligible_weights(model: nn.Module, config: SparsityConfig) -> dict[str, nn.Parameter]:
    """The weights of a model that are held, by name."""
    return {name: p for name, p in model.named_parameters() if is_eligible(p.shape, config)}


def fours(weight: Tensor) -> Tensor:
    """A weight (out, in, h, w) as its groups (out, h, w, in / 4, 4)."""
    last = weight.movedim(1, -1)
    return last.reshape(*last.shape[:-1], -1, GROUP)


def largest_two(weight: Tensor) -> Tensor:
    """Mask of a weight (out, in, h, w), bool: the two largest magnitudes of each four; of equals the first.

    The choice among equal ones is the same on every device, so processes that hold the same weights agree.
    """
    groups = fours(weight.detach().abs())
    best = groups.argsort(dim=-1, descending=True, stable=True)[..., :KEPT]
    kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, best, True)
    return kept.flatten(-2).movedim(-1, 1).contiguous()


def broken_groups(weight: Tensor) -> int:
    """How many groups of a weight (out, in, h, w) hold more than two values that are not zero."""
    return int(((fours(weight) != 0).sum(-1) > KEPT).sum())

"""Imitation of features: which share of the other network's variance is still missing."""

from dataclasses import dataclass

from torch import Tensor

from training.losses.targets import Targets
from training.together import variance

EPSILON = 1e-6  # of a variance; silent channels do not count


@dataclass(frozen=True, kw_only=True)
class ImitationLossConfig:
    """Weights of the levels.

    Attributes:
        weights: Of the taps at strides 8, 16, 32.
    """

    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Imitation:
    """Squared error of each channel over its variance in the batch: 1 says nothing is known, 0 all."""

    def __init__(self, config: ImitationLossConfig) -> None:
        """`config`: see there."""
        self.config = config

    def __call__(self, raw: Tensor, targets: Targets, assigner: str = "") -> dict[str, Tensor]:
        """Weighted losses by name; train on their sum.

        Args:
            raw: (B, M) float32, as `MapReading.flatten` returns it.
            targets: With the taps to imitate.
            assigner: Not asked.
        """
        parts = raw.split([tap[0].numel() for tap in targets.taps], 1)
        losses = {}
        for k, (part, tap, weight) in enumerate(zip(parts, targets.taps, self.config.weights, strict=True)):
            error = (part.view_as(tap) - tap).square().mean((0, 2, 3))
            share = error / (variance(tap) + EPSILON)
            losses[f"imitate_{8 * 2**k}"] = weight * share.mean()
        return losses

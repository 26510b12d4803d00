"""The masks of a stage: made once when it begins, held in every step, kept in its checkpoints."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.errors import CheckpointError
from training.sparsity.pattern import (
    PATTERN,
    SparsityConfig,
    broken_groups,
    eligible_weights,
    largest_two,
)

ANEW = "train into another --out, or remove the stage's folder to prune its start anew"


class Masks:
    """Which weights of a model are not zero; without a configuration there are none, and nothing is done.

    Averages of masked weights (the EMA, several processes) keep the pattern by themselves: a mean of zeros is
    zero.
    """

    def __init__(self, model: nn.Module, config: SparsityConfig | None, where: str) -> None:
        """Prune a model by the magnitude of its weights, in place; `where`: the stage, for messages."""
        self.where = where
        self.weights = eligible_weights(model, config) if config else {}
        self.kept = {name: largest_two(weight) for name, weight in self.weights.items()}
        self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        """Set the weights that are masked to zero; after every step of the optimizer."""
        for name, weight in self.weights.items():
            weight.masked_fill_(~self.kept[name], 0.0)

    @torch.no_grad()
    def hold_gradients(self) -> None:
        """Let nothing pull at masked weights: neither the clipped length nor momentum shall see it."""
        for name, weight in self.weights.items():
            if weight.grad is not None:
                weight.grad.masked_fill_(~self.kept[name], 0.0)

    def told(self) -> dict[str, str]:
        """What a file of these weights says about them."""
        return {"sparsity": PATTERN} if self.weights else {}

    def state_dict(self) -> dict[str, Tensor]:
        """The masks by the names of their weights, bool."""
        return self.kept

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the masks of a checkpoint.

        Raises:
            CheckpointError: They are of other layers, missing, or no 2:4 masks.
        """
        wrong = [f"{name} has no mask" for name in self.kept if name not in state]
        wrong += [f"{name} has a mask, but is not held" for name in state if name not in self.kept]
        for name, mask in state.items():
            if name not in self.kept:
                continue
            if mask.shape != self.kept[name].shape:
                wrong.append(f"the mask of {name} is {tuple(mask.shape)}, not {tuple(self.kept[name].shape)}")
            elif broken_groups(mask):
                wrong.append(f"the mask of {name} keeps more than two of four")
        if wrong:
            raise CheckpointError(
                f"{self.where}: the checkpoint's masks are of another run: {wrong[0]} "
                f"({len(wrong)} differ); {ANEW}"
            )
        self.kept = {name: state[name].to(weight.device) for name, weight in self.weights.items()}

    def check(self, model: nn.Module, what: str) -> None:
        """Check that a model obeys the masks.

        Raises:
            CheckpointError: A masked weight is not zero.
        """
        there = dict(model.named_parameters())
        broken = {name: int((there[name][~kept] != 0).sum()) for name, kept in self.kept.items()}
        wrong = [name for name, count in broken.items() if count]
        if wrong:
            raise CheckpointError(
                f"{self.where}: the checkpoint's {what} break its masks: {broken[wrong[0]]} masked values of "
                f"{wrong[0]} are not zero ({len(wrong)} layers): the files were changed; {ANEW}"
            )

"""Exponential moving average of weights and batch-norm statistics."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class Ema:
    """Averages of tensors that change in place; young averages follow faster."""

    def __init__(self, tensors: Sequence[Tensor], decay: float) -> None:
        """`tensors`: what is followed; starts as a copy of it."""
        self.live, self.decay, self.updates = list(tensors), decay, 0
        self.mean = [t.detach().clone() for t in tensors]

    def update(self) -> None:
        """Move towards the present values: keep min(decay, (1 + n) / (10 + n)) of the average."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.mean, [t.detach() for t in self.live], 1 - keep)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The tensors hold their averages inside the block."""
        kept = [t.detach().clone() for t in self.live]
        torch._foreach_copy_([t.detach() for t in self.live], self.mean)
        try:
            yield
        finally:
            torch._foreach_copy_([t.detach() for t in self.live], kept)

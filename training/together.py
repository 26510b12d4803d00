"""Sums over the processes that share every batch (`engine.group`); alone, each is what goes in.

Losses, norms and starts look at a whole batch. Where every process has a part of it, they ask here. torch
knows the processes by itself: a process belongs to one group or to none.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

from training.errors import TrainingError


def ranks() -> int:
    """Processes that share every batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@contextmanager
def reaching_others() -> Iterator[None]:
    """Say in a sentence what went wrong when the other processes do not answer.

    Raises:
        TrainingError: They ended, or took longer than the group waits.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise TrainingError(
            f"process {dist.get_rank()} does not reach the others: one of them has ended, then its message "
            f"says why, or hangs ({reason})"
        ) from error


def summed(x: Tensor) -> Tensor:
    """The sum of every process's tensor; no gradients."""
    if ranks() == 1:
        return x.detach()
    total = x.detach().clone(memory_format=torch.contiguous_format)
    with reaching_others():
        dist.all_reduce(total)
    return total


def whole(x: Tensor) -> Tensor:
    """Every process's part (B, …) of a batch, one after the other: (ranks B, …)."""
    if ranks() == 1:
        return x
    parts = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(ranks())]
    with reaching_others():
        dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def normaliser(total: Tensor, least: float = 1.0) -> Tensor:
    """What a sum over this process's part of a batch is divided by.

    Args:
        total: This part's sum of weights; no gradients.
        least: The divisor of a whole batch is never below.

    Returns:
        The whole batch's sum over the number of processes: the mean of all processes' losses is then the loss
        of the whole batch, and so are the gradients' means.
    """
    return summed(total).clamp(min=least) / ranks()


def variance(x: Tensor) -> Tensor:
    """Variance (C,) of each channel of (B, C, h, w) over the whole batch; no gradients."""
    spread, centre = x.detach().var((0, 2, 3), correction=0), x.detach().mean((0, 2, 3))
    if ranks() == 1:
        return spread
    squares, mean = summed(torch.stack([spread + centre.square(), centre])) / ranks()
    return squares - mean.square()

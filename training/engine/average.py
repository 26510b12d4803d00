"""Processes that train together: how their weights stay close, or the same (`training.engine.group`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from training.engine.group import Group, Reducer


class Meeting:
    """Shared memory and barrier of all processes; give the same object to each of them."""

    def __init__(self, processes: int, numbers: int) -> None:
        """`numbers`: float32 values that every process brings."""
        import torch.multiprocessing as mp  # spawns a resource tracker

        self.processes = processes
        self.table = torch.zeros(processes, numbers).share_memory_()
        self.message = torch.zeros(1, dtype=torch.float64).share_memory_()
        self.barrier: Any = mp.get_context("spawn").Barrier(processes)


@dataclass(frozen=True)
class Seat:
    """Place of a process among those that train together.

    Attributes:
        rank: 0 logs and saves.
        meeting: Shared by all that average their weights, or None.
        group: Of those that share every batch, or None.
    """

    rank: int = 0
    meeting: Meeting | None = None
    group: Group | None = None

    @property
    def ranks(self) -> int:
        """Number of processes."""
        if self.group:
            return self.group.ranks
        return self.meeting.processes if self.meeting else 1

    def partners(self, tensors: Sequence[Tensor]) -> "Partners":
        """The others, for the trainer of these tensors."""
        return Reducer(tensors, self.group) if self.group else Averager(tensors, self.rank, self.meeting)


class Partners(Protocol):
    """What a trainer asks of the processes that it trains with.

    Attributes:
        rank: Of this process; 0 logs.
        file: Number of the checkpoint file that this process goes on from.
        saves: Whether it writes that file.
    """

    rank: int
    file: int
    saves: bool

    def begin(self) -> None:
        """Begin with the same weights."""

    def average(self) -> None:
        """Bring the weights together."""

    def merge(self, parameters: Sequence[nn.Parameter], losses: Tensor) -> Tensor:
        """Share the gradients of a step, if they are shared; returns the losses that they belong to."""

    def agree(self, value: float) -> float:
        """The value of process 0, for everyone."""

    def wait(self) -> None:
        """Until all processes are here."""


class Averager:
    """One process's seat in a meeting; without a meeting it trains alone and nothing happens."""

    def __init__(self, tensors: Sequence[Tensor], rank: int, meeting: Meeting | None) -> None:
        """`tensors`: float32, changed in place."""
        self.tensors, self.rank, self.meeting = list(tensors), rank, meeting
        self.file, self.saves = rank, True  # everybody's optimizer is its own

    def begin(self) -> None:
        """Begin with the mean of all starts."""
        self.average()

    def merge(self, parameters: Sequence[nn.Parameter], losses: Tensor) -> Tensor:
        """Everybody has its own gradients."""
        return losses.detach()

    def average(self) -> None:
        """Replace the tensors by their mean over all processes."""
        if self.meeting is None:
            return
        table = self.meeting.table
        table[self.rank].copy_(torch.cat([t.detach().reshape(-1) for t in self.tensors]))
        self.meeting.barrier.wait()
        mean = table.mean(0)
        self.meeting.barrier.wait()
        parts = mean.split([t.numel() for t in self.tensors])
        for tensor, part in zip(self.tensors, parts, strict=True):
            tensor.detach().copy_(part.view_as(tensor))

    def agree(self, value: float) -> float:
        """The value of process 0, for everyone."""
        if self.meeting is None:
            return value
        if self.rank == 0:
            self.meeting.message[0] = value
        self.wait()
        agreed = float(self.meeting.message[0])
        self.wait()
        return agreed

    def wait(self) -> None:
        """Until all processes are here."""
        if self.meeting is not None:
            self.meeting.barrier.wait()

"""Processes that train side by side and meet now and then to average their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


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
        meeting: Shared by all, or None when it trains alone.
    """

    rank: int = 0
    meeting: Meeting | None = None

    @property
    def ranks(self) -> int:
        """Number of processes."""
        return self.meeting.processes if self.meeting else 1


class Averager:
    """One process's seat in a meeting; without a meeting it trains alone and nothing happens."""

    def __init__(self, tensors: Sequence[Tensor], rank: int, meeting: Meeting | None) -> None:
        """`tensors`: float32, changed in place."""
        self.tensors, self.rank, self.meeting = list(tensors), rank, meeting

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

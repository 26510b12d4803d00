"""Processes of torchrun that share every batch: gradients are averaged at every step, weights stay the same.

A step's losses travel with its gradients in one all-reduce, so all processes see the same figures and stop at
the same step. Why not torch's `DistributedDataParallel`: docs/adr/0028.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from surveil.errors import SurveilError
from training.engine.config import StageConfig
from training.engine.schedule import for_own_batch
from training.errors import ConfigError, TrainingError
from training.launch import Place
from training.together import reaching_others

PATIENCE = timedelta(minutes=30)  # in a step; process 0 may judge or draw in between
LONG_PATIENCE = timedelta(days=2)  # while process 0 decodes and fills caches
DONE = "done"


class Group:
    """This process's place among those that share every batch; use `joined`."""

    def __init__(self, place: Place, store: dist.Store, device: torch.device) -> None:
        """Meet the others. `store`: shared by all, tells what process 0 has done."""
        self.rank, self.ranks, self.device = place.rank, place.ranks, device
        self._store = dist.PrefixStore("surveil", store)
        self._turn = 0
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(
            backend,
            store=dist.PrefixStore("torch", store),
            rank=place.rank,
            world_size=place.ranks,
            timeout=PATIENCE,
        )

    def share(self, config: StageConfig) -> StageConfig:
        """The stage as one process trains it: with its part of the batch, at the rates of the whole one.

        Raises:
            ConfigError: The batch cannot be shared evenly.
        """
        if config.batch % self.ranks:
            fitting = [n for n in range(1, config.batch + 1) if config.batch % n == 0]
            raise ConfigError(
                f"stage {config.name}: a batch of {config.batch} images cannot be shared by {self.ranks} "
                f"processes: start {', '.join(map(str, fitting))} (torchrun --nproc-per-node), or give the "
                f"stage a batch that {self.ranks} divides"
            )
        return replace(for_own_batch(config), batch=config.batch // self.ranks)

    def first(self, work: Callable[[], object]) -> None:
        """Let process 0 do something while the others wait; everybody comes out when it is done.

        Raises:
            TrainingError: Process 0 failed.
        """
        self._turn += 1
        key = f"turn-{self._turn}"
        if self.rank == 0:
            told = "it ended unexpectedly"
            try:
                work()
                told = DONE
            except (TrainingError, SurveilError) as error:
                told = str(error)
                raise
            finally:
                self._store.set(key, told)
            return
        with reaching_others():
            self._store.wait([key], LONG_PATIENCE)
        told = self._store.get(key).decode()
        if told != DONE:
            raise TrainingError(f"process 0 failed: {told}")


@contextmanager
def joined(place: Place | None, device: str) -> Iterator[Group | None]:
    """The group of torchrun's processes while it trains; None without torchrun.

    Raises:
        ConfigError: There are fewer GPUs than processes.
    """
    if place is None:
        yield None
        return
    where = torch.device("cpu")
    if device == "cuda":
        if place.local >= torch.cuda.device_count():
            raise ConfigError(
                f"process {place.local} of this machine has no GPU of its own, there are "
                f"{torch.cuda.device_count()}: torchrun --nproc-per-node {max(torch.cuda.device_count(), 1)}"
            )
        where = torch.device("cuda", place.local)
        torch.cuda.set_device(where)
    store, _, _ = next(dist.rendezvous("env://", place.rank, place.ranks, timeout=PATIENCE))
    yield Group(place, store, where)
    dist.destroy_process_group()  # not after an error: others may wait still, and torchrun ends them all


class Reducer:
    """Keeps the weights of a group the same (see `average.Partners`)."""

    def __init__(self, tensors: Sequence[Tensor], group: Group) -> None:
        """`tensors`: what process 0 tells the others at the beginning."""
        self.tensors, self.group = list(tensors), group
        self.rank = group.rank
        self.file = 0
        self.saves = group.rank == 0

    def begin(self) -> None:
        """Everybody has the weights of process 0."""
        flat = _flat(self.tensors)
        with reaching_others():
            dist.broadcast(flat, 0)
        _fill(self.tensors, flat)

    def average(self) -> None:
        """Nothing: with the same gradients the weights have stayed the same."""

    def merge(self, parameters: Sequence[nn.Parameter], losses: Tensor) -> Tensor:
        """Replace the gradients by their means over all processes; returns the losses' means."""
        # which parameters have gradients is the same everywhere: the same model, the same losses
        mine = [*(p.grad for p in parameters if p.grad is not None), losses.detach().clone()]
        flat = _flat(mine)
        with reaching_others():
            dist.all_reduce(flat)
        _fill(mine, flat / self.group.ranks)
        return mine[-1]

    def agree(self, value: float) -> float:
        """The value of process 0, for everyone."""
        told = torch.tensor([value], dtype=torch.float64, device=self.group.device)
        with reaching_others():
            dist.broadcast(told, 0)
        return float(told)

    def wait(self) -> None:
        """Until all processes are here."""
        self.agree(0.0)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    """All values in a row."""
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def _fill(tensors: Sequence[Tensor], flat: Tensor) -> None:
    """The reverse of `_flat`."""
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.detach().copy_(part.view_as(tensor))

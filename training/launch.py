"""Which of torchrun's processes this is; it loads nothing, so that every command can ask."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass

from training.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Place:
    """A process among those that torchrun started.

    Attributes:
        rank: Its number; process 0 writes what is written.
        ranks: How many there are.
        local: Its number on this machine, which is that of its GPU.
        machine: How many there are on this machine.
    """

    rank: int
    ranks: int
    local: int
    machine: int


def place_of(environ: Mapping[str, str] | None = None) -> Place | None:
    """This process's place; None when torchrun did not start it.

    >>> place_of({"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1",
    ...     "LOCAL_WORLD_SIZE": "2"})
    Place(rank=3, ranks=4, local=1, machine=2)
    """
    known = os.environ if environ is None else environ
    if "TORCHELASTIC_RUN_ID" not in known:
        return None
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    rank, ranks, local, machine = (int(known[name]) for name in names)
    return Place(rank=rank, ranks=ranks, local=local, machine=machine)


def check_options(options: argparse.Namespace) -> None:
    """Refuse what several processes would do several times, or each in its own way. Raises ConfigError."""
    if place_of() is None:
        return
    if options.command != "train":
        raise ConfigError(f"{options.command}: torchrun is for train; call python -m training by itself")
    if options.processes:
        raise ConfigError("--processes: torchrun has started the processes already, leave it out")
    if getattr(options, "images_of_batch", None) == "auto":
        raise ConfigError("--batch auto: torchrun's processes share a batch, say the size of the whole one")

"""The command `memory`, and the option `--batch` of `train`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ConfigError

if TYPE_CHECKING:
    from training.engine.config import Machine
    from training.engine.memory import Memory, MemoryJob
    from training.recipes.recipe import Recipe

MIB = 2**20


def add_commands(commands: Any) -> None:
    """Add it to argparse's `commands`."""
    text = "the memory that each stage of a recipe takes: estimated from one forward pass, and measured"
    memory = commands.add_parser("memory", help=text, description=text)
    memory.add_argument("recipe", help="a recipe; its data are not needed")
    memory.add_argument("--batch", type=int, metavar="N", help="images of a batch, if not the recipe's")
    memory.add_argument("--labels", metavar="NAME,NAME", help="classes, if not the recipe's")
    memory.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    memory.add_argument("--processes", type=int, default=1, help="on the CPU, for what is free to each")
    memory.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    memory.add_argument("--no-measure", action="store_true", help="only estimate: take no steps")
    memory.set_defaults(data=None)


def add_batch(train: argparse.ArgumentParser) -> None:
    """The option that `with_batch` carries out."""
    train.add_argument(
        "--batch",
        dest="images_of_batch",
        type=batch_size,
        metavar="N|auto",
        help="images of each process's batch in all stages; auto: for each stage what fits the memory "
        "(at most 16 on a CPU). The learning rate is scaled with the batch (linear), warm-up spans as many "
        "images as before",
    )


def batch_size(text: str) -> int | str:
    """A number of images, or `auto`.

    >>> batch_size("24"), batch_size("auto")
    (24, 'auto')
    """
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 2:  # one image has no variance in small maps
        raise argparse.ArgumentTypeError(f"a number from 2 on, or auto, not {text!r}")
    return int(text)


def with_batch(recipe: Recipe, options: argparse.Namespace, machine: Machine) -> Recipe:
    """The recipe with the batch of the options. Raises ConfigError."""
    from training.recipes.batch_size import batched

    return batched(recipe, options.images_of_batch, machine, options.out, store_of(recipe, options.data))


def store_of(recipe: Recipe, data: Path) -> int:
    """Bytes of a recipe's decoded training pictures, with what is added to them, as GPUs hold them.

    Raises DataError.
    """
    from training.data.coco import read_coco
    from training.data.decode import LARGEST
    from training.data.layout import find_added, find_split
    from training.data.scenes import SIZES

    splits = [find_split(data, "train"), *find_added(data, recipe.added, "train")]
    images = [image for split in splits for image in read_coco(split.annotations).images.values()]
    sides = [max(image["width"], image["height"]) for image in images]
    sides += [max(map(max, SIZES))] * recipe.scenes
    side: int = min(LARGEST, max(sides))
    return 3 * side * side * len(sides)


def run_memory(options: argparse.Namespace, recipe: Recipe) -> None:
    """Print what each stage takes."""
    from training.engine.config import Machine
    from training.recipes.batch_size import memory_jobs

    if options.batch is not None and options.batch < 2:
        raise ConfigError(f"--batch: two images at least, got {options.batch}")
    machine = Machine(device=options.device, processes=options.processes, precision=options.precision)
    for job in memory_jobs(recipe, machine):
        batch = options.batch or job.config.batch
        sys.stdout.write(f"{told(job, batch, measure=not options.no_measure)}\n")
        sys.stdout.flush()  # a stage takes seconds


def told(job: MemoryJob, batch: int, measure: bool) -> str:
    """A stage's memory in words."""
    from training.engine.memory import count_memory, measure_memory

    memory = count_memory(job)
    total = memory.total(batch)
    seen = measure_memory(job, batch) if measure else None
    how = "" if job.machine.device == "cuda" else " by the process, with what its allocator keeps"
    lines = [
        f"stage {job.config.name}: {batch} images of {job.size[1]}x{job.size[0]} a process, "
        f"{job.machine.precision}",
        f"  weights {_mib(memory.weights)}, gradients {_mib(memory.gradients)}, optimizer "
        f"{_mib(memory.optimizer)}, moving average {_mib(memory.average)}, "
        f"activations {batch} x {_mib(memory.image)} MiB",
        f"  estimate {_mib(total)} MiB"
        + (f", measured {_mib(seen)} MiB{how} ({seen / total:.2f} of it)" if seen else "")
        + f"; model size x batch size (the paper's equation 6): {_mib(memory.equation6(batch))} MiB",
        f"  {_fitting(job, memory)}",
    ]
    return "\n".join(lines)


def _fitting(job: MemoryJob, memory: Memory) -> str:
    """What `--batch auto` would take here."""
    from training.recipes.batch_size import auto_of, room

    space = room(job.config, job.machine)
    if space is None:
        return "this system does not say how much memory is free"
    return f"{_mib(space)} MiB are to be had for a process: --batch auto takes {auto_of(job, memory, space)}"


def _mib(size: int) -> str:
    return f"{size / MIB:,.1f}"

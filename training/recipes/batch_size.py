"""Batches that fit the memory of a machine, and the recipe for them."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.engine.config import Machine, StageConfig
from training.engine.memory import Memory, MemoryJob, count_memory, free_memory
from training.errors import ConfigError
from training.files import write_whole
from training.models.shapes import ImitationConfig
from training.recipes.recipe import Recipe

log = logging.getLogger(__name__)

CHOSEN = "batch.json"  # in the folder of a run: what `auto` took, for when it is gone on with
SHARE = 0.8  # of a GPU's free memory: the rest is for what is not counted (scratch space, painted views)
CPU_SHARE = 0.5  # of the free memory: the allocator keeps what was freed, 1.3 to 3 times what lives at once
PROCESS = 500 * 2**20  # bytes of an interpreter with torch
CPU_LARGEST = 16  # a processor gains nothing from more images at once, and learns more often with fewer
STEPS = 1000  # that a stage keeps at least


def memory_jobs(recipe: Recipe, machine: Machine) -> list[MemoryJob]:
    """What each stage trains, at the largest of its sizes."""
    return [
        MemoryJob(
            config=stage,
            model=ImitationConfig(of=recipe.model) if stage.imitates else recipe.model,
            size=max((recipe.sizes[n] for n in stage.caches), key=lambda size: size[0] * size[1]),
            taught=bool(recipe.teachers) and not stage.imitates,
            machine=machine,
        )
        for stage in recipe.stages
    ]


def room(stage: StageConfig, machine: Machine, store: int = 0) -> int | None:
    """Bytes that one process may take; None where nobody knows.

    `store`: bytes of the decoded pictures, which live stages hold on a GPU.
    """
    free = free_memory(machine.device)
    if free is None:
        return None
    if machine.device == "cuda":
        return int(SHARE * (free - (store if stage.entry == "image" else 0)))
    processes = 1 if stage.entry == "image" else machine.processes
    return int(CPU_SHARE * free / processes) - PROCESS


def largest_batch(memory: Memory, space: int, largest: int) -> int:
    """The largest of 2, 4, 8, 16, 24, … images, up to `largest`, for which `space` bytes do.

    Raises:
        ConfigError: They do not even for two.
    """
    fitting: list[int] = [n for n in (2, 4, *range(8, largest + 1, 8)) if memory.total(n) <= space]
    if not fitting:
        raise ConfigError(
            f"batch: two images need {_mib(memory.total(2))} MiB, {_mib(space)} are to be had: "
            "free some memory, use fewer --processes, or a recipe with smaller inputs"
        )
    return fitting[-1]


def auto_batch(job: MemoryJob, store: int = 0) -> int:
    """The batch that `auto` takes for a stage. Raises ConfigError."""
    space = room(job.config, job.machine, store)
    if space is None:
        raise ConfigError("batch auto: this system does not say how much memory is free: say --batch N")
    return auto_of(job, count_memory(job), space)


def auto_of(job: MemoryJob, memory: Memory, space: int) -> int:
    """The batch that `auto` takes where `space` bytes are to be had. Raises ConfigError."""
    if job.machine.device == "cpu":
        return largest_batch(memory, space, CPU_LARGEST)
    return largest_batch(memory, space, max(job.config.batch, job.config.images // STEPS))


def check_batch(job: MemoryJob, batch: int, store: int = 0) -> None:
    """Raise a ConfigError if a batch has no room."""
    space = room(job.config, job.machine, store)
    memory = count_memory(job)
    if space is not None and memory.total(batch) > space:
        fits = largest_batch(memory, space, batch)
        raise ConfigError(
            f"batch: stage {job.config.name} needs {_mib(memory.total(batch))} MiB for {batch} images, "
            f"{_mib(space)} are to be had: --batch {fits} fits"
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f}"


def with_batches(recipe: Recipe, batches: Sequence[int]) -> Recipe:
    """The recipe with other batches, one a stage, and what belongs to them.

    The learning rate is scaled with the batch (linear: Goyal et al. 2017); warm-up, first steps and lines of
    the log span as many images as before, and so does the moving average (Busbridge et al. 2023).
    """
    stages = (_rebatched(stage, n) for stage, n in zip(recipe.stages, batches, strict=True))
    return replace(recipe, stages=tuple(stages))


def _rebatched(stage: StageConfig, batch: int) -> StageConfig:
    factor, every = batch / stage.batch, stage.average_every
    if factor == 1:
        return stage
    scale = (
        1 if stage.rate_batch else factor
    )  # rates that are meant for a batch are scaled when they are used
    return replace(
        stage,
        batch=batch,
        rate=stage.rate * scale,
        warmup_from=stage.warmup_from * scale,
        warmup=max(1, round(stage.warmup / factor)),
        guided=round(stage.guided / factor),
        atss=round(stage.atss / factor),
        log_steps=every * max(1, round(stage.log_steps / every / factor)),
        ema=stage.ema**factor,
    )


def batched(recipe: Recipe, wanted: int | str, machine: Machine, out: Path, store: int = 0) -> Recipe:
    """The recipe with the batch that is wanted: a number, checked to fit, or `auto`.

    What `auto` finds is kept in the run's folder: a run that is gone on with has the batches it began with.

    Raises:
        ConfigError: It does not fit, or the run began with stages of other names.
    """
    jobs = memory_jobs(recipe, machine)
    if isinstance(wanted, int):
        for job in jobs:
            check_batch(job, wanted, store)
        return with_batches(recipe, [wanted] * len(jobs))
    chosen = out / CHOSEN
    if chosen.exists():
        batches = json.loads(chosen.read_text())
        if list(batches) != [stage.name for stage in recipe.stages]:
            raise ConfigError(f"{chosen}: of other stages ({', '.join(batches)}); use another --out")
    else:
        batches = {job.config.name: auto_batch(job, store) for job in jobs}
        out.mkdir(parents=True, exist_ok=True)
        write_whole(chosen, json.dumps(batches).encode())
    log.info("batch auto: %s", ", ".join(f"{name} {n}" for name, n in batches.items()))
    return with_batches(recipe, list(batches.values()))

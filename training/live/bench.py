"""How fast live training is on this machine, part by part, and what limits it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from surveil.clock import Clock, SystemClock
from training.engine.batches import Batch
from training.engine.config import Machine
from training.engine.larger import LargerNetwork, TaughtBatches
from training.engine.trainer import Trainer
from training.errors import ConfigError
from training.live.batches import LiveBatches, ignored_cells, open_live
from training.live.distort import distort
from training.live.paint import paint
from training.live.sketch import change
from training.losses.objective import objective_of
from training.models.detector import Detector
from training.models.starts import begin
from training.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds of one batch in one part."""

    part: str
    batch_ms: float
    images_s: float


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """What was measured.

    Attributes:
        device: Name of the processor or GPU.
        batch: Images of a batch.
        sizes: Height and width of the views, in turn.
        parts: Each part by itself, waited for: drawing the numbers in one process, then what the device does.
        whole_images_s: All parts together as in training, drawing in other processes.
        workers: Their number.
        memory_mib: Most memory of the device in use at once; 0 on the CPU.
    """

    device: str
    batch: int
    sizes: tuple[tuple[int, int], ...]
    parts: tuple[Timing, ...]
    whole_images_s: float
    workers: int
    memory_mib: int

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "limit": self.limit}

    @property
    def limit(self) -> str:
        """What would have to be faster first."""
        drawn, *made = self.parts
        device_ms = sum(timing.batch_ms for timing in made)
        whole_ms = 1000 * self.batch / self.whole_images_s
        if drawn.batch_ms > max(self.workers, 1) * device_ms:
            return f"drawing numbers, in {max(self.workers, 1)} processes"
        if whole_ms > 1.3 * (device_ms + (0 if self.workers else drawn.batch_ms)):
            return "the device waits for its work between the parts"
        slowest = max(made, key=lambda timing: timing.batch_ms)
        return f"{slowest.part} ({100 * slowest.batch_ms / device_ms:.0f} % of the device's time)"

    def table(self) -> str:
        """For people."""
        sizes = ", ".join(f"{w}x{h}" for h, w in self.sizes)
        lines = [f"{self.device}, batches of {self.batch}, sizes in turn {sizes}"]
        lines += [f"{'part':<10} {'ms a batch':>10} {'images/s':>10}"]
        lines += [f"{t.part:<10} {t.batch_ms:>10.1f} {t.images_s:>10.0f}" for t in self.parts]
        lines += [
            f"{'all':<10} {1000 * self.batch / self.whole_images_s:>10.1f} {self.whole_images_s:>10.0f}"
        ]
        lines += [f"limited by: {self.limit}"]
        if self.memory_mib:
            lines += [f"memory of the device: {self.memory_mib} MiB at most"]
        return "\n".join(lines)


class _Replay:
    """Gives the same batch again and again."""

    def __init__(self, batch: Batch) -> None:
        self.made = batch

    def batch(self, step: int) -> Batch:
        """See `training.engine.trainer.BatchSource`."""
        return self.made


def bench(space: Workspace, machine: Machine, batches: int, batch: int | None = None) -> BenchReport:
    """Time the recipe's last live stage: each part over `batches` batches, then all of them together.

    Args:
        space: The recipe and its data.
        machine: On what.
        batches: Batches that are timed, after one of each size to warm up.
        batch: Images of a batch, if not the recipe's.

    Raises:
        ConfigError: The recipe has no stage with live views.
    """
    recipe, device = space.recipe, torch.device(machine.device)
    live = [stage for stage in recipe.stages if stage.entry == "image"]
    if not live:
        raise ConfigError(f"recipe {recipe.name}: no stage with live views (entry image)")
    config = replace(live[-1], batch=batch or live[-1].batch)
    caches = [recipe.caches[n] for n in config.caches]
    job, sizes = space.views(caches[0]), [cache.size for cache in caches]
    source = open_live(job, sizes, config, machine.workers, device)
    model = Detector(recipe.model)
    if recipe.start:
        begin(model.backbone, space.weight_file(recipe.start))
    criteria = {size: objective_of(size, config.loss, model.reading, device) for size in set(sizes)}
    trainer = Trainer(model, source, criteria, config, machine)
    found = space.larger() if config.taught else None
    larger = LargerNetwork(found, config.entry, machine) if found else None
    return time_parts(source, trainer, batches, SystemClock(), larger)


def time_parts(
    source: LiveBatches,
    trainer: Trainer,
    batches: int,
    clock: Clock,
    larger: LargerNetwork | None = None,
) -> BenchReport:
    """Time live batches, what a larger network says of them, and the trainer that draws from them.

    Its model is trained on the way.
    """
    device, sizes, batch = trainer.device, source.drawer.sizes, trainer.config.batch
    cuda, parts = device.type == "cuda", defaultdict(float)
    for step in range(len(sizes) + batches):
        for name, seconds in _parts(source, trainer, step, clock, larger):
            if step >= len(sizes):
                parts[name] += seconds / batches
    trainer.source = TaughtBatches(source, larger) if larger else source
    trainer._step(0.5)  # the processes that draw have started
    _wait(device)
    began = clock.monotonic()
    for _ in range(batches):
        trainer._step(0.5)
    _wait(device)
    return BenchReport(
        device=torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads",
        batch=batch,
        sizes=tuple(sizes),
        parts=tuple(Timing(part=k, batch_ms=1000 * s, images_s=batch / s) for k, s in parts.items()),
        whole_images_s=batch * batches / (clock.monotonic() - began),
        workers=source.workers,
        memory_mib=torch.cuda.max_memory_allocated() // 2**20 if cuda else 0,
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _parts(
    source: LiveBatches, trainer: Trainer, step: int, clock: Clock, larger: LargerNetwork | None
) -> Iterator[tuple[str, float]]:
    """Names and seconds of the parts of one batch, one after the other."""
    maker, device, batch = source.maker, trainer.device, trainer.config.batch

    def timed(body: Callable[[], Any]) -> tuple[Any, float]:
        _wait(device)
        began = clock.monotonic()
        made = body()
        _wait(device)
        return made, clock.monotonic() - began

    drawn, seconds = timed(lambda: source.drawer[step])
    yield "draw", seconds
    numbers, seconds = timed(lambda: change(drawn.sketch, lambda x: x.to(device, non_blocking=True)))
    yield "copy", seconds
    clean, seconds = timed(lambda: paint(maker.pictures, numbers.rounds, batch, drawn.size))
    yield "paint", seconds
    _, seconds = timed(lambda: distort(clean, numbers.look, maker.generator))
    yield "distort", seconds
    centres = maker.centres(drawn.size)
    _, seconds = timed(lambda: ignored_cells(numbers.marks, centres, batch, maker.classes))
    yield "labels", seconds
    if maker.teacher is not None:
        _, seconds = timed(lambda: maker.teacher(clean))
        yield "teachers", seconds
    made = maker.make(drawn, step)
    if larger is not None:
        made, seconds = timed(lambda: larger(made))
        yield "larger", seconds
    trainer.source = _Replay(made)
    _, seconds = timed(lambda: trainer._step(0.5))
    yield "learn", seconds

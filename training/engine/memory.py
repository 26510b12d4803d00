"""The memory that training takes (equation 6 of paper A): counted in a forward pass, and seen in a few steps.

The paper says model size x batch size. What grows with the batch are the activations kept for the backward
pass, far larger than the weights in light models; weights, gradients, optimizer and moving average do not.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from training.assigners.objects import Objects
from training.engine.batches import Batch
from training.engine.config import Machine, StageConfig
from training.engine.optimizer import set_learning
from training.engine.processes import run_processes
from training.engine.trainer import AUTOCAST, Trainer
from training.errors import ConfigError
from training.grid import cell_grid, level_shapes
from training.losses.objective import objective_of
from training.losses.targets import Lesson, Soft, Targets
from training.models.backbone import CHANNELS
from training.models.detector import Detector
from training.models.reading import GFLReading, places_of
from training.models.shapes import ImitationConfig, ModelConfig

COUNTED = 2  # images of the forward pass that is counted; one alone has no variance for small maps
OBJECTS = 10  # of a picture that is made up
TAUGHT = (128, 8)  # cells whose distributions a teacher gives, and their bins
STEPS = 3  # that are seen; the optimizer is complete from the second on


@dataclass(frozen=True, kw_only=True)
class MemoryJob:
    """What is to be trained.

    Attributes:
        config: The stage.
        model: Shape of the detector, or of what imitates.
        size: Height and width of its largest inputs.
        taught: Whether a dense teacher speaks.
        machine: On what.
    """

    config: StageConfig
    model: ModelConfig
    size: tuple[int, int]
    taught: bool
    machine: Machine


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that one process needs.

    Attributes:
        weights: Parameters and figures of the norms.
        gradients: Of what is trained.
        optimizer: What it keeps of them.
        average: The moving average of the weights.
        image: Most that is alive at once for one image: kept for the backward pass, and passing.
    """

    weights: int
    gradients: int
    optimizer: int
    average: int
    image: int

    def total(self, batch: int) -> int:
        """Bytes for a batch of so many images."""
        return self.weights + self.gradients + self.optimizer + self.average + batch * self.image

    def equation6(self, batch: int) -> int:
        """The paper's figure: model size x batch size."""
        return self.weights * batch


class Same:
    """The same batch at every step."""

    def __init__(self, batch: Batch) -> None:
        """`batch`: the one."""
        self.made = batch

    def batch(self, step: int) -> Batch:
        """See `training.engine.trainer.BatchSource`."""
        return self.made


def made_up(job: MemoryJob, images: int) -> Batch:
    """A batch of noise with boxes in it."""
    height, width = job.size
    shapes = level_shapes(height, width)
    taps = [torch.rand(images, c, *shape) for c, shape in zip(CHANNELS, shapes, strict=False)]
    match job.config.entry:
        case "taps":
            inputs = taps
        case "low":
            inputs = taps[:1]
        case _:
            inputs = [torch.randint(0, 256, (images, height, width, 3), dtype=torch.uint8)]
    imitates = isinstance(job.model, ImitationConfig)
    classes = job.model.of.classes if isinstance(job.model, ImitationConfig) else job.model.classes
    cells, corner = len(cell_grid(height, width)[0]), torch.rand(images * OBJECTS, 2) * 0.5
    side = torch.tensor([width, height])
    boxes = torch.cat([corner, corner + 0.1 + 0.4 * torch.rand(images * OBJECTS, 2)], 1) * side.repeat(2)
    top, bins = min(TAUGHT[0], cells), TAUGHT[1]
    soft = Soft(
        torch.rand(images, cells, classes) ** 4,
        torch.arange(top).repeat(images, 1),
        torch.rand(images, top, 4 * bins),
    )
    objects = Objects(
        torch.arange(images).repeat_interleave(OBJECTS), boxes, torch.arange(len(boxes)) % classes
    )
    return Batch(
        inputs,
        Targets(
            objects,
            torch.zeros(images, cells, classes, dtype=torch.bool),
            soft if job.taught else None,
            taps=tuple(taps) if imitates else (),
            lesson=_lesson(job, images) if job.config.taught else None,
        ),
        job.size,
    )


def _lesson(job: MemoryJob, images: int) -> Lesson:
    """What a larger network says of the batch; its own memory is not counted."""
    reading = Detector(job.model).reading
    if not isinstance(reading, GFLReading):
        raise ConfigError(f"stage {job.config.name}: a larger teacher has distributions, this head has none")
    cells = len(places_of(reading, job.size).cells)
    return Lesson(
        torch.randn(images, cells, reading.classes),
        torch.randn(images, cells, 4, reading.reg_max + 1),
        torch.ones(images, cells, dtype=torch.bool),
    )


def trainer_of(job: MemoryJob, images: int) -> Trainer:
    """The stage's trainer with random weights, on noise."""
    torch.manual_seed(0)
    device = torch.device(job.machine.device)
    model = Detector(job.model)
    criteria = {job.size: objective_of(job.size, job.config.loss, model.reading, device)}
    config = replace(job.config, batch=images)
    return Trainer(model, Same(made_up(job, images)), criteria, config, job.machine)


class Alive(TorchFunctionMode):
    """Counts what a forward pass keeps, and the most that is alive in it: kept, and passing a function."""

    def __init__(self, own: Iterable[Tensor]) -> None:
        """`own`: weights, which are counted elsewhere."""
        super().__init__()
        self.own = {t.untyped_storage().data_ptr() for t in own}
        self.kept: dict[int, int] = {}
        self.most = 0

    def _bytes(self, tensors: Iterable[Any]) -> dict[int, int]:
        """Bytes of those that are not the model's own, by where they are."""
        stores = [t.untyped_storage() for t in tensors if isinstance(t, Tensor)]
        return {s.data_ptr(): s.nbytes() for s in stores if s.data_ptr() not in self.own}

    def pack(self, tensor: Tensor) -> Tensor:
        """Hook: the tensor is kept for the backward pass."""
        self.kept |= self._bytes([tensor])
        self.most = max(self.most, sum(self.kept.values()))
        return tensor

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Hook: what a function takes and gives is alive together."""
        out = func(*args, **(kwargs or {}))
        items = [out, *args]
        passing = [t for item in items for t in (item if isinstance(item, list | tuple) else [item])]
        self.most = max(self.most, sum((self.kept | self._bytes(passing)).values()))
        return out


def alive(trainer: Trainer) -> int:
    """Most bytes that are alive in the forward pass of a batch and its loss, beside the model."""
    model, batch = trainer.model, trainer.source.batch(0).to(trainer.device)
    counted = Alive([*model.parameters(), *model.buffers()])
    kind = AUTOCAST.get(trainer.machine.precision)
    set_learning(model, trainer.config)
    with counted, saved_tensors_hooks(counted.pack, lambda tensor: tensor):
        with torch.autocast(trainer.device.type, kind, enabled=kind is not None):
            levels = model.enter(trainer.config.entry, batch.inputs)
        raw = model.reading.flatten(levels)
        losses = trainer.criteria[batch.size](raw, batch.targets, trainer.config.assigner_at(0))
    del losses  # till here the graph was alive, and what it keeps had places of its own
    return counted.most


def count_memory(job: MemoryJob) -> Memory:
    """What the stage takes, from one forward pass of two images and the optimizer's first step."""
    trainer = trainer_of(job, COUNTED)
    image = alive(trainer) // COUNTED
    for p in trainer.trained:
        p.grad = torch.zeros_like(p)
    trainer.optimizer.step()
    states = [t for state in trainer.optimizer.state.values() for t in state.values()]
    return Memory(
        weights=_size(trainer.model.state_dict().values()),
        gradients=_size(trainer.trained),
        optimizer=_size(t for t in states if isinstance(t, Tensor)),
        average=_size(trainer.ema.state_dict().values()),
        image=image,
    )


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


def measure_memory(job: MemoryJob, batch: int) -> int | None:
    """Bytes that a few real steps are seen to take at most; None where the system does not tell.

    On CUDA what torch has allocated, in this process; on the CPU the growth of a fresh process.
    """
    if job.machine.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _take_steps(job, batch)
        return torch.cuda.max_memory_allocated() - before
    if not Path("/proc/self/status").exists():
        return None
    with TemporaryDirectory() as folder:
        target = Path(folder) / "bytes.json"
        run_processes(_measure, 1, job, batch, target)
        seen: int = json.loads(target.read_text())
        return seen


def _measure(rank: int, ranks: int, job: MemoryJob, batch: int, target: Path) -> None:
    """Body of the fresh process."""
    torch.set_num_threads(1)
    _warm_up()
    before = _resident("VmRSS")
    _take_steps(job, batch)
    target.write_text(json.dumps(_resident("VmHWM") - before))


def _warm_up() -> None:
    """Load what the first step of any training loads: it takes 250 MiB, and belongs to torch."""
    layer = nn.Conv2d(3, 4, 3)
    optimizer = torch.optim.AdamW(layer.parameters(), fused=True)
    layer(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer.step()


def _take_steps(job: MemoryJob, batch: int) -> None:
    trainer = trainer_of(job, batch)
    set_learning(trainer.model, trainer.config)
    for _ in range(STEPS):
        trainer._step(0.5)


def _resident(name: str) -> int:
    """Bytes of this process by a name of Linux: now (VmRSS), or at most so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def free_memory(device: str, root: Path = Path("/")) -> int | None:
    """Bytes that are free on the device; None where the system does not tell.

    Pages of files that the system only keeps because nobody needed their place count as free: training reads
    its pictures and caches as memory maps, and a container is charged for them.

    Args:
        device: `cpu` or `cuda`.
        root: Where `proc` and `sys` are.

    Raises:
        ConfigError: There is no such device.
    """
    if device == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError("no CUDA device here: leave --device out to train on the CPU")
        return int(torch.cuda.mem_get_info()[0])
    meminfo = root / "proc/meminfo"
    if not meminfo.exists():
        return None
    lines = meminfo.read_text().splitlines()
    free = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    group = root / "sys/fs/cgroup"
    limit, used = group / "memory.max", group / "memory.current"
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":  # a container's
        own = int(used.read_text()) - _pages_of_files(group / "memory.stat")
        free = min(free, int(limit.read_text()) - own)
    return free


def _pages_of_files(stat: Path) -> int:
    """Bytes of a container's file pages, which the system takes back when they are needed."""
    rows = (line.split() for line in stat.read_text().splitlines()) if stat.exists() else ()
    return sum(int(value) for name, value in rows if name in ("inactive_file", "active_file"))

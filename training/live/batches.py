"""Live batches: plans are drawn ahead by worker processes, pixels and targets are made on the device.

The batch of a step is always the same, so a resumed run sees what it would have seen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from training.assigners.objects import Objects
from training.data.cache import ViewJob, draw_order
from training.data.labels import LabelReader
from training.data.plan import AugmentConfig, Planner
from training.data.records import Record
from training.engine.batches import Batch, Order, Share
from training.engine.config import StageConfig
from training.engine.schedule import total_steps
from training.grid import cell_grid
from training.live.distort import distort
from training.live.paint import Pictures, paint
from training.live.sketch import Marks, Sketch, change, sketch
from training.live.teachers import LiveTeachers
from training.losses.targets import Soft, Targets

Size = tuple[int, int]
Teacher = Callable[[Tensor], Soft]  # (B, 3, H, W) BGR in 0..255


@dataclass(frozen=True)
class Drawn:
    """A batch before it reaches the device: its numbers, height and width, and the records it begins with."""

    sketch: Sketch
    size: Size
    records: tuple[int, ...]


class Drawer:
    """Batches by number, as numbers."""

    def __init__(
        self,
        records: Sequence[Record],
        order: Order,
        augment: AugmentConfig,
        sizes: Sequence[Size],
        config: StageConfig,
        classes: int,
    ) -> None:
        """`order`: of the records; `sizes`: of the steps' views, in turn."""
        self.records, self.order, self.augment = records, order, augment
        self.sizes, self.config, self.classes = sizes, config, classes
        self.reader = LabelReader(records, augment)
        self.calm_from = round((1 - augment.calm) * total_steps(config, order.share.ranks))

    def __getitem__(self, step: int) -> Drawn:
        """Batch number `step`."""
        config, size = self.config, self.sizes[step % len(self.sizes)]
        augment = self.augment
        if step >= self.calm_from:
            augment = replace(augment, mosaic=0.0, mixup=0.0, cutmix=0.0)
        planner, first = Planner(self.records, augment, size), self.order.share.first(step, config.batch)
        rows = self.order.rows(first, config.batch)
        plans = [
            planner.plan(row, np.random.default_rng((config.seed, k))) for k, row in enumerate(rows, first)
        ]
        return Drawn(sketch(plans, self.reader.read(plans), self.classes), size, tuple(rows))


class _Arrays(torch.utils.data.Dataset[Drawn]):
    """Batches as arrays: tensors from another process would hold a file descriptor each, 40 a batch."""

    def __init__(self, drawer: Drawer) -> None:
        self.drawer = drawer

    def __getitem__(self, step: int) -> Drawn:
        drawn = self.drawer[step]
        return replace(drawn, sketch=change(drawn.sketch, Tensor.numpy))


def ignored_cells(marks: Marks, centres: Tensor, batch: int, classes: int) -> Tensor:
    """(B, N, C) bool: cells with `centres` (N, 2) that lie in a region where the class is ignored."""
    low, high = marks.ignore[:, None, :2], marks.ignore[:, None, 2:]
    inside = ((centres > low) & (centres < high)).all(-1)
    count = torch.zeros((batch * classes, len(centres)), dtype=torch.int32, device=centres.device)
    count.index_add_(0, marks.ignore_row, inside.int())
    return (count > 0).unflatten(0, (batch, classes)).mT


class Maker:
    """Makes batches from their numbers on one device."""

    def __init__(
        self, pictures: Pictures, teacher: Teacher | None, records: Sequence[Record], classes: int
    ) -> None:
        """`teacher`: looks at the clean views."""
        self.pictures, self.teacher, self.records, self.classes = pictures, teacher, records, classes
        self.generator = torch.Generator(pictures.device)
        self._centres: dict[Size, Tensor] = {}

    def centres(self, size: Size) -> Tensor:
        """Cell centres (N, 2) of views of `size` (height, width)."""
        if size not in self._centres:
            self._centres[size] = torch.from_numpy(cell_grid(*size)[0]).to(self.pictures.device)
        return self._centres[size]

    @torch.no_grad()
    def make(self, drawn: Drawn, seed: int) -> Batch:
        """Paint, distort, label and teach; `seed` decides the grain."""
        batch = len(drawn.records)
        numbers: Sketch = change(drawn.sketch, lambda x: x.to(self.pictures.device, non_blocking=True))
        clean = paint(self.pictures, numbers.rounds, batch, drawn.size)
        views = distort(clean, numbers.look, self.generator.manual_seed(seed))
        marks = numbers.marks
        targets = Targets(
            Objects(marks.view, marks.boxes, marks.classes),
            ignored_cells(marks, self.centres(drawn.size), batch, self.classes),
            self.teacher(clean) if self.teacher else None,
            tuple(self.records[k].file_name for k in drawn.records),
        )
        return Batch([views.round().byte().permute(0, 2, 3, 1)], targets, drawn.size)


class LiveBatches:
    """Batches in the memory of a device; steps that are asked for in order come without waiting."""

    def __init__(self, drawer: Drawer, maker: Maker, workers: int) -> None:
        """`workers`: processes that draw numbers ahead; 0 draws in this one."""
        self.drawer, self.maker, self.workers = drawer, maker, workers
        self._ahead: Iterator[Drawn] | None = None
        self._next = -1

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        if self._ahead is None or step != self._next:
            loader = torch.utils.data.DataLoader(
                _Arrays(self.drawer), batch_size=None, sampler=range(step, 2**31), num_workers=self.workers
            )
            self._ahead = iter(loader)
        self._next = step + 1
        drawn = next(self._ahead)
        drawn = replace(drawn, sketch=change(drawn.sketch, torch.from_numpy))
        return self.maker.make(
            drawn, self.drawer.config.seed * 2**32 + self.drawer.order.share.first(step, 1)
        )


def open_live(
    job: ViewJob,
    sizes: Sequence[Size],
    config: StageConfig,
    workers: int,
    device: torch.device,
    share: Share | None = None,
) -> LiveBatches:
    """Everything that live batches of a stage need: pictures on the device, drawers, teacher."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # a few sizes, thousands of times each
    labels = job.labels.labels
    drawn = replace(job.cache, views=job.cache.count)  # live views are no part of a cache
    order = Order(draw_order(job.records, drawn, labels, job.balance), (config.seed, 1), share)
    drawer = Drawer(job.records, order, job.augment, sizes, config, len(labels))
    teachers = LiveTeachers(job.teachers, labels, job.cache.top, device) if job.teachers else None
    pictures = Pictures(job.images, job.records, device)
    return LiveBatches(drawer, Maker(pictures, teachers, job.records, len(labels)), workers)

"""Live augmentation: views drawn while training, by worker processes, with the dense teacher looking at them.

For a GPU, which is faster than a cache could be filled. The view of a step and row is always the same.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.assigners.objects import Objects
from training.data.augment import Augmenter, View
from training.data.cache import ViewJob, draw_order
from training.data.teacher import Dense, DenseTeacher
from training.engine.batches import Batch, Order, unpack_bits
from training.engine.config import StageConfig
from training.losses.criterion import Soft, Targets


def soft_targets(dense: Dense, top: int) -> Soft:
    """The teacher's outputs as tensors; distributions of the `top` best cells of each picture."""
    cells = np.argpartition(-dense.scores.max(2), top, axis=1)[:, :top]
    chosen = np.take_along_axis(dense.distributions, cells[..., None], 1)
    return Soft(*(torch.from_numpy(np.ascontiguousarray(x)) for x in (dense.scores, cells, chosen)))


def view_batch(views: list[View], names: tuple[str, ...], classes: int, soft: Soft | None) -> Batch:
    """Views as one batch; the input is (B, H, W, 3) uint8, which the trainer scales on its device."""
    boxes = torch.from_numpy(np.concatenate([v.boxes for v in views]))
    labels = torch.from_numpy(np.concatenate([v.classes for v in views]))
    image = torch.repeat_interleave(torch.arange(len(views)), torch.tensor([len(v.boxes) for v in views]))
    ignore = unpack_bits(torch.from_numpy(np.stack([v.ignore for v in views])), classes)
    pixels = torch.from_numpy(np.stack([v.image for v in views]))
    return Batch([pixels], Targets(Objects(image, boxes, labels), ignore, soft, names), pixels.shape[1:3])


class _Drawer(torch.utils.data.Dataset[Batch]):
    """Batches by number; opens pictures and teacher in the process that uses them."""

    def __init__(self, job: ViewJob, config: StageConfig) -> None:
        self.job, self.config = job, config
        order = draw_order(job.records, job.cache, job.labels.labels)
        self.order = Order(order, (config.seed, 1))
        self._tools: tuple[Augmenter, DenseTeacher | None] | None = None

    def _open(self) -> tuple[Augmenter, DenseTeacher | None]:
        if self._tools is None:
            cv2.setNumThreads(1)
            job, size = self.job, self.job.cache.size
            augmenter = Augmenter(np.load(job.images, mmap_mode="r"), job.records, job.augment, size)
            teacher = DenseTeacher(job.teacher, job.labels.labels, size) if job.teacher else None
            self._tools = augmenter, teacher
        return self._tools

    def __getitem__(self, step: int) -> Batch:
        augmenter, teacher = self._open()
        first = step * self.config.batch
        rows = self.order.rows(first, self.config.batch)
        seeds = range(first, first + self.config.batch)
        views = [
            augmenter.view(row, np.random.default_rng((self.config.seed, k)))
            for row, k in zip(rows, seeds, strict=True)
        ]
        soft = None
        if teacher is not None:
            clean: NDArray[np.uint8] = np.stack([v.clean for v in views])
            soft = soft_targets(teacher(clean), self.job.cache.top)
        names = tuple(self.job.records[row].file_name for row in rows)
        return view_batch(views, names, len(self.job.labels.labels), soft)


class LiveBatches:
    """Batches drawn ahead by worker processes; steps asked for in order come without waiting."""

    def __init__(self, job: ViewJob, config: StageConfig, workers: int) -> None:
        """`workers`: processes; 0 draws in this one."""
        self.drawer, self.workers = _Drawer(job, config), workers
        self._ahead: Iterator[Batch] | None = None
        self._next = -1

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        if self._ahead is None or step != self._next:
            loader = torch.utils.data.DataLoader(
                self.drawer, batch_size=None, sampler=range(step, 2**31), num_workers=self.workers
            )
            self._ahead = iter(loader)
        self._next = step + 1
        return next(self._ahead)

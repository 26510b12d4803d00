"""What a batch is to learn, and what a dense teacher says of it."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from training.assigners.objects import Objects
from training.grid import STRIDES, level_shapes


@dataclass(frozen=True)
class Soft:
    """Dense outputs of the teacher for a batch; its cells are those of `grid.cell_grid`.

    Attributes:
        scores: (B, N, C) in 0..1.
        top: (B, K) int64 cells with the best scores.
        top_dist: (B, K, 4 (reg_max + 1)) their distributions, logits.
    """

    scores: Tensor
    top: Tensor
    top_dist: Tensor

    @property
    def reg_max(self) -> int:
        """Last bin of the teacher's distributions."""
        return self.top_dist.shape[-1] // 4 - 1

    def to(self, device: torch.device) -> "Soft":
        """The same on another device."""
        return Soft(*(x.to(device, non_blocking=True) for x in (self.scores, self.top, self.top_dist)))


@dataclass(frozen=True)
class Lesson:
    """What another network says in the student's own cells.

    Attributes:
        logits: (B, N, C) of the classes.
        sides: (B, N, 4, bins) logits: left, top, right, bottom.
        known: (B, N) bool: where it says something.
    """

    logits: Tensor
    sides: Tensor
    known: Tensor

    def to(self, device: torch.device) -> "Lesson":
        """The same on another device."""
        return Lesson(*(x.to(device, non_blocking=True) for x in (self.logits, self.sides, self.known)))


@dataclass(frozen=True)
class Targets:
    """What a batch is to learn.

    Attributes:
        objects: The boxes.
        ignore: (B, N, C) bool: where a class is unknown rather than absent.
        soft: The teacher's view, or None.
        names: What each picture of the batch was made of, for error messages.
        taps: Features to imitate, (B, C, h, w) each; none where nothing is imitated.
        lesson: What a larger network of the family says, or None.
    """

    objects: Objects
    ignore: Tensor
    soft: Soft | None
    names: tuple[str, ...] = ()
    taps: tuple[Tensor, ...] = ()
    lesson: Lesson | None = None

    def to(self, device: torch.device) -> "Targets":
        """The same on another device."""
        o = self.objects
        objects = Objects(*(x.to(device, non_blocking=True) for x in (o.image, o.boxes, o.classes)))
        soft = self.soft.to(device) if self.soft else None
        lesson = self.lesson.to(device) if self.lesson else None
        taps = tuple(tap.to(device, non_blocking=True) for tap in self.taps)
        ignore = self.ignore.to(device, non_blocking=True)
        return replace(self, objects=objects, ignore=ignore, soft=soft, taps=taps, lesson=lesson)


class Levels:
    """A teacher's levels for a student that has fewer: what a coarser level sees, the coarsest one learns."""

    def __init__(
        self, size: tuple[int, int], strides: tuple[int, ...], device: torch.device | None = None
    ) -> None:
        """`size`: height and width of the input; `strides`: of the student, the first of the teacher's."""
        shapes = level_shapes(*size)
        counts = [rows * columns for rows, columns in shapes]
        kept = len(strides)
        self.cells = sum(counts[:kept])
        self.complete = strides == STRIDES
        rows, columns = shapes[kept - 1]
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        self._own = slice(self.cells - rows * columns, self.cells)
        first, self._above = self.cells, []
        for k in range(kept, len(STRIDES)):
            factor = STRIDES[k] // STRIDES[kept - 1]
            above = first + (y // factor) * shapes[k][1] + x // factor
            self._above.append(above.flatten().to(device))
            first += counts[k]

    def scores(self, soft: Soft) -> Tensor:
        """Scores (B, cells of the student, C)."""
        if self.complete:
            return soft.scores
        scores = soft.scores[:, : self.cells].clone()
        for above in self._above:
            scores[:, self._own] = torch.maximum(scores[:, self._own], soft.scores[:, above])
        return scores

"""The weighted sum of all losses of one batch."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.assigners.atss import ATSSConfig, assign_atss, square_anchors
from training.assigners.objects import Assignment, Objects
from training.assigners.tal import TALConfig, assign_tal
from training.errors import ConfigError
from training.losses.boxes import pair_ciou, pair_giou
from training.losses.distill import box_distillation, score_distillation
from training.losses.distribution import distribution_focal
from training.losses.quality import quality_focal, varifocal
from training.models.detector import boxes_of

MIN_QUALITY = 0.02  # a positive never aims at background


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the losses.

    Attributes:
        quality: `varifocal` or `qfl`, the classification loss.
        overlap: `giou` or `ciou`, the loss of the boxes.
        cls: Of the classification.
        box: Of the boxes.
        dfl: Of their distributions.
        distill_score: Of the teacher's scores; 0 leaves them out.
        distill_box: Of the teacher's distributions; 0 leaves them out.
        tal: Constants of the task-aligned assignment.
        atss: Constants of the assignment by distance and anchors.
    """

    quality: str = "varifocal"
    overlap: str = "giou"
    cls: float = 1.0
    box: float = 2.0
    dfl: float = 0.5
    distill_score: float = 1.0
    distill_box: float = 1.0
    tal: TALConfig = field(default_factory=TALConfig)
    atss: ATSSConfig = field(default_factory=ATSSConfig)

    def __post_init__(self) -> None:
        """Check the names of the losses."""
        if self.quality not in ("varifocal", "qfl"):
            raise ConfigError(f"loss: quality is {self.quality!r}, expected varifocal or qfl")
        if self.overlap not in ("giou", "ciou"):
            raise ConfigError(f"loss: overlap is {self.overlap!r}, expected giou or ciou")


@dataclass(frozen=True)
class Soft:
    """Dense outputs of the teacher for a batch.

    Attributes:
        scores: (B, N, C) in 0..1.
        top: (B, K) int64 cells with the best scores.
        top_dist: (B, K, 4 (reg_max + 1)) their distributions, logits.
    """

    scores: Tensor
    top: Tensor
    top_dist: Tensor

    def to(self, device: torch.device) -> "Soft":
        """The same on another device."""
        return Soft(*(x.to(device, non_blocking=True) for x in (self.scores, self.top, self.top_dist)))


@dataclass(frozen=True)
class Targets:
    """What a batch is to learn.

    Attributes:
        objects: The boxes.
        ignore: (B, N, C) bool: where a class is unknown rather than absent.
        soft: The teacher's view, or None.
        names: What each picture of the batch was made of, for error messages.
    """

    objects: Objects
    ignore: Tensor
    soft: Soft | None
    names: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Targets":
        """The same on another device."""
        o = self.objects
        objects = Objects(*(x.to(device, non_blocking=True) for x in (o.image, o.boxes, o.classes)))
        soft = self.soft.to(device) if self.soft else None
        return replace(self, objects=objects, ignore=self.ignore.to(device, non_blocking=True), soft=soft)


class Criterion:
    """Losses of raw outputs for one grid of cells."""

    def __init__(
        self,
        grid: tuple[NDArray[np.float32], NDArray[np.float32]],
        config: LossConfig,
        reg_max: int,
        device: torch.device | None = None,
    ) -> None:
        """`grid`: centres (N, 2) and strides (N,) of `grid.cell_grid`."""
        self.centres, self.strides = (torch.as_tensor(x, device=device) for x in grid)
        self.levels = np.unique(grid[1], return_counts=True)[1].tolist()  # cells of each, the finest first
        self.config, self.reg_max = config, reg_max

    def boxes(self, distributions: Tensor) -> Tensor:
        """Boxes (B, N, 4) of all cells from distribution logits (B, N, 4 (reg_max + 1))."""
        return boxes_of(distributions, self.centres, self.strides, self.reg_max)

    @torch.no_grad()
    def guide(self, targets: Targets) -> tuple[Tensor, Tensor]:
        """Scores and boxes that steer the assignment while the student knows nothing.

        The teacher's scores; its boxes where it is sure, elsewhere squares of 5 strides.
        """
        if targets.soft is None:
            raise ConfigError("guided steps need a dense teacher")
        soft = targets.soft
        squares = square_anchors(self.centres, self.strides, 5.0).repeat(len(soft.scores), 1, 1)
        theirs = boxes_of(soft.top_dist, self.centres[soft.top], self.strides[soft.top], self.reg_max)
        return soft.scores, squares.scatter(1, soft.top[..., None].expand(-1, -1, 4), theirs)

    @torch.no_grad()
    def pairs(self, raw: Tensor, targets: Targets, assigner: str = "tal") -> Assignment:
        """Which cell learns which object.

        Args:
            raw: (B, N, C + 4 (reg_max + 1)) float32.
            targets: What the batch shows.
            assigner: `tal`, `atss`, or `guided`: TAL by what the teacher sees instead of the student.
        """
        classes, objects, config = targets.ignore.shape[-1], targets.objects, self.config
        match assigner:
            case "guided":
                return assign_tal(*self.guide(targets), self.centres, objects, config.tal)
            case "tal":
                scores, boxes = raw[..., :classes].sigmoid(), self.boxes(raw[..., classes:])
                return assign_tal(scores, boxes, self.centres, objects, config.tal)
            case "atss":
                boxes, grid = self.boxes(raw[..., classes:]), (self.centres, self.strides)
                return assign_atss(boxes, grid, self.levels, objects, config.atss)
            case _:
                raise ConfigError(f"assigner is {assigner!r}, expected tal, atss or guided")

    def __call__(self, raw: Tensor, targets: Targets, assigner: str = "tal") -> dict[str, Tensor]:
        """Weighted losses by name; train on their sum. Arguments as in `pairs`."""
        classes = targets.ignore.shape[-1]
        logits, dist = raw[..., :classes], raw[..., classes:]
        losses = self._supervised(logits, dist, targets, self.pairs(raw, targets, assigner))
        if targets.soft is not None:
            losses |= self._distilled(logits, dist, targets.soft)
        return losses

    def _supervised(
        self, logits: Tensor, dist: Tensor, targets: Targets, pairs: Assignment
    ) -> dict[str, Tensor]:
        config, objects = self.config, targets.objects
        image = objects.image[pairs.objects]
        weight = pairs.quality.clamp(min=MIN_QUALITY)
        target = torch.zeros_like(logits)
        target[image, pairs.cells, objects.classes[pairs.objects]] = weight
        norm = target.sum().clamp(min=1.0)
        quality = varifocal if config.quality == "varifocal" else quality_focal
        losses = {"cls": config.cls * quality(logits, target, targets.ignore) / norm}

        chosen, truth = dist[image, pairs.cells], objects.boxes[pairs.objects]
        centre, stride = self.centres[pairs.cells], self.strides[pairs.cells]
        overlap = pair_giou if config.overlap == "giou" else pair_ciou
        fit = overlap(boxes_of(chosen, centre, stride, self.reg_max), truth)
        losses[config.overlap] = config.box * (weight * (1 - fit)).sum() / norm
        distance = torch.cat([centre - truth[:, :2], truth[:, 2:] - centre], -1) / stride[:, None]
        losses["dfl"] = (
            config.dfl * (weight * distribution_focal(chosen, distance, self.reg_max)).sum() / norm
        )
        return losses

    def _distilled(self, logits: Tensor, dist: Tensor, soft: Soft) -> dict[str, Tensor]:
        config, losses = self.config, {}
        if config.distill_score:
            losses["distill_score"] = config.distill_score * score_distillation(logits, soft.scores)
        if config.distill_box:
            bins = (4, self.reg_max + 1)
            mine = dist.gather(1, soft.top[..., None].expand(-1, -1, dist.shape[-1])).unflatten(-1, bins)
            score = soft.scores.amax(-1).gather(1, soft.top)
            theirs = soft.top_dist.unflatten(-1, bins)
            losses["distill_box"] = config.distill_box * box_distillation(mine, theirs, score)
        return losses

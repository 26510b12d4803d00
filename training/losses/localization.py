"""Localization and class distillation by region: where another network's word about boxes is worth most.

Zheng et al., "Localization Distillation for Dense Object Detection", CVPR 2022: the distributions of the
sides are drawn to the teacher's at a high temperature, on the positives (main region) and on the cells
around them (valuable localization region, `assigners.valuable`), the classes on the positives alone. All
three are divided by what GIoU and DFL are divided by; the authors' published code leaves that out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.assigners.atss import ATSSConfig
from training.assigners.objects import Assignment
from training.assigners.valuable import valuable_cells
from training.errors import ConfigError
from training.losses.distill import tempered_divergence
from training.losses.targets import Lesson, Soft, Targets
from training.models.reading import GFLReading, Reading
from training.together import normaliser

LARGER, DENSE = "larger", "dense"
SMALLEST = 1e-5  # score of a dense teacher; its cached scores are 0 or more than this


@dataclass(frozen=True, kw_only=True)
class LocalizationConfig:
    """Weights of the regions; 0 leaves one out.

    Attributes:
        teacher: `larger`: the recipe's larger network of the family; `dense`: the COCO teachers, where they
            keep distributions (`CacheConfig.top` cells a view).
        main: Of the positives' distributions.
        valuable: Of those in the valuable localization region.
        classes: Of the positives' classes.
        temperature: Of the distributions.
        class_temperature: Of the classes.
        share: Of ATSS's threshold, where the valuable region begins.
    """

    teacher: str = LARGER
    main: float = 0.25
    valuable: float = 0.25
    classes: float = 0.25
    temperature: float = 10.0
    class_temperature: float = 2.0
    share: float = 0.25

    def __post_init__(self) -> None:
        """Check the teacher's name, and that something is taught."""
        if self.teacher not in (LARGER, DENSE):
            raise ConfigError(f"localization: teacher is {self.teacher!r}, expected {LARGER} or {DENSE}")
        weights = (self.main, self.valuable, self.classes)
        if min(weights) < 0 or max(weights) == 0:
            raise ConfigError(
                f"localization: main, valuable, classes are {weights}, expected weights from 0, one of them "
                "above; to distil nothing leave localization None"
            )
        if min(self.temperature, self.class_temperature) <= 0 or not 0 <= self.share < 1:
            raise ConfigError(
                f"localization: temperatures are above 0 and share is from 0 to below 1, got "
                f"{self.temperature:g}, {self.class_temperature:g}, {self.share:g}"
            )


def lesson_of(soft: Soft, cells: int) -> Lesson:
    """What dense teachers say in the first `cells` cells; nothing where they keep no distributions."""
    batch, count, _ = soft.scores.shape
    index = soft.top[..., None].expand(-1, -1, soft.top_dist.shape[-1])
    sides = soft.top_dist.new_zeros(batch, count, index.shape[-1]).scatter(1, index, soft.top_dist)
    known = torch.zeros(batch, count, dtype=torch.bool, device=soft.top.device).scatter(1, soft.top, True)
    logits = soft.scores[:, :cells].logit(SMALLEST)
    return Lesson(logits, sides[:, :cells].unflatten(-1, (4, -1)), known[:, :cells])


class Localization:
    """Losses of boxes and classes towards a teacher whose cells and bins are the student's."""

    def __init__(
        self,
        config: LocalizationConfig,
        atss: ATSSConfig,
        reading: Reading,
        grid: tuple[Tensor, Tensor],
        per_level: Sequence[int],
    ) -> None:
        """For cells of one size of input.

        Args:
            config: Weights of the regions.
            atss: Constants of the threshold that divides them.
            reading: Of the student's raw outputs.
            grid: Centres (N, 2) of the cells, and their anchors (N, 4), xyxy pixels.
            per_level: Cells of each level.

        Raises:
            ConfigError: The student has no distributions, or but one class whose classes are to be compared.
        """
        if not isinstance(reading, GFLReading):
            raise ConfigError(
                "localization: this head has anchors and no distributions that could be distilled: "
                "take a recipe with a GFL head, or set localization to None"
            )
        if config.classes and reading.classes < 2:
            raise ConfigError("localization: classes are compared, but there is only one: set classes to 0")
        self.config, self.atss, self.reading = config, atss, reading
        self.grid, self.per_level = grid, per_level

    def lesson(self, targets: Targets) -> Lesson:
        """What the teacher says of a batch.

        Raises:
            ConfigError: It did not look at it, or its bins are others.
        """
        if self.config.teacher == LARGER:
            if targets.lesson is None:
                raise ConfigError(
                    "localization: no larger teacher has seen this batch: the recipe names none"
                )
            return targets.lesson
        if targets.soft is None:
            raise ConfigError("localization: no dense teacher has seen this batch: the recipe names none")
        if targets.soft.reg_max != self.reading.reg_max:
            raise ConfigError(different_bins("the dense teacher", targets.soft.reg_max, self.reading.reg_max))
        return lesson_of(targets.soft, len(self.grid[0]))

    def __call__(self, raw: Tensor, targets: Targets, pairs: Assignment) -> dict[str, Tensor]:
        """Weighted losses by name; train on their sum.

        Args:
            raw: (B, N, K) float32.
            targets: With what the teacher says.
            pairs: The main region; their qualities are the positives' weights in GIoU and DFL.
        """
        config, lesson, losses = self.config, self.lesson(targets), {}
        main = targets.objects.image[pairs.objects], pairs.cells
        weight, norm = pairs.quality * lesson.known[main], normaliser(pairs.quality.sum())
        if config.main:
            losses["ld_main"] = config.main * (weight * self._sides(raw, lesson, main)).sum() / norm
        if config.classes:
            mine, theirs = self.reading.logits(raw[main]), lesson.logits[main]
            apart = tempered_divergence(mine, theirs, config.class_temperature)
            losses["ld_classes"] = config.classes * (weight * apart).sum() / norm
        if config.valuable:
            worth = self.worth(raw, targets, pairs) * lesson.known
            around = worth.nonzero(as_tuple=True)
            apart = self._sides(raw, lesson, around)
            losses["ld_valuable"] = config.valuable * (worth[around] * apart).sum() / norm
        return losses

    def worth(self, raw: Tensor, targets: Targets, pairs: Assignment) -> Tensor:
        """Weights (B, N) of the valuable region: what is a positive of any object does not belong to it."""
        objects, shape = targets.objects, (raw.shape[0], raw.shape[1])
        worth = valuable_cells(shape, self.grid, self.per_level, objects, self.atss, self.config.share)
        worth[objects.image[pairs.objects], pairs.cells] = 0.0
        return worth

    def _sides(self, raw: Tensor, lesson: Lesson, place: tuple[Tensor, ...]) -> Tensor:
        """Mean divergence of the four sides at P places: (P,)."""
        mine = self.reading.distributions(raw[place]).unflatten(-1, (4, -1))
        return tempered_divergence(mine, lesson.sides[place], self.config.temperature).mean(-1)


def different_bins(who: str, theirs: int, mine: int) -> str:
    """What to say of a teacher whose bins are not the student's."""
    return (
        f"localization: {who} has {theirs + 1} bins a side (reg_max {theirs}), the student {mine + 1} "
        f"(reg_max {mine}); bins are compared one by one: give both the same reg_max, or set localization to "
        "None"
    )

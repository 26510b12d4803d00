"""The weighted sum of all losses of one batch."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from training.assigners.atss import ATSSConfig, assign_atss
from training.assigners.objects import Assignment
from training.assigners.tal import TALConfig, assign_tal
from training.errors import ConfigError
from training.losses.boxes import pair_ciou, pair_giou
from training.losses.distill import box_distillation, overlap_distillation, padded_bins, score_distillation
from training.losses.distribution import GFL_MARGIN, MARGIN, distribution_focal
from training.losses.localization import Localization, LocalizationConfig
from training.losses.quality import quality_focal, smoothed, varifocal
from training.losses.targets import Levels, Soft, Targets
from training.models.reading import GFLReading, Reading, boxes_of, places_of
from training.settings import LATER
from training.together import normaliser

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
        localization: Distillation by region; None leaves it out.
        smoothing: Share of a positive's target that all classes of its cell get alike, see `smoothed`.
        norm: What the sums are divided by, and how much a positive's box counts.
            `quality`: everything by the sum of the positives' qualities, which weigh the boxes as well; a
            quality is 0.02 at least.
            `positives`: as GFL v1 does it (Li et al., NeurIPS 2020, and its published code). Classes by the
            number of positives; boxes weigh as much as the cell's highest score, by the sum of these weights;
            distances of the distributions end 0.1 below the last bin. Distillation by region goes with the
            boxes.
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
    localization: LocalizationConfig | None = field(default=None, metadata=LATER)
    smoothing: float = field(default=0.0, metadata=LATER)
    norm: str = field(default="quality", metadata=LATER)

    def __post_init__(self) -> None:
        """Check the names of the losses, and the share."""
        if self.quality not in ("varifocal", "qfl"):
            raise ConfigError(f"loss: quality is {self.quality!r}, expected varifocal or qfl")
        if self.overlap not in ("giou", "ciou"):
            raise ConfigError(f"loss: overlap is {self.overlap!r}, expected giou or ciou")
        if self.norm not in ("quality", "positives"):
            raise ConfigError(f"loss: norm is {self.norm!r}, expected quality or positives")
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"loss: smoothing is {self.smoothing:g}, expected a share from 0 to below 1")


class Criterion:
    """Losses of raw outputs for inputs of one size: classes by quality, boxes by overlap, a dense teacher."""

    def __init__(
        self,
        size: tuple[int, int],
        config: LossConfig,
        reading: Reading,
        device: torch.device | None = None,
    ) -> None:
        """`size`: height and width of the inputs; `reading`: of the raw outputs.

        Raises:
            ConfigError: Boxes are to be distilled by region, and the outputs hold no distributions.
        """
        self.places = places_of(reading, size, device)
        _, counts = torch.unique(self.places.strides, return_counts=True)
        self.per_level = counts.tolist()  # places of each level, the finest first
        self.teacher = Levels(size, reading.strides, device)
        self.config, self.reading = config, reading
        self.localization: Localization | None = None
        if config.localization:
            grid = self.places.centres, self.places.squares(config.atss.side)
            self.localization = Localization(config.localization, config.atss, reading, grid, self.per_level)

    @torch.no_grad()
    def guide(self, targets: Targets) -> tuple[Tensor, Tensor]:
        """Scores (B, N, C) and boxes (B, N, 4) that steer the assignment while the student knows nothing.

        The teacher's scores; its boxes where it is sure and there are no anchors, elsewhere the anchors or
        squares of 5 strides.
        """
        if targets.soft is None:
            raise ConfigError("guided steps need a dense teacher")
        soft, places = targets.soft, self.places
        scores = self.teacher.scores(soft)
        boxes = places.squares(5.0).repeat(len(scores), 1, 1)
        if places.anchors is not None:
            return scores[:, places.cells], boxes
        top, known = self._top(soft)
        theirs = boxes_of(soft.top_dist, places.centres[top], places.strides[top], soft.reg_max)
        index = top[..., None].expand(-1, -1, 4)
        return scores, boxes.scatter(1, index, theirs.where(known[..., None], boxes.gather(1, index)))

    def _top(self, soft: Soft) -> tuple[Tensor, Tensor]:
        """The teacher's sure cells (B, K), and which of them the student has; others name their last cell."""
        known = soft.top < self.teacher.cells
        return soft.top.clamp(max=self.teacher.cells - 1), known

    @torch.no_grad()
    def pairs(self, raw: Tensor, targets: Targets, assigner: str = "tal") -> Assignment:
        """Which place learns which object.

        Args:
            raw: (B, N, K) float32.
            targets: What the batch shows.
            assigner: `tal`, `atss`, or `guided`: TAL by what the teacher sees instead of the student.
        """
        objects, config, centres = targets.objects, self.config, self.places.centres
        match assigner:
            case "guided":
                return assign_tal(*self.guide(targets), centres, objects, config.tal)
            case "tal":
                boxes = self.reading.boxes(raw, self.places)
                return assign_tal(self.reading.scores(raw), boxes, centres, objects, config.tal)
            case "atss":
                boxes, anchors = self.reading.boxes(raw, self.places), self.places.squares(config.atss.side)
                per_cell = replace(config.atss, topk=config.atss.topk * self.reading.anchors)
                return assign_atss(boxes, (centres, anchors), self.per_level, objects, per_cell)
            case _:
                raise ConfigError(f"assigner is {assigner!r}, expected tal, atss or guided")

    def __call__(self, raw: Tensor, targets: Targets, assigner: str = "tal") -> dict[str, Tensor]:
        """Weighted losses by name; train on their sum. Arguments as in `pairs`."""
        logits = self.reading.logits(raw)
        pairs = self.pairs(raw, targets, assigner)
        weight = self._box_weight(logits, targets, pairs)
        losses = self._supervised(logits, raw, targets, (pairs, weight))
        if targets.soft is not None:
            losses |= self._distilled(logits, raw, targets.soft)
        if self.localization is not None:
            losses |= self.localization(raw, targets, replace(pairs, quality=weight))
        return losses

    def _box_weight(self, logits: Tensor, targets: Targets, pairs: Assignment) -> Tensor:
        """How much the box of each positive counts: (P,), no gradients."""
        if self.config.norm == "quality":
            return pairs.quality.clamp(min=MIN_QUALITY)
        image = targets.objects.image[pairs.objects]
        return logits.detach()[image, pairs.cells].sigmoid().amax(-1)

    def _supervised(
        self, logits: Tensor, raw: Tensor, targets: Targets, positives: tuple[Assignment, Tensor]
    ) -> dict[str, Tensor]:
        """Losses of classes and boxes; `positives`: the pairs, and the weights (P,) of their boxes."""
        config, objects, (pairs, weight) = self.config, targets.objects, positives
        by_quality = config.norm == "quality"
        image = objects.image[pairs.objects]
        target = torch.zeros_like(logits)
        entries = image, pairs.cells, objects.classes[pairs.objects]
        target[entries] = weight if by_quality else pairs.quality
        positive = torch.zeros_like(target, dtype=torch.bool)
        positive[entries] = True
        norm = normaliser(target.sum() if by_quality else weight.new_tensor(len(weight)))
        quality = varifocal if config.quality == "varifocal" else quality_focal
        ignore = targets.ignore[:, self.places.cells]
        wanted = smoothed(target, config.smoothing, positive)
        losses = {"cls": config.cls * quality(logits, wanted, ignore, positive) / norm}

        norm = norm if by_quality else normaliser(weight.sum())
        chosen, truth = raw[image, pairs.cells], objects.boxes[pairs.objects]
        places = self.places[pairs.cells]
        overlap = pair_giou if config.overlap == "giou" else pair_ciou
        fit = overlap(self.reading.boxes(chosen, places), truth)
        losses[config.overlap] = config.box * (weight * (1 - fit)).sum() / norm
        if isinstance(self.reading, GFLReading):
            centre, stride = places.centres, places.strides
            distance = torch.cat([centre - truth[:, :2], truth[:, 2:] - centre], -1) / stride[:, None]
            sides = self.reading.distributions(chosen)
            margin = MARGIN if by_quality else GFL_MARGIN
            sharp = distribution_focal(sides, distance, self.reading.reg_max, margin)
            losses["dfl"] = config.dfl * (weight * sharp).sum() / norm
        return losses

    def _distilled(self, logits: Tensor, raw: Tensor, soft: Soft) -> dict[str, Tensor]:
        config, losses = self.config, {}
        best, speaker = logits.unflatten(1, (-1, self.reading.anchors)).max(2)  # an anchor speaks for a cell
        if config.distill_score:
            scores = self.teacher.scores(soft)
            losses["distill_score"] = config.distill_score * score_distillation(best, scores)
        if config.distill_box:
            top, known = self._top(soft)
            score, label = soft.scores.gather(1, _wide(soft.top, soft.scores)).max(-1)
            place = top * self.reading.anchors
            if self.reading.anchors > 1:
                said = speaker.gather(1, _wide(top, speaker))
                place = place + said.gather(2, label[..., None])[..., 0]
            mine = raw.gather(1, _wide(place, raw))
            losses["distill_box"] = config.distill_box * self._boxes_distilled(
                mine, place, soft, score * known
            )
        return losses

    def _boxes_distilled(self, mine: Tensor, place: Tensor, soft: Soft, score: Tensor) -> Tensor:
        """Distributions where the student has them, else the overlap with the teacher's boxes."""
        if isinstance(self.reading, GFLReading):
            theirs = padded_bins(soft.top_dist, soft.reg_max, self.reading.reg_max)
            own = self.reading.distributions(mine).unflatten(-1, (4, -1))
            return box_distillation(own, theirs, score)
        places = self.places[place]
        theirs = boxes_of(soft.top_dist, places.centres, places.strides, soft.reg_max)
        return overlap_distillation(self.reading.boxes(mine, places), theirs, score)


def _wide(index: Tensor, like: Tensor) -> Tensor:
    """Index (B, K) for `gather` along the places of (B, N, K')."""
    return index[..., None].expand(-1, -1, like.shape[-1])

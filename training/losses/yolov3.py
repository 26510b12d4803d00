"""Paper A's equation 5: YOLO's loss over all cells and anchors.

Redmon and Farhadi 2018, section 2.1: one anchor is responsible for an object, that of the cell with its
centre whose shape fits best; squared errors of its place and of the logarithms of its sides, cross entropies
of objectness and classes. Anchors that are not responsible learn that nothing is there, with less weight,
unless what they predict overlaps an object anyway.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.assigners.objects import Assignment, no_pairs, sole_owner
from training.errors import ConfigError
from training.losses.boxes import pair_iou
from training.losses.targets import Targets
from training.models.reading import AnchorReading, Places, Reading, places_of
from training.together import normaliser

EPSILON = 1e-6


@dataclass(frozen=True, kw_only=True)
class YoloV3Config:
    """Weights of equation 5.

    Attributes:
        coord: Of places and sides.
        nothing: Of the objectness of anchors that are not responsible.
        overlap: IoU with an object from which such an anchor is left alone.
    """

    coord: float = 5.0
    nothing: float = 0.5
    overlap: float = 0.5


class YoloV3Criterion:
    """Equation 5 for inputs of one size; a dense teacher has no place in it."""

    def __init__(
        self,
        size: tuple[int, int],
        config: YoloV3Config,
        reading: Reading,
        device: torch.device | None = None,
    ) -> None:
        """`size`: height and width of the inputs. Raises ConfigError for heads without anchors."""
        if not isinstance(reading, AnchorReading):
            raise ConfigError("loss yolov3 needs a head with anchors: mobilenet-yolo")
        self.places, self.config, self.reading = places_of(reading, size, device), config, reading

    @torch.no_grad()
    def pairs(self, raw: Tensor, targets: Targets, assigner: str = "") -> Assignment:
        """The responsible anchor of each object; `assigner` is not asked. Quality is 1."""
        objects, places = targets.objects, self.places
        if len(objects.boxes) == 0:
            return no_pairs(raw)
        middle, sides = _middle_and_sides(objects.boxes)
        within = _inside_cell(middle, places)
        own = places.squares(1.0) - places.centres.repeat(1, 2)  # around the origin: shapes alone
        fit = pair_iou(own[None], torch.cat([-sides / 2, sides / 2], 1)[:, None]) * within
        overlap, place = fit.max(1)
        obj = torch.arange(len(sides), device=raw.device)
        count = len(places.strides)
        won = sole_owner(objects.image * count + place, obj, overlap, len(raw) * count)
        return Assignment(obj[won], place[won], torch.ones_like(overlap[won]))

    def __call__(self, raw: Tensor, targets: Targets, assigner: str = "") -> dict[str, Tensor]:
        """Weighted losses by name, per object; train on their sum.

        Args:
            raw: (B, N, 5 + C) float32.
            targets: What the batch shows.
            assigner: Not asked.
        """
        objects, config, pairs = targets.objects, self.config, self.pairs(raw, targets)
        image, norm = objects.image[pairs.objects], normaliser(raw.new_tensor(len(pairs.objects)))
        chosen, truth = raw[image, pairs.cells], objects.boxes[pairs.objects]
        there = torch.zeros_like(raw[..., 4])
        there[image, pairs.cells] = 1.0
        objectness = F.binary_cross_entropy_with_logits(raw[..., 4], there, reduction="none")
        nothing = (there == 0) & ~self._left_alone(raw, targets)
        kind = F.one_hot(objects.classes[pairs.objects], self.reading.classes).float()
        known = ~targets.ignore[image, self.places.cells[pairs.cells]] | (kind > 0)
        classes = F.binary_cross_entropy_with_logits(chosen[:, 5:], kind, reduction="none") * known
        return {
            "coord": config.coord * self._coordinates(chosen, truth, self.places[pairs.cells]) / norm,
            "object": (objectness * there).sum() / norm,
            "nothing": config.nothing * (objectness * nothing).sum() / norm,
            "cls": classes.sum() / norm,
        }

    def _coordinates(self, chosen: Tensor, truth: Tensor, places: Places) -> Tensor:
        """Squared errors; those of small objects count up to twice, as in YOLOv3's own code."""
        if places.anchors is None:
            raise ConfigError("loss yolov3 needs anchors")
        middle, sides = _middle_and_sides(truth)
        wanted = (middle - places.centres) / places.strides[:, None]
        place = self.reading.reach * (chosen[:, :2].sigmoid() - 0.5)
        logarithm = (sides / places.anchors).clamp(min=EPSILON).log()
        whole = self.places.centres[-1] + self.places.strides[-1] / 2  # width and height of the input
        small = 2 - (sides / whole).prod(1).clamp(max=1)
        error = (place - wanted).square().sum(1) + (chosen[:, 2:4] - logarithm).square().sum(1)
        return (small * error).sum()

    @torch.no_grad()
    def _left_alone(self, raw: Tensor, targets: Targets) -> Tensor:
        """(B, N) bool: predictions that overlap an object, and cells in which a class is unknown."""
        objects = targets.objects
        alone = targets.ignore.any(-1)[:, self.places.cells]
        if len(objects.boxes) == 0:
            return alone
        boxes = self.reading.boxes(raw, self.places)
        close = pair_iou(boxes[objects.image], objects.boxes[:, None]) > self.config.overlap
        count = torch.zeros_like(raw[..., 4]).index_add_(0, objects.image, close.float())
        return alone | (count > 0)


def _middle_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres (G, 2), and widths and heights (G, 2)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _inside_cell(points: Tensor, places: Places) -> Tensor:
    """(G, N) bool: the point lies in the place's cell; cells own their left and upper edge."""
    offset = (points[:, None] - places.centres) / places.strides[:, None]
    return ((offset >= -0.5) & (offset < 0.5)).all(-1)

"""What raw outputs mean: how scores and boxes are read from them. One reading a head.

A place is what makes one prediction: a cell of the grid, or a cell and one of its anchors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from training.grid import STRIDES, level_shapes
from training.models.shapes import Anchors

LONGEST = 4.0  # logarithm of the largest factor on an anchor's sides: exp(4) = 55


@dataclass(frozen=True)
class Places:
    """Where predictions are made; N places, level after level, row after row.

    Attributes:
        centres: (N, 2) x, y of their cells' centres, in pixels of the input.
        strides: (N,) pixels.
        cells: (N,) int64 number of the cell in `grid.cell_grid` of all strides.
        anchors: (N, 2) width and height in pixels; None for heads without anchors.
    """

    centres: Tensor
    strides: Tensor
    cells: Tensor
    anchors: Tensor | None = None

    def __getitem__(self, index: Tensor) -> "Places":
        """Some of them; axes of `index` take the place of the first."""
        anchors = None if self.anchors is None else self.anchors[index]
        return Places(self.centres[index], self.strides[index], self.cells[index], anchors)

    def squares(self, side: float) -> Tensor:
        """Boxes (N, 4) around the centres: the anchors, or squares of `side` strides where there are none."""
        half = (side * self.strides[:, None] if self.anchors is None else self.anchors) / 2
        return torch.cat([self.centres - half, self.centres + half], 1)


class Reading(Protocol):
    """How the raw outputs of a head are read.

    Attributes:
        strides: Of the levels, in pixels.
        classes: Number of classes.
        anchors: Predictions of a cell.
    """

    strides: tuple[int, ...]
    classes: int
    anchors: int

    def flatten(self, levels: Sequence[Tensor]) -> Tensor:
        """Raw outputs per level (B, K, h, w) to (B, N, …) float32, in the order of the places."""

    def expand(self, cells: Places, level: int) -> Places:
        """The places of the cells of a level."""

    def logits(self, raw: Tensor) -> Tensor:
        """Raw outputs (…, K) to logits (…, C) whose sigmoid is the score."""

    def scores(self, raw: Tensor) -> Tensor:
        """Raw outputs (…, K) to scores (…, C) in 0..1."""

    def boxes(self, raw: Tensor, places: Places) -> Tensor:
        """Raw outputs (…, K) at places (…) to boxes (…, 4), xyxy in pixels of the input."""


def cell_places(rows: int, columns: int, stride: int, device: torch.device | None = None) -> Places:
    """The cells of a level; numbers count from 0."""
    y = (torch.arange(rows, device=device, dtype=torch.float32) + 0.5) * stride
    x = (torch.arange(columns, device=device, dtype=torch.float32) + 0.5) * stride
    grid = torch.stack([x[None, :].expand(rows, columns), y[:, None].expand(rows, columns)], -1)
    centres = grid.reshape(-1, 2)
    strides = torch.full_like(centres[:, 0], float(stride))
    return Places(centres, strides, torch.arange(rows * columns, device=device))


def places_of(reading: Reading, size: tuple[int, int], device: torch.device | None = None) -> Places:
    """All places for an input of (height, width)."""
    parts, first = [], 0
    for stride, (rows, columns) in zip(STRIDES, level_shapes(*size), strict=True):
        if stride in reading.strides:
            cells = cell_places(rows, columns, stride, device)
            numbered = Places(cells.centres, cells.strides, cells.cells + first)
            parts.append(reading.expand(numbered, reading.strides.index(stride)))
        first += rows * columns
    return joined(parts)


def joined(parts: Sequence[Places]) -> Places:
    """Places of several levels as one."""
    anchors = [part.anchors for part in parts if part.anchors is not None]
    return Places(
        torch.cat([part.centres for part in parts]),
        torch.cat([part.strides for part in parts]),
        torch.cat([part.cells for part in parts]),
        torch.cat(anchors) if anchors else None,
    )


def product_logits(first: Tensor, second: Tensor) -> Tensor:
    """Logits z with sigmoid(z) = sigmoid(first) sigmoid(second), exact where the product of scores is not.

    1 / ((1 + exp(-a)) (1 + exp(-b))) = 1 / (1 + exp(-a) + exp(-b) + exp(-a - b)).
    """
    first, second = torch.broadcast_tensors(first, second)
    return -torch.stack([-first, -second, -first - second]).logsumexp(0)


def rows_of(level: Tensor) -> Tensor:
    """A level (B, K, h, w) as (B, h w, K)."""
    return level.permute(0, 2, 3, 1).reshape(level.shape[0], -1, level.shape[1])


def boxes_of(distributions: Tensor, centres: Tensor, strides: Tensor, reg_max: int) -> Tensor:
    """Boxes from distribution logits.

    Args:
        distributions: (…, 4 (reg_max + 1)) logits of left, top, right, bottom.
        centres: (…, 2) cell centres in pixels.
        strides: (…) pixels.
        reg_max: Last bin.

    Returns:
        (…, 4) xyxy pixels: centre -/+ expected distance x stride.
    """
    share = distributions.reshape(*distributions.shape[:-1], 4, reg_max + 1).softmax(-1)
    bins = torch.arange(reg_max + 1, dtype=share.dtype, device=share.device)
    side = (share * bins).sum(-1) * strides[..., None]
    return torch.cat([centres - side[..., :2], centres + side[..., 2:]], -1)


class GFLReading:
    """GFL: class logits, four distributions, and with `quality` the logit that multiplies all scores (v2)."""

    anchors = 1

    def __init__(self, classes: int, reg_max: int, strides: tuple[int, ...], quality: bool = False) -> None:
        """`reg_max`: last bin of a side, in strides."""
        self.classes, self.reg_max, self.strides, self.quality = classes, reg_max, strides, quality

    def flatten(self, levels: Sequence[Tensor]) -> Tensor:
        """See `Reading`."""
        return torch.cat([rows_of(x) for x in levels], 1).float()

    def expand(self, cells: Places, level: int) -> Places:
        """See `Reading`."""
        return cells

    def logits(self, raw: Tensor) -> Tensor:
        """See `Reading`."""
        own = raw[..., : self.classes]
        return product_logits(own, raw[..., -1:]) if self.quality else own

    def scores(self, raw: Tensor) -> Tensor:
        """See `Reading`."""
        own = raw[..., : self.classes].sigmoid()
        return own * raw[..., -1:].sigmoid() if self.quality else own

    def distributions(self, raw: Tensor) -> Tensor:
        """Logits (…, 4 (reg_max + 1)) of left, top, right, bottom."""
        return raw[..., self.classes : self.classes + 4 * (self.reg_max + 1)]

    def boxes(self, raw: Tensor, places: Places) -> Tensor:
        """See `Reading`."""
        return boxes_of(self.distributions(raw), places.centres, places.strides, self.reg_max)


class AnchorReading:
    """YOLOv3: of every anchor x, y, logarithms of width and height, objectness, classes.

    Centre = cell centre + reach (sigmoid - 0.5) strides; sides = anchor x exp; score = objectness x class.
    """

    def __init__(self, classes: int, anchors: Anchors, strides: tuple[int, ...], reach: float) -> None:
        """`anchors`: in pixels; `reach`: strides over which a centre can move."""
        self.classes, self.sides, self.strides, self.reach = classes, anchors, strides, reach
        self.anchors = len(anchors[0])

    def flatten(self, levels: Sequence[Tensor]) -> Tensor:
        """See `Reading`; the anchors of a cell are neighbours."""
        rows = [rows_of(x) for x in levels]
        return torch.cat([x.reshape(x.shape[0], -1, 5 + self.classes) for x in rows], 1).float()

    def expand(self, cells: Places, level: int) -> Places:
        """See `Reading`."""
        # made of the cells, no constant: a program of torch.export keeps weights alone, on one device
        sides = [torch.full_like(cells.strides, side) for anchor in self.sides[level] for side in anchor]
        return Places(
            cells.centres[:, None].expand(-1, self.anchors, -1).reshape(-1, 2),
            cells.strides[:, None].expand(-1, self.anchors).reshape(-1),
            cells.cells[:, None].expand(-1, self.anchors).reshape(-1),
            torch.stack(sides, 1).reshape(-1, 2),
        )

    def logits(self, raw: Tensor) -> Tensor:
        """See `Reading`."""
        return product_logits(raw[..., 5:], raw[..., 4:5])

    def scores(self, raw: Tensor) -> Tensor:
        """See `Reading`."""
        return raw[..., 5:].sigmoid() * raw[..., 4:5].sigmoid()

    def boxes(self, raw: Tensor, places: Places) -> Tensor:
        """See `Reading`."""
        moved = self.reach * (raw[..., :2].sigmoid() - 0.5) * places.strides[..., None]
        centre = places.centres + moved
        half = places.anchors * raw[..., 2:4].clamp(-LONGEST, LONGEST).exp() / 2
        return torch.cat([centre - half, centre + half], -1)


class MapReading:
    """Maps to be compared with other maps: they hold neither scores nor boxes."""

    def flatten(self, levels: Sequence[Tensor]) -> Tensor:
        """Maps per level (B, K, h, w) to (B, M) float32: all values of all levels."""
        return torch.cat([x.flatten(1) for x in levels], 1).float()

"""What is assigned to what: the objects of a batch, and their pairs with cells."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Objects:
    """The objects of a batch.

    Attributes:
        image: (G,) int64 row of the batch.
        boxes: (G, 4) float32 xyxy pixels of the input.
        classes: (G,) int64.
    """

    image: Tensor
    boxes: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Assignment:
    """P pairs of object and cell; a cell belongs to one object at most.

    Attributes:
        objects: (P,) int64 index into `Objects`.
        cells: (P,) int64.
        quality: (P,) float32 score target in 0..1.
    """

    objects: Tensor
    cells: Tensor
    quality: Tensor


def no_pairs(like: Tensor) -> Assignment:
    """The assignment of a batch without objects, on the device of `like` (float32)."""
    none = torch.zeros(0, dtype=torch.long, device=like.device)
    return Assignment(none, none, like.new_zeros(0))


def inside(centres: Tensor, boxes: Tensor, min_half: float) -> Tensor:
    """Which centres (N, 2) lie inside which boxes (G, 4): (G, N) bool.

    Sides shorter than 2 x `min_half` pixels count as so long.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    middle, half = (low + high) / 2, ((high - low) / 2).clamp(min=min_half)
    return ((centres[None] - middle[:, None]).abs() < half[:, None]).all(-1)


def sole_owner(place: Tensor, obj: Tensor, overlap: Tensor, places: int) -> Tensor:
    """Where several objects want one cell: the highest overlap wins; of equal ones the first object.

    Args:
        place: (P,) int64 cell in the batch, image x cells + cell.
        obj: (P,) int64 object that wants it.
        overlap: (P,) float32.
        places: Cells of the whole batch.

    Returns:
        (P,) bool: the pair stands.
    """
    best = overlap.new_full((places,), -1.0).scatter_reduce(0, place, overlap, "amax")
    won = overlap >= best[place]
    last = torch.iinfo(obj.dtype).max
    first = obj.new_full((places,), last).scatter_reduce(0, place, obj.where(won, last), "amin")
    return won & (obj == first[place])

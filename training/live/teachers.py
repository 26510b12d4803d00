"""Dense teachers on the training device: what they see in each of our cells, one alone or several merged.

`data.teacher` is PicoDet's CPU form for the caches.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.teacher import LEVELS, MEAN, STD, columns_of
from training.errors import ConfigError
from training.losses.targets import Soft
from training.models.onnx_graph import OnnxGraph

NANODET_MEAN, NANODET_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
COCO_CLASSES = 80
BINS = 8


class Sight(NamedTuple):
    """What a teacher sees: scores (B, N, C) in 0..1, probabilities of its boxes' sides (B, N, 4, bins)."""

    scores: Tensor
    sides: Tensor


class PicoDet(nn.Module):
    """PicoDet: its cells are ours, its scores are past the sigmoid."""

    mean: Tensor
    std: Tensor

    def __init__(self, graph: OnnxGraph) -> None:
        """`graph`: eight outputs, classes then sides of four levels."""
        super().__init__()
        self.graph = graph
        self.register_buffer("mean", torch.tensor(MEAN[::-1] * 255)[:, None, None])  # of BGR in 0..255
        self.register_buffer("std", torch.tensor(STD[::-1] * 255)[:, None, None])

    def forward(self, views: Tensor, columns: Tensor) -> Sight:
        """Look at views (B, 3, H, W) BGR in 0..255; `columns`: COCO's numbers of our classes."""
        x = ((views - self.mean) / self.std).flip(1)
        out = self.graph(x.contiguous(memory_format=torch.channels_last))
        scores = torch.cat([level[..., columns] for level in out[:LEVELS]], 1)
        return Sight(scores.float(), torch.cat(out[LEVELS:], 1).float().unflatten(-1, (4, BINS)).softmax(-1))


class NanoDet(nn.Module):
    """NanoDet-Plus: its cells lie on multiples of the stride, ours between four of them."""

    mean: Tensor
    std: Tensor

    def __init__(self, graph: OnnxGraph) -> None:
        """`graph`: an output a level, class logits then sides."""
        super().__init__()
        self.graph = graph
        self.register_buffer("mean", torch.tensor(NANODET_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(NANODET_STD)[:, None, None])

    def forward(self, views: Tensor, columns: Tensor) -> Sight:
        """As `PicoDet`."""
        x = (views - self.mean) / self.std
        levels = []
        for out in self.graph(x.contiguous(memory_format=torch.channels_last)):
            scores = out[:, columns].float().sigmoid()
            sides = out[:, COCO_CLASSES:].float().unflatten(1, (4, BINS)).softmax(2)
            levels.append(between_cells(scores, sides))
        return Sight(*(torch.cat(parts, 1) for parts in zip(*levels, strict=True)))


def between_cells(scores: Tensor, sides: Tensor) -> Sight:
    """Carry a level from cells at (index) x stride to cells at (index + 0.5) x stride.

    Scores are the mean of the four cells around; their sides are shifted by half a bin each and mixed by
    score.

    Args:
        scores: (B, C, h, w).
        sides: (B, 4, bins, h, w) probabilities: left, top, right, bottom.

    Returns:
        Scores (B, h w, C) and sides (B, h w, 4, bins).
    """
    longer, shorter = _half_bin(sides, 1), _half_bin(sides, -1)
    total, mixed, weights = torch.zeros_like(scores), torch.zeros_like(sides), scores.new_full((), 1e-9)
    for dy in (0, 1):
        for dx in (0, 1):  # the cell before ours is farther from the right side's point of view, and so on
            x_first, x_last = (shorter, longer) if dx else (longer, shorter)
            y_first, y_last = (shorter, longer) if dy else (longer, shorter)
            moved = torch.stack([x_first[:, 0], y_first[:, 1], x_last[:, 2], y_last[:, 3]], 1)
            near = F.pad(scores, (0, dx, 0, dy))[..., dy:, dx:]
            weight = near.amax(1)[:, None, None]
            total = total + near / 4
            mixed = mixed + weight * F.pad(moved, (0, dx, 0, dy))[..., dy:, dx:]
            weights = weights + weight
    sides = mixed / weights
    return Sight(total.flatten(2).mT, sides.flatten(3).permute(0, 3, 1, 2))


def _half_bin(sides: Tensor, way: int) -> Tensor:
    """Probabilities (B, 4, bins, h, w) of sides that are half a stride longer (`way` 1) or shorter (-1)."""
    moved = sides.roll(way, 2)
    first, last = (0, -1) if way > 0 else (-1, 0)
    moved[:, :, last] += sides[:, :, last]  # the last bin has no further one to give to
    moved[:, :, first] = 0
    return (sides + moved) / 2


def open_teacher(path: Path) -> PicoDet | NanoDet:
    """The teacher in a file, known by its outputs."""
    graph = OnnxGraph(path)
    match len(graph.outputs):
        case 8:
            return PicoDet(graph)
        case 4:
            return NanoDet(graph)
        case n:
            raise ConfigError(f"{path}: {n} outputs, neither PicoDet (8) nor NanoDet-Plus (4)")


class LiveTeachers:
    """One or more teachers that look at the same views; float16 on CUDA."""

    def __init__(self, paths: Sequence[Path], labels: Sequence[str], top: int, device: torch.device) -> None:
        """`labels`: our classes; `top`: cells of a view whose distributions are kept, if it has so many."""
        self.teachers = [open_teacher(path).to(device) for path in paths]
        if device.type == "cuda":
            for teacher in self.teachers:
                teacher.graph.half()
        self.columns = torch.tensor(columns_of(labels), device=device)
        self.top = top

    @torch.no_grad()
    def __call__(self, views: Tensor) -> Soft:
        """Look at views (B, 3, H, W) BGR in 0..255.

        Scores are the teachers' mean; distributions are their mixture, by the score of each in that cell.
        """
        sights = [teacher(views, self.columns) for teacher in self.teachers]
        scores = torch.stack([sight.scores for sight in sights]).mean(0)
        cells = scores.amax(2).topk(min(self.top, scores.shape[1]), sorted=False).indices
        mixed, weights = 0.0, 1e-9
        for sight in sights:
            weight = sight.scores.amax(2).gather(1, cells)[..., None, None]
            index = cells[..., None, None].expand(-1, -1, 4, BINS)
            mixed, weights = mixed + weight * sight.sides.gather(1, index), weights + weight
        return Soft(scores, cells, (mixed / weights).clamp(min=1e-6).log().flatten(2))

"""Batches by number: a step always gives the same batch, so a resumed run sees what it would have seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.assigners.objects import Objects
from training.data.cache import TAPS, FeatureCache
from training.data.redraw import ViewPainter
from training.engine.config import StageConfig
from training.losses.targets import Soft, Targets
from training.models.backbone import MobileNetV2


@dataclass(frozen=True)
class Batch:
    """Inputs of the model and what they show.

    Attributes:
        inputs: Taps, the stride-8 tap, or pictures (B, H, W, 3) uint8.
        targets: What they show.
        size: Height and width of the pictures.
    """

    inputs: list[Tensor]
    targets: Targets
    size: tuple[int, int]

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return replace(
            self,
            inputs=[x.to(device, non_blocking=True) for x in self.inputs],
            targets=self.targets.to(device),
        )


@dataclass(frozen=True)
class Share:
    """Which part of every batch belongs to this process: part `rank` of `ranks`, all of the same size."""

    rank: int = 0
    ranks: int = 1

    def first(self, step: int, batch: int) -> int:
        """Where a process's `batch` images of a step begin in the order of all."""
        return (step * self.ranks + self.rank) * batch


class Order:
    """An endless shuffled order of items, addressed by position; every epoch is shuffled anew."""

    def __init__(self, items: NDArray[np.int64], seed: tuple[int, ...], share: Share | None = None) -> None:
        """`seed`: with the epoch it decides the shuffle; `share`: of every batch, all of it by default."""
        self.items, self.seed, self.share = items, seed, share or Share()
        self._epoch, self._shuffled = -1, items

    def rows(self, start: int, count: int) -> list[int]:
        """Items at positions start … start + count - 1."""
        return [self._at(position) for position in range(start, start + count)]

    def _at(self, position: int) -> int:
        epoch, place = divmod(position, len(self.items))
        if epoch != self._epoch:
            self._shuffled = np.random.default_rng((*self.seed, epoch)).permutation(self.items)
            self._epoch = epoch
        return int(self._shuffled[place])


def unpack_bits(bits: Tensor, classes: int) -> Tensor:
    """Bytes (B, N) or (B, N, bytes) of `cache.pack` to flags (B, N, classes)."""
    whole = bits.flatten(2) if bits.ndim > 2 else bits[..., None]
    flags = (whole[..., None] & (2 ** torch.arange(8, dtype=torch.uint8))) != 0
    return flags.flatten(2)[..., :classes]


class CachedBatches:
    """Batches of one process from the feature cache."""

    def __init__(
        self,
        cache: FeatureCache,
        config: StageConfig,
        rank: int = 0,
        ranks: int = 1,
        files: Sequence[str] = (),
        share: Share | None = None,
    ) -> None:
        """Open the batches of one process.

        Args:
            cache: The views.
            config: Its `batch` is that of this process.
            rank: Every `ranks`-th view belongs to this process, from this one on.
            ranks: Processes that train on views of their own.
            files: Names of the pictures.
            share: Of every batch, where processes share them; all of it by default.
        """
        self.cache, self.config, self.files = cache, config, files
        self.order = Order(np.arange(rank, len(cache), ranks), (config.seed, rank), share)
        self.names = TAPS if config.entry == "taps" else TAPS[:1]
        rows, columns = cache["tap8"].shape[2:]
        self.size = (8 * rows, 8 * columns)

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        rows = self.rows(step)
        return Batch([self.tap(name, rows) for name in self.names], self.targets(rows), self.size)

    def rows(self, step: int) -> list[int]:
        """Rows of the cache that batch number `step` is made of."""
        return self.order.rows(self.order.share.first(step, self.config.batch), self.config.batch)

    def _name(self, row: int) -> str:
        picture = int(self.cache["index"][row])
        file = self.files[picture] if self.files else f"picture {picture}"
        return f"{file} (view {row} of {self.cache.folder.name})"

    def tap(self, name: str, rows: list[int]) -> Tensor:
        """Features (B, C, h, w) float32 of these rows."""
        x = torch.from_numpy(np.stack([self.cache[name][r] for r in rows]))
        return x.to(torch.float32, memory_format=torch.channels_last)

    def targets(self, rows: list[int]) -> Targets:
        """What these rows show."""
        field = {
            n: np.stack([self.cache[n][r] for r in rows])
            for n in ("soft", "top", "top_dist", "ignore", "boxes")
        }
        count = [int(self.cache["count"][r]) for r in rows]
        boxes = np.concatenate([b[:c] for b, c in zip(field["boxes"], count, strict=True)]).astype(np.float32)
        objects = torch.from_numpy(boxes)
        image = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(count))
        scores = torch.from_numpy(field["soft"]).float().div_(255).square_()  # see `cache.encode_score`
        return Targets(
            objects=Objects(image, objects[:, :4].contiguous(), objects[:, 4].long()),
            ignore=unpack_bits(torch.from_numpy(field["ignore"]), scores.shape[-1]),
            soft=Soft(
                scores, torch.from_numpy(field["top"]).long(), torch.from_numpy(field["top_dist"]).float()
            ),
            names=tuple(self._name(row) for row in rows),
        )


class ViewBatches:
    """Batches of the pictures behind cached views, with what the cache knows of them."""

    def __init__(
        self,
        cached: CachedBatches,
        painter: ViewPainter,
        imitates: bool = False,
        imitated: MobileNetV2 | None = None,
    ) -> None:
        """Draw the views of `cached`.

        Args:
            cached: Says which views a batch has.
            painter: Draws them.
            imitates: Whether the targets hold features.
            imitated: The network whose features above stride 8 these are; None: the cached ones.
        """
        self.cached, self.painter, self.imitates = cached, painter, imitates
        self.imitated = imitated.eval().requires_grad_(False) if imitated else None

    def batch(self, step: int) -> Batch:
        """Batch number `step`; its input is pictures (B, H, W, 3) uint8."""
        rows = self.cached.rows(step)
        targets = self.cached.targets(rows)
        if self.imitates:
            targets = replace(targets, taps=self._features(rows))
        pictures = torch.from_numpy(self.painter(self.cached.cache, rows))
        return Batch([pictures], targets, self.cached.size)

    @torch.no_grad()
    def _features(self, rows: list[int]) -> tuple[Tensor, ...]:
        if self.imitated is None:
            return tuple(self.cached.tap(name, rows) for name in TAPS)
        tap8 = self.cached.tap(TAPS[0], rows)
        return (tap8, *self.imitated.high(tap8))


class BatchesInTurn:
    """Batches of several sources in turn: all processes see the same source, so the same size, at a step."""

    def __init__(self, sources: Sequence[CachedBatches | ViewBatches]) -> None:
        """A source that is named twice comes twice as often; it is read on, not anew."""
        self.sources = sources

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        place, number = self.at(step)
        return self.sources[place].batch(number)

    def at(self, step: int) -> tuple[int, int]:
        """Which source batch number `step` comes from, and its number there."""
        turn, place = divmod(step, len(self.sources))
        source = self.sources[place]
        before = sum(s is source for s in self.sources[:place])
        return place, turn * sum(s is source for s in self.sources) + before

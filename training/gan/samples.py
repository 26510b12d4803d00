"""Patches drawn by a trained generator, and sheets of them for people."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.draw import draw_box, save_grid
from training.errors import DataError
from training.gan.networks import Generator, to_patches
from training.gan.patches import Patch, box_of

TRIES = 40
ENLARGED = 2  # times, on a sheet


def latent(rng: np.random.Generator, count: int, generator: Generator) -> torch.Tensor:
    """Latent numbers (count, Z) float32 on the CPU: the same ones for every device."""
    return torch.from_numpy(rng.standard_normal((count, generator.config.latent), np.float32))


def sampled(generator: Generator, z_BZ: torch.Tensor) -> NDArray[np.uint8]:
    """Patches (B, S, S, 4) uint8 of a generator in evaluation mode, on its device."""
    device = next(generator.parameters()).device
    with torch.no_grad():
        patches: NDArray[np.uint8] = to_patches(generator(z_BZ.to(device))).cpu().numpy()
    return patches


class DrawnPatches:
    """Patches that a generator draws; those whose mask shows no box are drawn again."""

    def __init__(self, generator: Generator) -> None:
        """`generator`: in evaluation mode."""
        self.generator = generator
        self.drawn = self.dropped = 0

    def draw(self, rng: np.random.Generator) -> Patch:
        """See `Patches`.

        Raises:
            DataError: None of `TRIES` samples had a box.
        """
        for _ in range(TRIES):
            patch = sampled(self.generator, latent(rng, 1, self.generator))[0]
            self.drawn += 1
            box = box_of(patch[..., 3])
            if box is not None:
                return Patch(np.ascontiguousarray(patch[..., :3]), box)
            self.dropped += 1
        raise DataError(f"{TRIES} samples in a row have no readable box: train the GAN for longer")

    @property
    def readable(self) -> float:
        """Share of the samples drawn so far that have a box."""
        return 1 - self.dropped / max(self.drawn, 1)


def draw_sheet(patches: Sequence[NDArray[np.uint8]], path: Path) -> Path:
    """Write patches (S, S, 4) as a PNG, enlarged, eight a row; below each row the same with their boxes."""
    tiles: list[NDArray[np.uint8]] = []
    for first in range(0, len(patches), 8):
        row = [cv2.resize(p[..., :3], None, fx=ENLARGED, fy=ENLARGED) for p in patches[first : first + 8]]
        boxed = [tile.copy() for tile in row]
        for tile, patch in zip(boxed, patches[first : first + 8], strict=True):
            box = box_of(patch[..., 3])
            if box is not None:
                draw_box(tile, ENLARGED * box, "", 0)
        blank = [np.zeros_like(row[0])] * (8 - len(row))
        tiles += [np.asarray(tile, np.uint8) for tile in (*row, *blank, *boxed, *blank)]
    return save_grid(tiles, path, 8)

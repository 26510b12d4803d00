"""Pictures on the device and the views that are painted from them, by two matrix products a layer.

Scale, shift, mirror, letterbox and the rectangle of a mosaic's part are all independent in x and y: a part is
A_y P A_x^T, where a row of A holds the shares of a picture's rows (columns) in one row (column) of the view.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.data.augment import GREY
from training.data.records import Record
from training.live.sketch import Round

CHUNK = 256


class Pictures:
    """All pictures of a data set, decoded, in the memory of one device: n x 3 x side x side bytes."""

    def __init__(self, file: Path, records: Sequence[Record], device: torch.device) -> None:
        """`file`: the `.npy` of `decode_images`."""
        store = np.load(file, mmap_mode="r")
        n, side = store.shape[:2]
        self.pixels = torch.empty((n, 3, side, side), dtype=torch.uint8, device=device)
        for k in range(0, n, CHUNK):
            part = torch.from_numpy(np.ascontiguousarray(store[k : k + CHUNK].transpose(0, 3, 1, 2)))
            self.pixels[k : k + CHUNK] = part.to(device)
        sizes = [(r.width, r.height) for r in records]
        self.sizes = torch.tensor(sizes, dtype=torch.float32, device=device)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.pixels.device


def axis_shares(
    scale: Tensor, offset: Tensor, length: Tensor, rect: Tensor, shape: tuple[int, int]
) -> Tensor:
    """Shares of a picture's columns in the columns of the canvas (or rows in rows).

    Linear interpolation; below half size the triangle widens with the picture's pixels, so that none is left
    out. At the picture's edge the shares fade within half a pixel, outside the rectangle they are 0.

    Args:
        scale: (L,) canvas pixels per picture pixel; negative mirrors.
        offset: (L,) canvas place of the picture's pixel edge 0.
        length: (L,) pixels of the picture.
        rect: (L, 2) from, to.
        shape: Pixels of the canvas, pixels of the store.

    Returns:
        (L, *shape) float32; rows sum to what of the pixel is covered, 0..1.
    """
    pixel = torch.arange(shape[0], device=scale.device) + 0.5
    source = torch.arange(shape[1], device=scale.device) + 0.5
    place = (pixel - offset[:, None]) / scale[:, None]
    reach = (0.5 / scale.abs()).clamp(min=1)[:, None, None]
    share = (1 - (source - place[..., None]).abs() / reach).clamp(min=0) * (source < length[:, None, None])
    covered = (torch.minimum(place, length[:, None] - place) + 0.5).clamp(0, 1)
    covered = covered * _within(rect, shape[0])
    return share * (covered / share.sum(-1).clamp(min=1e-6))[..., None]


def paint(pictures: Pictures, rounds: Sequence[Round], batch: int, size: tuple[int, int]) -> Tensor:
    """Views (B, 3, H, W) float32, BGR in 0..255, without distortion; `size`: height and width."""
    canvas = torch.full((batch, 3, *size), float(GREY), device=pictures.device)
    for layers in rounds:
        part, inside = _part(pictures, layers, size)
        opacity = layers.opacity[:, None, None, None]
        canvas[layers.view] = canvas[layers.view] * (1 - opacity * inside) + opacity * part
    return canvas


def _part(pictures: Pictures, layers: Round, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Layers (L, 3, H, W) on grey, 0 outside their rectangles, and where these are (L, 1, H, W)."""
    side, lengths = pictures.pixels.shape[-1], pictures.sizes[layers.record]
    sx, sy, tx, ty = layers.affine.unbind(1)
    columns = axis_shares(sx, tx, lengths[:, 0], layers.rect[:, 0::2], (size[1], side))
    rows = axis_shares(sy, ty, lengths[:, 1], layers.rect[:, 1::2], (size[0], side))
    # bytes are exact in float16, whose products a GPU adds up in float32
    dtype = torch.float16 if pictures.device.type == "cuda" else torch.float32
    pixels = pictures.pixels[layers.record].to(dtype)
    wide = pixels.flatten(1, 2) @ columns.to(dtype).mT
    part = rows.to(dtype)[:, None] @ wide.unflatten(1, (3, side))
    covered = rows.sum(-1)[:, :, None] * columns.sum(-1)[:, None]
    inside = (
        _within(layers.rect[:, 1::2], size[0])[:, :, None] * _within(layers.rect[:, 0::2], size[1])[:, None]
    )
    return part.float() + GREY * (inside - covered)[:, None], inside[:, None]


def _within(limits: Tensor, pixels: int) -> Tensor:
    """(L, pixels) float32: 1 for pixels from `limits[:, 0]` to `limits[:, 1]`, else 0."""
    pixel = torch.arange(pixels, device=limits.device) + 0.5
    return ((pixel > limits[:, :1]) & (pixel < limits[:, 1:])).float()

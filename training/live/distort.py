"""Distortions of a batch on its device; `data.distort` does the same to one picture with OpenCV."""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from training.live.sketch import Look

# quantisation tables of JPEG (ITU T.81, annex K) at quality 50, luma and chroma
LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# luma and colour differences of JPEG (JFIF) from BGR
TO_YCC = ((0.114, 0.587, 0.299), (0.5, -0.331264, -0.168736), (-0.081312, -0.418688, 0.5))


def distort(views: Tensor, look: Look, generator: torch.Generator) -> Tensor:
    """Distort views (B, 3, H, W) float32 BGR in 0..255: colour, then darkness, then sharpness.

    Args:
        views: Left as they are.
        look: What happens to which; sides must be multiples of 16.
        generator: Of the views' device; draws the grain.

    Returns:
        (B, 3, H, W) float32 in 0..255.
    """
    matrix, lift = look.colour[..., :3], look.colour[..., 3:]
    out = (matrix @ views.flatten(2) + lift).clamp(0, 255).unflatten(2, views.shape[2:])
    if len(look.night):
        out[look.night] = night(out[look.night], look.night_values, generator)
    if len(look.smear):
        out[look.smear] = smear(out[look.smear], look.kernels)
    if len(look.coded):
        out[look.coded] = compress(out[look.coded], look.quality)
    if len(look.grainy):
        out[look.grainy] = add_grain(out[look.grainy], look.grain, generator)
    return out.clamp(0, 255)


def add_grain(views: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Add noise of standard deviation `amount` (K,) to views (K, 3, H, W)."""
    noise = torch.randn(views.shape, generator=generator, device=views.device)
    return views + noise * amount[:, None, None, None]


def night(views: Tensor, values: Tensor, generator: torch.Generator) -> Tensor:
    """Darken views (K, 3, H, W) by `values` (K, 4): gamma, gain, noise, lamp; see `data.plan.Night`."""
    gamma, gain, noise, lamp = values[:, :, None, None, None].unbind(1)
    dark = 255 * gain * (views / 255) ** gamma
    grey = torch.einsum("kchw,c->khw", dark, _constants(views.device)[3][0])[:, None]
    y, x = (torch.linspace(-1, 1, n, device=views.device) for n in views.shape[2:])
    light = 1 - lamp * (x**2 + y[:, None] ** 2) / 2
    return add_grain(torch.where(lamp > 0, grey, dark) * light, noise.flatten(), generator)


def smear(views: Tensor, kernels: Tensor) -> Tensor:
    """Filter each of views (M, 3, H, W) with its kernel (M, 9, 9)."""
    edge = kernels.shape[-1] // 2
    flat = F.pad(views, [edge] * 4, mode="reflect").flatten(0, 1)[None]
    weight = kernels.repeat_interleave(3, 0)[:, None]
    return F.conv2d(flat, weight, groups=len(weight))[0].unflatten(0, (-1, 3))


@lru_cache(maxsize=4)
def _constants(device: torch.device) -> tuple[Tensor, ...]:
    """Cosine transform (8, 8), tables of luma and chroma, BGR to luma and colour differences and back."""
    k = torch.arange(8, dtype=torch.float64)
    cosine = torch.cos((2 * k[None] + 1) * k[:, None] * torch.pi / 16) / 2
    cosine[0] /= 2**0.5
    ycc = torch.tensor(TO_YCC, dtype=torch.float64)
    tensors = (cosine, torch.tensor(LUMA_TABLE), torch.tensor(CHROMA_TABLE), ycc, torch.linalg.inv(ycc))
    return tuple(t.to(device, torch.float32) for t in tensors)


def compress(views: Tensor, quality: Tensor) -> Tensor:
    """What JPEG with halved chroma leaves of views (J, 3, H, W) at `quality` (J,) 1 to 100."""
    cosine, luma, chroma, ycc, bgr = _constants(views.device)
    planes = torch.einsum("dc,jchw->jdhw", ycc, views)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None, None]
    small = F.avg_pool2d(planes[:, 1:], 2)
    bright = _quantise(planes[:, :1] - 128, _table(luma, scale), cosine) + 128
    colour = F.interpolate(_quantise(small, _table(chroma, scale), cosine), scale_factor=2, mode="bilinear")
    return torch.einsum("cd,jdhw->jchw", bgr, torch.cat([bright, colour], 1)).clamp(0, 255)


def _table(table: Tensor, scale: Tensor) -> Tensor:
    """(J, 1, 1, 1, 8, 8) steps of the coefficients."""
    steps = torch.floor((table * scale + 50) / 100).clamp(1, 255)
    return steps[:, :, None, None]


def _quantise(planes: Tensor, steps: Tensor, cosine: Tensor) -> Tensor:
    """Round the cosine coefficients of 8 x 8 blocks of planes (J, C, H, W) to multiples of `steps`."""
    blocks = planes.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4)  # (J, C, rows, columns, 8, 8)
    rounded = torch.round(cosine @ blocks @ cosine.mT / steps) * steps
    back = cosine.mT @ rounded @ cosine
    return back.transpose(3, 4).flatten(4, 5).flatten(2, 3)

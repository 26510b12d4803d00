"""Differentiable augmentation, so that few crops cannot be learned by heart.

Real and drawn patches are shifted and recoloured before they are judged (Zhao et al.: "Differentiable
augmentation for data-efficient GAN training", NeurIPS 2020; without its cut-out, which would hide the mask).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

DRAWS = 5
SHIFT = 8  # the largest shift is the side divided by this


def distorted(x_B4SS: Tensor, draws_BD: Tensor) -> Tensor:
    """Patches in -1..1, changed.

    Args:
        x_B4SS: BGR and mask; the mask is shifted with the colours.
        draws_BD: (B, DRAWS) numbers in 0..1: brightness, saturation, contrast, shift across, shift down.
    """
    bright, saturation, contrast = draws_BD[:, :3, None, None, None].unbind(1)
    colour = x_B4SS[:, :3] + bright - 0.5
    mean = colour.mean(1, keepdim=True)
    colour = (colour - mean) * (2 * saturation) + mean
    mean = colour.mean((1, 2, 3), keepdim=True)
    colour = (colour - mean) * (contrast + 0.5) + mean
    return _shifted(torch.cat([colour, x_B4SS[:, 3:]], 1), draws_BD[:, 3:])


def _shifted(x_BCSS: Tensor, draws_B2: Tensor) -> Tensor:
    """Shift by whole pixels; what comes in repeats the edge."""
    side = x_BCSS.shape[-1]
    reach = side // SHIFT
    offset_B2 = (draws_B2 * (2 * reach + 1)).long().clamp(max=2 * reach)
    at = torch.arange(side, device=x_BCSS.device)
    rows_BS, columns_BS = at + offset_B2[:, 1:], at + offset_B2[:, :1]
    wide = F.pad(x_BCSS, [reach] * 4, mode="replicate").permute(0, 2, 3, 1)
    batch = torch.arange(len(x_BCSS), device=x_BCSS.device)[:, None, None]
    return wide[batch, rows_BS[:, :, None], columns_BS[:, None]].permute(0, 3, 1, 2)

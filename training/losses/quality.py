"""Classification against a continuous target: how good the box of a cell is."""

import torch
import torch.nn.functional as F
from torch import Tensor


def varifocal(logits: Tensor, target: Tensor, ignore: Tensor, alpha: float = 0.75) -> Tensor:
    """Varifocal loss (Zhang et al., CVPR 2021), not normalised: the QFL variant for few positives.

    Positives weigh as much as their target; background as much as alpha x score^2, so that easy background is
    silent.

    Args:
        logits: (B, N, C).
        target: (B, N, C) in 0..1; above 0 the cell is a positive of that class.
        ignore: (B, N, C) bool: entries that are not background, only unknown.
        alpha: Weight of the background.

    Returns:
        The sum over all entries that are known, a scalar.
    """
    score = logits.detach().sigmoid()
    positive = target > 0
    weight = torch.where(positive, target, alpha * score * score) * (positive | ~ignore)
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum()


def quality_focal(logits: Tensor, target: Tensor, ignore: Tensor, beta: float = 2.0) -> Tensor:
    """Quality focal loss (Li et al., NeurIPS 2020, eq. 5): |target - score|^beta x BCE, not normalised.

    Arguments and result as in `varifocal`.
    """
    score = logits.detach().sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    known = (target > 0) | ~ignore
    return ((target - score).abs() ** beta * bce * known).sum()

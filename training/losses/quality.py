"""Classification against a continuous target: how good the box of a cell is."""

import torch
import torch.nn.functional as F
from torch import Tensor


def smoothed(target: Tensor, share: float, positive: Tensor | None = None) -> Tensor:
    """Targets with label smoothing (Szegedy et al., CVPR 2016, section 7), for scores that are qualities.

    A cell with an object of quality q aims at (1 - share) q + share / C for the object's class and at
    share / C for the C - 1 others, as if the annotation named a random class in `share` of all cases. Cells
    without an object keep 0: there is no class to doubt, and thousands of them would drown the objects.

    Args:
        target: (B, N, C) in 0..1.
        share: 0 to below 1.
        positive: (B, N, C) bool: cells and the classes of their objects; None: where the target is above 0.

    Returns:
        (B, N, C).
    """
    if not share:
        return target
    positive = target > 0 if positive is None else positive
    return torch.where(
        positive.any(-1, keepdim=True), (1 - share) * target + share / target.shape[-1], target
    )


def varifocal(
    logits: Tensor,
    target: Tensor,
    ignore: Tensor,
    positive: Tensor | None = None,
    alpha: float = 0.75,
) -> Tensor:
    """Varifocal loss (Zhang et al., CVPR 2021), not normalised: the QFL variant for few positives.

    Positives weigh as much as their target; background as much as alpha x score^2, so that easy background is
    silent.

    Args:
        logits: (B, N, C).
        target: (B, N, C) in 0..1.
        ignore: (B, N, C) bool: entries that are not background, only unknown.
        positive: (B, N, C) bool: cells and the classes of their objects; None: where the target is above 0.
        alpha: Weight of the background.

    Returns:
        The sum over all entries that are known, a scalar.
    """
    score = logits.detach().sigmoid()
    positive = target > 0 if positive is None else positive
    weight = torch.where(positive, target, alpha * score * score) * (positive | ~ignore)
    return (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum()


def quality_focal(
    logits: Tensor, target: Tensor, ignore: Tensor, positive: Tensor | None = None, beta: float = 2.0
) -> Tensor:
    """Quality focal loss (Li et al., NeurIPS 2020, eq. 5): |target - score|^beta x BCE, not normalised.

    Arguments and result as in `varifocal`.
    """
    score = logits.detach().sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    known = (target > 0 if positive is None else positive) | ~ignore
    return ((target - score).abs() ** beta * bce * known).sum()

"""Distribution focal loss: teaches the two bins beside the true distance."""

from torch import Tensor

MARGIN, GFL_MARGIN = 0.01, 0.1  # of the longest distance below the last bin: ours, and GFL v1's


def distribution_focal(logits: Tensor, distance: Tensor, reg_max: int, margin: float = MARGIN) -> Tensor:
    """Cross entropy against the two neighbouring bins (Li et al., NeurIPS 2020, eq. 6), mean over the sides.

    Args:
        logits: (P, 4 (reg_max + 1)): left, top, right, bottom.
        distance: (P, 4) true distances in strides; clamped to what the bins can say.
        reg_max: Last bin.
        margin: Distances end so far below it: the target never is the last bin alone.

    Returns:
        (P,) loss of each cell.
    """
    distance = distance.clamp(0, reg_max - margin)
    low = distance.floor()
    logp = logits.reshape(-1, 4, reg_max + 1).log_softmax(-1)
    index = low.long()[..., None]
    left, right = logp.gather(-1, index)[..., 0], logp.gather(-1, index + 1)[..., 0]
    return -(left * (low + 1 - distance) + right * (distance - low)).mean(-1)

"""Distribution focal loss: teaches the two bins beside the true distance."""

from torch import Tensor


def distribution_focal(logits: Tensor, distance: Tensor, reg_max: int) -> Tensor:
    """Cross entropy against the two neighbouring bins (Li et al., NeurIPS 2020, eq. 6), mean over the sides.

    Args:
        logits: (P, 4 (reg_max + 1)): left, top, right, bottom.
        distance: (P, 4) true distances in strides; clamped to what the bins can say.
        reg_max: Last bin.

    Returns:
        (P,) loss of each cell.
    """
    distance = distance.clamp(0, reg_max - 0.01)
    low = distance.floor()
    logp = logits.reshape(-1, 4, reg_max + 1).log_softmax(-1)
    index = low.long()[..., None]
    left, right = logp.gather(-1, index)[..., 0], logp.gather(-1, index + 1)[..., 0]
    return -(left * (low + 1 - distance) + right * (distance - low)).mean(-1)

"""Distillation from a dense teacher whose cells and bins are the student's."""

import torch.nn.functional as F
from torch import Tensor

from training.errors import ConfigError
from training.losses.boxes import pair_giou
from training.together import normaliser

NEVER = -30.0  # logit of a bin that the teacher does not have


def score_distillation(logits: Tensor, soft: Tensor, sure: float = 0.1) -> Tensor:
    """Quality focal loss towards the teacher's scores, over the sum of its scores above `sure`.

    Args:
        logits: (B, N, C) of the student.
        soft: (B, N, C) teacher scores in 0..1.
        sure: Scores up to this do not count in the normaliser.
    """
    bce = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    weight = (soft - logits.detach().sigmoid()) ** 2
    return (weight * bce).sum() / normaliser((soft * (soft > sure)).sum())


def tempered_divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)) of logits (…, bins): (…).

    T^2 keeps the gradient's size whatever the temperature (Hinton et al. 2015, section 2).
    """
    mine, theirs = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    return temperature**2 * (theirs.exp() * (theirs - mine)).sum(-1)


def box_distillation(student: Tensor, teacher: Tensor, score: Tensor, floor: float = 0.05) -> Tensor:
    """KL(teacher || student) of the sides' distributions, mean over sides, weighted by the teacher's score.

    Args:
        student: (B, K, 4, bins) logits.
        teacher: (B, K, 4, bins) logits.
        score: (B, K) the teacher's best score in the cell; cells under `floor` do not count.
        floor: See `score`.
    """
    divergence = tempered_divergence(student, teacher).mean(-1)
    weight = score * (score > floor)
    return (weight * divergence).sum() / normaliser(weight.sum())


def padded_bins(logits: Tensor, reg_max: int, wanted: int) -> Tensor:
    """A teacher's distributions (B, K, 4 (reg_max + 1)) for a student's bins: (B, K, 4, wanted + 1).

    Raises:
        ConfigError: The teacher has more bins than the student.
    """
    if reg_max > wanted:
        raise ConfigError(
            f"the teacher's boxes have {reg_max + 1} bins a side, the student's only {wanted + 1}: "
            f"reg_max must be {reg_max} or more, or distill_box 0"
        )
    return F.pad(logits.unflatten(-1, (4, reg_max + 1)), (0, wanted - reg_max), value=NEVER)


def overlap_distillation(student: Tensor, teacher: Tensor, score: Tensor, floor: float = 0.05) -> Tensor:
    """1 - GIoU with the teacher's boxes, weighted by its score: for students without distributions.

    Args:
        student: (B, K, 4) xyxy.
        teacher: (B, K, 4) xyxy.
        score: (B, K) as in `box_distillation`.
        floor: As there.
    """
    weight = score * (score > floor)
    return (weight * (1 - pair_giou(student, teacher))).sum() / normaliser(weight.sum())

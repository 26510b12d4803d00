"""Where a model's scores are to be cut, read off its precision-recall curves.

The precision at a score is the share of right boxes (IoU 0.5) among those from that score on, as the mean
over the classes that count. The rule:

  low      precision 0.60: the tracker's second association may use doubtful boxes, most of them right
  high     precision 0.75
  birth    precision 0.86: a new track begins only on boxes that are rarely wrong
  display  as high

Rounded to 0.01 and kept between 0.1 and 0.9. Pictures of a validation set are harder than the frames of a
fixed camera, and a box that comes once makes no track: on the drawn street 0.65, 0.80, 0.90 (cuts 0.39, 0.51,
0.68) found 0.83 of the people and 0.78 of the cars in tracks, these (0.36, 0.48, 0.60) 0.91 and 0.93, with
0.99 of the boxes right both times; on the two counted clips of real video both give exactly the visits.
"""

from dataclasses import dataclass

import numpy as np

from surveil.detect.card import Thresholds
from training.errors import DataError
from training.evaluate.protocol import NOT_COUNTED, Evaluation


@dataclass(frozen=True, kw_only=True)
class ThresholdRule:
    """Precision wanted at each cut; see the head of this file."""

    low: float = 0.60
    high: float = 0.75
    birth: float = 0.86
    smallest: float = 0.1
    largest: float = 0.9


def precision_at(evaluation: Evaluation, score: float) -> float:
    """Mean precision at IoU 0.5 over the classes that count, of boxes with at least this score."""
    values = []
    for name, result in evaluation.classes.items():
        reached = np.flatnonzero(result.scores >= score)
        if name not in NOT_COUNTED:
            values.append(result.precision[reached[-1]] if len(reached) else 1.0)
    return float(np.mean(values))


def choose_thresholds(evaluation: Evaluation, rule: ThresholdRule = ThresholdRule()) -> Thresholds:
    """Cuts of a model by the rule.

    Raises:
        DataError: There is no class to read them from.
    """
    if not set(evaluation.classes) - set(NOT_COUNTED):
        raise DataError("thresholds: no class with enough boxes was evaluated")
    grid = np.round(np.arange(rule.smallest, rule.largest + 0.005, 0.01), 2)
    precision = np.array([precision_at(evaluation, s) for s in grid])

    def cut(wanted: float) -> float:
        enough = np.flatnonzero(precision >= wanted)
        return float(grid[enough[0]] if len(enough) else grid[-1])

    low, high, birth = cut(rule.low), cut(rule.high), cut(rule.birth)
    return Thresholds(low=low, high=max(low, high), birth=max(low, birth), display=max(low, high))

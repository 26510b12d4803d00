"""Where a model's scores are to be cut, read off its precision-recall curves.

The precision at a score is the share of right boxes (IoU 0.5) among those from that score on, as the mean
over the classes that count and still have boxes there. The rule:

  low      precision 0.60: the tracker's second association may use doubtful boxes, most of them right
  high     precision 0.75
  birth    precision 0.86: a new track begins only on boxes that are rarely wrong
  display  as high

Rounded to 0.01 and kept between 0.1 and 0.9. Pictures of a validation set are harder than the frames of a
fixed camera, and a box that comes once makes no track: on the drawn street 0.65, 0.80, 0.90 (cuts 0.39, 0.51,
0.68) found 0.83 of the people and 0.78 of the cars in tracks, these (0.36, 0.48, 0.60) 0.91 and 0.93, with
0.99 of the boxes right both times; on the two counted clips of real video both give exactly the visits.

A weak model may reach a precision at no score. It is cut where the mean of its classes' F1 is best, so that
it shows what it can; the log and the card's notes say so.
"""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveil.detect.card import Thresholds
from training.errors import DataError
from training.evaluate.protocol import ClassResult, Evaluation

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ThresholdRule:
    """Precision wanted at each cut; see the head of this file."""

    low: float = 0.60
    high: float = 0.75
    birth: float = 0.86
    smallest: float = 0.1
    largest: float = 0.9

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores (S,) among which the cuts are chosen."""
        return np.round(np.arange(self.smallest, self.largest + 0.005, 0.01), 2)


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """What was chosen.

    Attributes:
        thresholds: For the card.
        notes: What a reader of the card must know of them; none when the rule could be kept.
    """

    thresholds: Thresholds
    notes: tuple[str, ...] = ()


def at_score(result: ClassResult, score: float) -> tuple[float, float] | None:
    """Precision and recall of a class's boxes with at least this score, IoU 0.5; None where it has none."""
    reached = np.flatnonzero(result.scores >= score)
    return (float(result.precision[reached[-1]]), reached[-1] / 100) if len(reached) else None


def precision_at(evaluation: Evaluation, score: float) -> float:
    """Mean precision over the classes that count and have boxes with at least this score; 0 if none has."""
    found = [at_score(evaluation.classes[name], score) for name in evaluation.counted]
    return float(np.mean([both[0] for both in found if both] or [0.0]))


def f1_at(evaluation: Evaluation, score: float) -> float:
    """Mean over the classes that count of the harmonic mean of precision and recall."""
    found = [at_score(evaluation.classes[name], score) for name in evaluation.counted]
    return float(np.mean([2 * p * r / max(p + r, 1e-9) for p, r in (both or (0.0, 0.0) for both in found)]))


def choose_thresholds(evaluation: Evaluation, rule: ThresholdRule = ThresholdRule()) -> Cuts:
    """Cuts of a model by the rule; where they are not what the rule wants, that is said in the log as well.

    Raises:
        DataError: There is no class to read them from.
    """
    if not evaluation.counted:
        raise DataError("thresholds: no class with enough boxes was evaluated")
    grid = rule.scores
    precision = np.array([precision_at(evaluation, s) for s in grid])
    best = _best(evaluation, grid)

    def cut(wanted: float) -> float:
        enough = np.flatnonzero(precision >= wanted)
        return float(grid[enough[0]]) if len(enough) else best

    low, high, birth = cut(rule.low), cut(rule.high), cut(rule.birth)
    cuts = Thresholds(low=low, high=max(low, high), birth=max(low, birth), display=max(low, high))
    notes = [*_unreached(evaluation, rule, precision, best), *_silent(evaluation, cuts.birth)]
    for note in notes:
        log.warning("%s", note)
    return Cuts(thresholds=cuts, notes=tuple(notes))


def _best(evaluation: Evaluation, grid: NDArray[np.float64]) -> float:
    """The highest score of the best mean F1; the lowest of all where nothing right is found."""
    f1 = np.array([f1_at(evaluation, s) for s in grid])
    return float(grid[np.flatnonzero(f1 >= f1.max() - 1e-9)[-1]] if f1.any() else grid[0])


def _unreached(
    evaluation: Evaluation, rule: ThresholdRule, precision: NDArray[np.float64], best: float
) -> list[str]:
    """What is to be said of precisions that no score reaches."""
    wanted = {"low": rule.low, "high": rule.high, "birth": rule.birth}
    missed = [f"{name} {value:.2f}" for name, value in wanted.items() if precision.max() < value]
    if not missed:
        return []
    most = {name: _most(evaluation.classes[name], rule) for name in evaluation.counted}
    weak = ", ".join(f"{name} {value:.2f}" for name, value in most.items() if value < rule.birth)
    return [
        f"Thresholds: no score reaches the mean precision wanted for {', '.join(missed)}; the most is "
        f"{precision.max():.2f} at {float(rule.scores[precision.argmax()]):.2f} (by class: {weak}). Taken "
        f"instead: {best:.2f}, where the mean F1 is best"
    ]


def _most(result: ClassResult, rule: ThresholdRule) -> float:
    """The largest precision of a class at any of the scores."""
    found = (at_score(result, score) for score in rule.scores)
    return max((both[0] for both in found if both), default=0.0)


def _silent(evaluation: Evaluation, birth: float) -> list[str]:
    """What is to be said of classes of which no track can begin."""
    found = {name: at_score(evaluation.classes[name], birth) for name in evaluation.counted}
    silent = [name for name, both in found.items() if not both or not both[0]]
    if not silent:
        return []
    return [f"Thresholds: no right box of {', '.join(silent)} has a score of {birth:.2f}, where tracks begin"]

"""Thresholds while one moves them, and how many of the present detections pass each. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surveil.config import models
from surveil.detect import card
from surveil.gui.text import tr
from surveil.types import FrameResult

CutName = Literal["low", "high", "birth"]
CUTS: tuple[CutName, ...] = ("low", "high", "birth")
STEP = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Cuts:
    """Scores from which on detections are used (0-1): low <= high <= birth."""

    low: float
    high: float
    birth: float

    def moved(self, name: CutName, to: float, floor: float = 0.0) -> Cuts:
        """With a cut elsewhere; those in its way go along.

        >>> Cuts(low=0.4, high=0.5, birth=0.7).moved("high", 0.8)
        Cuts(low=0.4, high=0.8, birth=0.8)
        """
        to = min(1.0, max(floor, round(to, 2)))
        place = CUTS.index(name)
        values = {
            cut: to if cut == name else (min if number < place else max)(getattr(self, cut), to)
            for number, cut in enumerate(CUTS)
        }
        return Cuts(**values)


def cuts_of(own: card.Thresholds, least: float | None = None) -> Cuts:
    """A card's, raised where nothing below a score is wanted, as the session does it."""
    if least is None:
        return Cuts(low=own.low, high=own.high, birth=own.birth)
    high = max(own.high, least)
    return Cuts(low=least, high=high, birth=max(own.birth, high))


def cuts_in_force(own: Cuts, given: models.Thresholds) -> Cuts:
    """The card's, and over them what the file gives."""
    values = {name: getattr(given, name) for name in CUTS}
    return Cuts(**{name: getattr(own, name) if value is None else value for name, value in values.items()})


def given_by(cuts: Cuts, own: Cuts) -> models.Thresholds:
    """What the file must give for these cuts: nothing where they are the card's."""
    if cuts == own:
        return models.Thresholds()
    return models.Thresholds(low=cuts.low, high=cuts.high, birth=cuts.birth)


def cut_in_words(name: CutName) -> tuple[str, str]:
    """What a cut is called, and what it does."""
    return {
        "low": (tr("Look at"), tr("below, a detection is not looked at")),
        "high": (tr("Find again"), tr("from here on it may find a lost object")),
        "birth": (tr("Begin"), tr("from here on it may begin a new object")),
    }[name]


class Present:
    """The scores of what the detector finds now, of every camera."""

    def __init__(self) -> None:
        self._scores: dict[str, NDArray[np.float32]] = {}

    def see(self, camera_id: str, result: FrameResult | None) -> None:
        """A camera's newest result; where the detector did not look, the one before counts."""
        if result is None:
            self._scores.pop(camera_id, None)
        elif result.detected:
            self._scores[camera_id] = result.detections.scores

    def only(self, camera_ids: set[str]) -> None:
        """Forget all other cameras."""
        self._scores = {name: scores for name, scores in self._scores.items() if name in camera_ids}

    @property
    def scores(self) -> tuple[float, ...]:
        """All of them, in order."""
        return tuple(sorted(float(score) for scores in self._scores.values() for score in scores))

    def passing(self, cuts: Cuts) -> dict[CutName, int]:
        """How many lie at or above each cut."""
        scores = np.array(self.scores, np.float32)
        return {name: int((scores >= np.float32(getattr(cuts, name))).sum()) for name in CUTS}

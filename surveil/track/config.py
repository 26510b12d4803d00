"""What may be set about the tracker, and the thresholds that it takes from a model's card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.errors import UsageError
from surveil.labels import LabelMap

VEHICLES = ("bicycle", "car", "motorcycle", "bus", "truck")
PARKED_LIFE_S: Mapping[str, float] = MappingProxyType(dict.fromkeys(VEHICLES, 120.0))


class Thresholds(Protocol):
    """The scores by which a tracker uses detections; a model card's thresholds fit."""

    @property
    def low(self) -> float:
        """Below, a detection is not looked at."""

    @property
    def high(self) -> float:
        """From here on, a detection may find a lost track."""

    @property
    def birth(self) -> float:
        """From here on, a detection that fits no track begins one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerConfig:
    """Constants of `SurveilTracker`; scores and overlaps are 0-1, overlap means height-modulated IoU.

    Low, high and birth belong to the model (a light detector is less sure of itself than a big one); the
    others are one set for every camera and model.

    Attributes:
        low, high, birth: see `Thresholds`.
        predicted_gate: stage 1, high scores against predictions: least overlap times score.
        low_gate: stages 2 and 5, low scores against tracks seen in the last frame: least overlap.
        observed_gate: stage 3, high scores against last detections: least overlap.
        tentative_gate: stage 4, high scores against tentative tracks: least overlap times score.
        class_cost: the part of its affinity that a pair loses when another track has all the votes for the
            detection's class, and its own none.
        confirm_hits: detections that make a tentative track a confirmed one.
        sure_score: a first detection from here on confirms at once; None: never.
        lost_life_s: how long a track may stay unseen; `lost_life_by_label` overrides it by class name.
        park_after_s: what stands for so long is parked; see `parking`.
        parked_life_by_label: how long a parked track may stay unseen; classes that are not named do not park.
        restart_gap_s: a lost track found after a longer gap takes its velocity from the gap.
        same_overlap: boxes that overlap more are one object: detections of different classes, and a lost
            track upon an older, living one.
        max_step_s: after a longer step nothing is known any more: all tracks end.
    """

    low: float = 0.1
    high: float = 0.6
    birth: float = 0.7
    predicted_gate: float = 0.1
    low_gate: float = 0.5
    observed_gate: float = 0.3
    tentative_gate: float = 0.3
    class_cost: float = 0.3
    confirm_hits: int = 2
    sure_score: float | None = None
    lost_life_s: float = 1.0
    lost_life_by_label: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"person": 1.5}))
    park_after_s: float = 3.0
    parked_life_by_label: Mapping[str, float] = field(default_factory=lambda: PARKED_LIFE_S)
    restart_gap_s: float = 0.2
    same_overlap: float = 0.85
    max_step_s: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= self.birth <= 1:
            raise UsageError(
                "tracker thresholds: expected 0 <= low <= high <= birth <= 1, "
                f"got low {self.low:g}, high {self.high:g}, birth {self.birth:g}"
            )
        above_0 = ("predicted_gate", "low_gate", "observed_gate", "tentative_gate")
        for name in (*above_0, "lost_life_s", "park_after_s", "max_step_s"):
            if not getattr(self, name) > 0:
                raise UsageError(f"TrackerConfig.{name}: expected more than 0, got {getattr(self, name):g}")

    def lives_s(self, labels: LabelMap) -> NDArray[np.float64]:
        """How long a track of each class (C,) may stay unseen."""
        return np.array([self.lost_life_by_label.get(name, self.lost_life_s) for name in labels.names])

    def parked_lives_s(self, labels: LabelMap) -> NDArray[np.float64]:
        """The same of a parked one; 0: this class does not park."""
        return np.array([self.parked_life_by_label.get(name, 0.0) for name in labels.names])

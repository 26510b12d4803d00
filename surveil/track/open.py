"""The table of trackers."""

from __future__ import annotations

from surveil.errors import UsageError
from surveil.labels import LabelMap
from surveil.track.config import Thresholds
from surveil.track.tracker import SurveilTracker, Tracker, TrackerConfig

TRACKERS = ("surveil", "sort")


def open_tracker(name: str, labels: LabelMap, thresholds: Thresholds) -> Tracker:
    """A new tracker for one camera.

    Args:
        name: one of `TRACKERS`.
        labels: the detector's classes.
        thresholds: low, high and birth of the detector's card.

    Raises:
        UsageError: there is no tracker of that name, or the thresholds are not in order.
    """
    match name:
        case "surveil":
            config = TrackerConfig(low=thresholds.low, high=thresholds.high, birth=thresholds.birth)
            return SurveilTracker(config, labels)
        case "sort":
            from surveil.track.sort import SortConfig, SortTracker  # brings filterpy along

            return SortTracker(SortConfig(min_score=thresholds.high), labels)
        case _:
            raise UsageError(f"unknown tracker {name!r}: expected one of {', '.join(TRACKERS)}")

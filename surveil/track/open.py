"""The table of trackers."""

from __future__ import annotations

from surveil.errors import UsageError
from surveil.labels import LabelMap
from surveil.track.config import Thresholds
from surveil.track.tracker import SurveilTracker, Tracker, TrackerConfig

TRACKERS = ("surveil", "sort")


def open_tracker(
    name: str,
    labels: LabelMap,
    thresholds: Thresholds,
    *,
    ids_after: int = 0,
    snapshot: str | None = None,
    at_s: float | None = None,
) -> Tracker:
    """A tracker for one camera.

    Args:
        name: one of `TRACKERS`.
        labels: the detector's classes.
        thresholds: low, high and birth of the detector's card.
        ids_after: the last id that was given to this camera before; none up to it comes again.
        snapshot: what the tracker before knew; None, or a tracker that forgets: it begins anew.
        at_s: media time of the snapshot's last update, as the frames that follow count; None: as before.

    Raises:
        UsageError: there is no tracker of that name, or the thresholds are not in order.
        DataError: the snapshot is damaged, or of another version.
    """
    match name:
        case "surveil":
            config = TrackerConfig(low=thresholds.low, high=thresholds.high, birth=thresholds.birth)
            if snapshot is None:
                return SurveilTracker(config, labels, ids_after=ids_after)
            return SurveilTracker.resume(snapshot, config, ids_after=ids_after, at_s=at_s)
        case "sort":
            from surveil.track.sort import SortConfig, SortTracker  # brings filterpy along

            return SortTracker(SortConfig(min_score=thresholds.high), labels, ids_after=ids_after)
        case _:
            raise UsageError(f"unknown tracker {name!r}: expected one of {', '.join(TRACKERS)}")

"""What a run came to, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from surveil.types import FrameResult, TrackState


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """The end of a run.

    Attributes:
        frames: results that were made.
        looked: those of them that the detector looked at.
        wall_s: from the first to the last of them, with loading the model before.
        objects: distinct confirmed tracks by label, most frequent first.
        device: what inferred, in words.
        files: what was written.
        left_out: frames that were not processed or not written, by reason.
    """

    frames: int
    looked: int
    wall_s: float
    objects: Mapping[str, int]
    device: str
    files: tuple[Path, ...]
    left_out: Mapping[str, int]

    @property
    def fps(self) -> float:
        """Frames a second, over all."""
        return self.frames / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def tracks(self) -> int:
        """Distinct confirmed tracks of all classes."""
        return sum(self.objects.values())


class Census:
    """Counts distinct confirmed tracks by the class that they had last.

    It remembers the tracks that are there and the number of the others, so that it does not grow over weeks.
    """

    def __init__(self) -> None:
        self.frames = self.looked = 0
        self._there: dict[str, dict[int, str]] = {}  # camera -> id -> label
        self._gone: Counter[str] = Counter()

    def add(self, result: FrameResult) -> None:
        """Take one result in."""
        self.frames += 1
        self.looked += result.detected
        tracks, there = result.tracks, self._there.setdefault(result.frame.camera_id, {})
        for track_id in there.keys() - set(tracks.ids.tolist()):  # no id comes twice
            self._gone[there.pop(track_id)] += 1
        confirmed = tracks.states == TrackState.CONFIRMED
        for track_id, class_id in zip(
            tracks.ids[confirmed].tolist(), tracks.class_ids[confirmed].tolist(), strict=True
        ):
            there[track_id] = tracks.labels[class_id]

    def objects(self) -> dict[str, int]:
        """Tracks by label, most frequent first."""
        now = Counter(label for there in self._there.values() for label in there.values())
        return dict((self._gone + now).most_common())

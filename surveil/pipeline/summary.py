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
    """Counts distinct confirmed tracks by the class that they had last."""

    def __init__(self) -> None:
        self.frames = self.looked = 0
        self._labels: dict[tuple[str, int], str] = {}

    def add(self, result: FrameResult) -> None:
        """Take one result in."""
        self.frames += 1
        self.looked += result.detected
        tracks = result.tracks
        confirmed = tracks.states == TrackState.CONFIRMED
        for track_id, class_id in zip(
            tracks.ids[confirmed].tolist(), tracks.class_ids[confirmed].tolist(), strict=True
        ):
            self._labels[(result.frame.camera_id, track_id)] = tracks.labels[class_id]

    def objects(self) -> dict[str, int]:
        """Tracks by label, most frequent first."""
        return dict(Counter(self._labels.values()).most_common())

"""What is in view now: a row an object, with the zones it stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveil.config.shapes import Zone
from surveil.errors import UsageError
from surveil.geometry import bottom_centres, inside
from surveil.gui.readings.columns import Column
from surveil.gui.text import tr
from surveil.gui.words import STALE_S
from surveil.pipeline.session import Session
from surveil.pipeline.state import State
from surveil.types import FrameResult, Tracks, TrackState

SHOWN = frozenset({"live", "playing", "paused", "ended"})
"""States in which the newest picture is one to believe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One object.

    Attributes:
        camera: its id; `title`: what people call it.
        track: the object's id at that camera.
        age_s: media time since it was first seen.
        score: 0-1, of the last detection that was matched.
        zones: names of those it stands in, in the order of the file.
    """

    camera: str
    title: str
    track: int
    label: str
    age_s: float
    score: float
    zones: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        """What makes it this object and no other."""
        return self.camera, self.track

    @property
    def settled(self) -> tuple[str, str, int]:
        """The order of rows that are equal otherwise."""
        return self.title.casefold(), self.camera, self.track


def columns() -> tuple[Column[Row], ...]:
    """All columns, from left to right."""
    return (
        Column(title=tr("Camera"), text=lambda row: row.title, order=lambda row: row.title.casefold()),
        Column(
            title=tr("Class"), text=lambda row: row.label, order=lambda row: row.label, widest="motorcycle"
        ),
        Column(
            title=tr("Id"),
            text=lambda row: str(row.track),
            order=lambda row: row.track,
            number=True,
            widest="00000",
        ),
        Column(title=tr("Zones"), text=lambda row: ", ".join(row.zones), order=lambda row: row.zones),
        Column(
            title=tr("Seen for"),
            text=lambda row: duration_text(row.age_s),
            order=lambda row: row.age_s,
            number=True,
            widest="00:00:00",
        ),
        Column(
            title=tr("Score"),
            text=lambda row: f"{row.score:.0%}",
            order=lambda row: row.score,
            number=True,
            widest="100%",
        ),
    )


def is_current(state: State | None, result: FrameResult | None, now_s: float) -> bool:
    """Whether a camera's newest result tells what is there now; what a dead camera saw last does not."""
    if state is None or result is None or state.name not in SHOWN:
        return False
    return not state.live or now_s - result.frame.arrived_s <= STALE_S


def newest(session: Session, camera_id: str) -> FrameResult | None:
    """A camera's newest result; None before the first, and where the camera was taken away a moment ago."""
    try:
        return session.latest(camera_id)
    except UsageError:
        return None


def rows_of(camera: str, title: str, result: FrameResult, zones: Sequence[Zone]) -> list[Row]:
    """The confirmed objects of one camera."""
    tracks = result.tracks
    confirmed = np.flatnonzero(tracks.states == TrackState.CONFIRMED)
    if not len(confirmed):
        return []
    names = _zones_of(tracks, result.frame.size, zones)
    return [
        Row(
            camera=camera,
            title=title,
            track=int(tracks.ids[n]),
            label=tracks.labels[int(tracks.class_ids[n])],
            age_s=float(tracks.age_s[n]),
            score=float(tracks.scores[n]),
            zones=names[n],
        )
        for n in confirmed.tolist()
    ]


def summary(rows: Sequence[Row]) -> str:
    """All of them in one line, the most frequent class first."""
    if not rows:
        return tr("Nothing in view")
    counts = Counter(row.label for row in rows)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return "  ·  ".join(f"{count} × {label}" for label, count in ranked)


def duration_text(seconds: float) -> str:
    """A length of time for a narrow column.

    >>> duration_text(7.9), duration_text(187), duration_text(3725)
    ('7 s', '3:07', '1:02:05')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _zones_of(tracks: Tracks, size: tuple[int, int], zones: Sequence[Zone]) -> list[tuple[str, ...]]:
    """Names of the zones in which each object stands and counts."""
    feet = _feet(tracks, size)
    hits = [(zone, inside(feet, zone.relative)) for zone in zones]
    return [
        tuple(zone.name for zone, hit in hits if hit[n] and (not zone.classes or label in zone.classes))
        for n, label in enumerate(tracks.labels[int(k)] for k in tracks.class_ids)
    ]


def _feet(tracks: Tracks, size: tuple[int, int]) -> NDArray[np.float64]:
    """Where objects stand (N, 2), in 0-1 of the frame: the middle of the lowest row of each box."""
    feet = bottom_centres(tracks.smoothed_boxes.astype(np.float64))
    # Half a pixel up: a box that ends with the picture stands in its last row, not below it.
    feet[:, 1] = np.clip(feet[:, 1], 0, size[1]) - 0.5
    return np.asarray(feet / np.asarray(size, np.float64))

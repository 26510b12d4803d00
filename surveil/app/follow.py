"""The tracker alone: detections from a file in, tracks as MOT text out; no video, no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveil.app.detection_files import read_motions, read_video
from surveil.clock import Clock, SystemClock
from surveil.errors import UsageError
from surveil.store.lines import LineFile
from surveil.store.mot import mot_lines
from surveil.store.outputs import check_distinct
from surveil.track.config import Thresholds, TrackerConfig
from surveil.track.open import open_tracker
from surveil.types import TrackState


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowOptions:
    """What may be chosen.

    Attributes:
        fps: frames a second, where neither `times` nor the detections tell.
        times: lines `frame seconds`.
        cmc: the camera's motion, lines `frame a b tx c d ty`.
        tracker: `surveil` or `sort`.
        model: a model whose card has the thresholds; None: those of `TrackerConfig`.
        low, high, birth: instead of the card's.
    """

    fps: float | None = None
    times: Path | None = None
    cmc: Path | None = None
    tracker: str = "surveil"
    model: str | None = None
    low: float | None = None
    high: float | None = None
    birth: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """What came out.

    Attributes:
        frames: how many there were.
        tracks: how many different ids were written.
        ms_per_frame: time in the tracker alone.
    """

    frames: int
    tracks: int
    ms_per_frame: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cuts:
    low: float
    high: float
    birth: float


def follow(detections: Path, out: Path, options: FollowOptions, clock: Clock | None = None) -> Followed:
    """Track a file of detections; every confirmed track that was matched in a frame is a line of `out`.

    Raises:
        UsageError: a file or an option cannot be used.
        OutputError: `out` cannot be written.
    """
    clock = clock or SystemClock()
    check_distinct([out], [detections, *(p for p in (options.times, options.cmc) if p is not None)])
    video = read_video(detections, options.fps, options.times)
    motions: Mapping[int, NDArray[np.float64]] = {} if options.cmc is None else read_motions(options.cmc)
    tracker = open_tracker(options.tracker, video.labels, _thresholds(options))
    ids: set[int] = set()
    spent_s = 0.0
    with LineFile(out) as lines:
        for info, found in video.frames:
            begun_s = clock.monotonic()
            tracks = tracker.update(info, found, motions.get(info.index + 1))
            spent_s += clock.monotonic() - begun_s
            seen = tracks.select((tracks.states == TrackState.CONFIRMED) & ~tracks.coasting)
            ids.update(seen.ids.tolist())
            lines.write(mot_lines(info.index + 1, seen))
    count = len(video.frames)
    return Followed(frames=count, tracks=len(ids), ms_per_frame=1000 * spent_s / max(count, 1))


def _thresholds(options: FollowOptions) -> Thresholds:
    base: Thresholds = TrackerConfig()
    if options.model is not None:
        from surveil.detect.assets import find_model

        base = find_model(options.model).card.thresholds
    given = {"low": options.low, "high": options.high, "birth": options.birth}
    for name, value in given.items():
        if value is not None and not 0 <= value <= 1:
            raise UsageError(f"{name}: expected 0 to 1, got {value:g}")
    return _Cuts(**{name: getattr(base, name) if value is None else value for name, value in given.items()})

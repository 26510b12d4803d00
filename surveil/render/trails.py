"""Where the tracks of one camera have been in the last seconds of media time."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import bottom_centres
from surveil.types import Tracks, TrackState

Point = tuple[float, float, float]
"""pts_s, x, y: pixels of the frame."""

POINTS = 24  # kept for a trail of full length: smooth to the eye, cheap to draw at any frame rate


class Trails:
    """The ways of the tracks' bottom centres. One instance per camera; not safe for threads."""

    def __init__(self) -> None:
        self._ways: dict[int, deque[Point]] = {}  # by id; the last point is now's
        self._now_s = float("-inf")

    def update(self, tracks: Tracks, pts_s: float, length_s: float) -> None:
        """Add a frame's confirmed tracks; forget what is older than `length_s` and tracks that are no more.

        The same frame may come again (a repaint); a step back in media time (another file) begins anew.
        """
        if pts_s < self._now_s:
            self._ways.clear()
        self._now_s = pts_s
        alive = {int(track_id) for track_id in tracks.ids}
        for gone in self._ways.keys() - alive:
            del self._ways[gone]
        confirmed = tracks.states == TrackState.CONFIRMED
        feet = bottom_centres(tracks.smoothed_boxes[confirmed])
        for track_id, (x, y) in zip(tracks.ids[confirmed].tolist(), feet.tolist(), strict=True):
            self._extend(self._ways.setdefault(track_id, deque()), (pts_s, x, y), length_s)
        for way in self._ways.values():
            while way and pts_s - way[0][0] > length_s:
                way.popleft()

    @staticmethod
    def _extend(way: deque[Point], now: Point, length_s: float) -> None:
        # The newest point follows the object; it stays only when far enough in time from the one before.
        before_s = way[-2][0] if len(way) > 1 else float("-inf")
        if way and way[-1][0] - before_s < length_s / POINTS:
            way.pop()
        if way and way[-1][0] == now[0]:
            way.pop()
        way.append(now)

    def way_of(self, track_id: int) -> NDArray[np.float32]:
        """The way (N, 2) float32 x, y in pixels of the frame, oldest first; N = 0 for an unknown track."""
        way = self._ways.get(track_id, ())
        return np.array([(x, y) for _, x, y in way], np.float32).reshape(-1, 2)

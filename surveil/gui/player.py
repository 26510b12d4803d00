"""The transport of one recording, and where in it there was something to see. No Qt here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveil.pipeline.playback import FASTEST, SLOWEST, Transport
from surveil.pipeline.present import Preview
from surveil.pipeline.session import Session
from surveil.types import TrackState

BINS = 400
JOINED_S = 0.5
"""Pictures that lie no farther apart leave nothing between them that was not looked at."""
JUMP_S = 10.0
"""How far one key goes back or on."""


class Player:
    """Commands to one recording, and what its bar shows.

    Attributes:
        camera_id: which.
    """

    def __init__(self, session: Session, camera_id: str) -> None:
        self._session, self.camera_id = session, camera_id
        self._sums = np.zeros(BINS)
        self._looks = np.zeros(BINS)
        self._seq = 0
        self._place_s = 0.0

    # ---- commands

    def toggle(self) -> None:
        """Hold, or go on; at the end, begin again."""
        playback = self._session.playback(self.camera_id)
        if playback.state.name == "ended":
            playback.resume()
            playback.seek(0.0)
        elif playback.transport.held:
            playback.resume()
        else:
            playback.pause()

    def jump(self, seconds: float) -> None:
        """Go on from so many seconds later, or earlier."""
        self.seek(self._place_s + seconds)

    def seek(self, pts_s: float) -> None:
        """Go on from this media time."""
        end_s = self.transport.duration_s
        self._session.playback(self.camera_id).seek(pts_s if end_s is None else min(pts_s, end_s))

    def step(self, frames: int) -> None:
        """Hold, and show the next frame, or the one before."""
        self._session.playback(self.camera_id).step(frames)

    def hasten(self, factor: float) -> None:
        """Play faster or slower by `factor`, as far as possible."""
        speed = self.transport.speed * factor
        self._session.playback(self.camera_id).play_at(min(FASTEST, max(SLOWEST, speed)))

    # ---- what the bar shows

    @property
    def transport(self) -> Transport:
        """How it plays."""
        return self._session.playback(self.camera_id).transport

    @property
    def place_s(self) -> float:
        """Media time of the picture that is shown."""
        return self._place_s

    @property
    def playing(self) -> bool:
        """Whether pictures come by themselves."""
        return self._session.playback(self.camera_id).state.name in ("playing", "connecting")

    def density(self) -> NDArray[np.float64]:
        """Objects in view over the recording's length: (BINS,) mean counts; NaN where nobody has looked."""
        mean = np.full(BINS, np.nan)
        np.divide(self._sums, self._looks, out=mean, where=self._looks > 0)
        return mean

    def look(self, preview: Preview | None) -> None:
        """Take note of the picture that is shown."""
        if preview is None or preview.seq == self._seq:
            return
        self._seq = preview.seq
        playback = self._session.playback(self.camera_id)
        before_s, self._place_s = self._place_s, playback.place_of(preview.result.frame)
        end_s = playback.transport.duration_s
        if end_s:
            joined = 0 < self._place_s - before_s <= JOINED_S
            place = _bin(self._place_s, end_s)
            seen = slice(min(_bin(before_s, end_s) + 1, place) if joined else place, place + 1)
            self._sums[seen] += int((preview.result.tracks.states == TrackState.CONFIRMED).sum())
            self._looks[seen] += 1


def _bin(place_s: float, end_s: float) -> int:
    return min(BINS - 1, max(0, int(place_s / end_s * BINS)))

"""When the detector looks at a camera in which little happens.

    full      something moves, or an object moves, appears or was just lost: every frame
    watching  objects stand, or what moves has long turned out to be nothing: a few times a second
    resting   nothing: now and then, so that what began to stand unseen is found

Times are media seconds, so that a recording is looked at the same way however fast it plays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from surveil.pipeline.channel import Channel
from surveil.types import Frame, Tracks, TrackState

if TYPE_CHECKING:
    from surveil.pipeline.motion import MotionDetector

Attention = Literal["full", "watching", "resting"]

_EARLY_S = 0.001  # time stamps tremble
_NEVER = float("-inf")


@dataclass(frozen=True, kw_only=True, slots=True)
class GateConfig:
    """Constants of `Gate`.

    Attributes:
        hold_s: the detector goes on looking at every frame so long after the last motion.
        patience_s: motion in which nothing was found for so long (trees, rain, a shaking mast, a flickering
            lamp) is no longer a reason to look at every frame.
        watch_hz: looks a second while watching. Whoever walks into restless trees is seen this much later.
        rest_hz: looks a second while resting; the tracker forgets everything after 3 s without one.
        search_s: an object that was just lost is looked for so long.
        still: objects that move slower, in their heights a second, stand.
    """

    hold_s: float = 1.0
    patience_s: float = 10.0
    watch_hz: float = 2.0
    rest_hz: float = 0.5
    search_s: float = 1.0
    still: float = 0.25


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last result said: whether objects are there, and whether one of them is up to something."""

    present: bool = False
    busy: bool = False


class Gate:
    """Watches over one camera. `see` and `due` are for the thread that reads it, `know` for the tracker's.

    Attributes:
        motion: tells whether something moves; None: nobody knows, so every frame is looked at.
        thrifty: without `motion`: look at every frame only while an object moves.
    """

    def __init__(self, motion: MotionDetector | None = None, config: GateConfig | None = None) -> None:
        self.motion, self.thrifty = motion, False
        self._config = config or GateConfig()
        self._known = _Known()
        self._began_s = self._moved_s = self._busy_s = self._looked_s = self._now_s = _NEVER

    def see(self, frame: Frame) -> None:
        """Take the next frame in; every frame comes by here once, in order."""
        motion = self.motion
        if motion is None or not motion.moves(frame):
            return
        if frame.pts_s - self._moved_s > self._config.hold_s:
            self._began_s = frame.pts_s
        self._moved_s = frame.pts_s

    def know(self, tracks: Tracks, pts_s: float) -> None:
        """Take in what is known of a frame."""
        self._now_s = pts_s
        self._known = _known(tracks, self._config)
        if self._known.busy:
            self._busy_s = pts_s

    @property
    def attention(self) -> Attention:
        """How closely it is looked at, at the frame that `know` was told of last. Any thread."""
        return self._attention(self._now_s)

    def _attention(self, now_s: float) -> Attention:
        known, config = self._known, self._config
        if known.busy or (self.motion is None and not self.thrifty):
            return "full"
        moving = now_s - self._moved_s <= config.hold_s
        if moving and now_s - max(self._began_s, self._busy_s) <= config.patience_s:
            return "full"
        # Where nobody knows of motion an object could come at any moment: two looks a second see it.
        return "watching" if moving or known.present or self.motion is None else "resting"

    def due(self, frame: Frame) -> bool:
        """Whether the detector is to look at this frame, which `see` has seen. Any thread."""
        match self._attention(frame.pts_s):
            case "full":
                return True
            case "watching":
                rate_hz = self._config.watch_hz
            case "resting":
                rate_hz = self._config.rest_hz
        return frame.pts_s - self._looked_s >= 1 / rate_hz - _EARLY_S

    def looked(self, frame: Frame) -> None:
        """The detector has looked at this frame, or certainly will."""
        self._looked_s = frame.pts_s


def _known(tracks: Tracks, config: GateConfig) -> _Known:
    if not len(tracks):
        return _Known()
    confirmed = tracks.states == TrackState.CONFIRMED
    sought = (tracks.states == TrackState.LOST) & (tracks.unseen_s <= config.search_s)
    heights = np.maximum(tracks.smoothed_boxes[:, 3] - tracks.smoothed_boxes[:, 1], 1)
    walks = confirmed & (np.hypot(*tracks.velocity.T) > config.still * heights)
    busy = walks | sought | (tracks.states == TrackState.TENTATIVE)
    return _Known(present=bool((confirmed | sought).any()), busy=bool(busy.any()))


LAG = 8  # frames; fewer would make the stages of a recording wait for each other


class LaggedGate:
    """A gate that knows of the tracks as they were `LAG` frames ago, however fast its threads are.

    So the same recording is looked at the same frames on every machine and in every layout. `opens` is for
    the thread that decodes, `know` for the one that tracks, once a frame each.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._results: Channel[tuple[Tracks, float]] = Channel(LAG + 1)  # so many at most are not read yet
        self._seen = 0

    def opens(self, frame: Frame, *, wanted: bool = True) -> bool:
        """Whether the detector looks at the next frame, if it is wanted at all. Raises Closed."""
        if self._seen >= LAG:
            self._gate.know(*self._results.get())
        self._seen += 1
        self._gate.see(frame)
        looks = wanted and self._gate.due(frame)
        if looks:
            self._gate.looked(frame)
        return looks

    def know(self, tracks: Tracks, pts_s: float) -> None:
        """Take in what is known of the next frame. Raises Closed."""
        self._results.put((tracks, pts_s))

    def abort(self) -> None:
        """Wake everything that waits here with Closed."""
        self._results.abort()

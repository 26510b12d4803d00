"""A recording played at its own pace, as if it were a camera: for watching."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError
from surveil.pipeline.files import playing
from surveil.pipeline.state import FeedState, StateName
from surveil.types import Frame

if TYPE_CHECKING:
    from surveil.capture.source import Source

ROUND_GAP_S = 10.0  # media time between two rounds: no track lives across it, so no object jumps to the start
LATE_S = 0.5  # later than this the pace starts anew instead of hurrying after the clock
PAUSE_POLL_S = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybackConfig:
    """How a recording is played: again and again with `loop`, at its own pace unless not `paced`."""

    loop: bool = False
    paced: bool = True


@dataclass(frozen=True, slots=True)
class _Round:
    """What is added to a frame, so that index and media time go on rising when a recording starts again."""

    index: int = 0
    pts_s: float = 0.0
    epoch: int = 0

    def place(self, frame: Frame, *, arrived_s: float, wall_s: float) -> Frame:
        return replace(
            frame,
            index=self.index + frame.index,
            pts_s=self.pts_s + frame.pts_s,
            epoch=self.epoch,
            arrived_s=arrived_s,
            wall_s=wall_s,
        )

    def after(self, last: Frame) -> _Round:
        return _Round(last.index + 1, last.pts_s + ROUND_GAP_S, self.epoch + 1)


class Playback:
    """Opens a recording, delivers its frames, and says how it is doing.

    `run` is its thread; the rest is for others.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        deliver: Callable[[Frame], None],
        clock: Clock,
        config: PlaybackConfig,
    ) -> None:
        self._open, self._deliver, self._clock, self._config = open_source, deliver, clock, config
        self._paused = threading.Event()
        self._source: Source | None = None
        self._state: tuple[StateName, float] = ("connecting", clock.monotonic())
        self._start: tuple[float, float] | None = (
            None  # monotonic and media time from which the pace is counted
        )

    @property
    def state(self) -> FeedState:
        """See `Feed`."""
        (name, since_s), source = self._state, self._source
        if source is None:
            return FeedState(name=name, since_s=since_s)
        counters, decoder = source.counters, source.info.decoder
        return FeedState(name=name, since_s=since_s, counters=counters, decoder=decoder)

    def pause(self) -> None:
        """Hold before the next frame."""
        self._paused.set()

    def resume(self) -> None:
        """Go on."""
        self._paused.clear()

    def run(self, stop: threading.Event) -> None:
        """Play until the end, for ever with `loop`, or until `stop`. Raises SourceError."""
        self._say("connecting")
        this_round: _Round | None = _Round()
        while this_round is not None and not stop.is_set():
            self._start = None
            source = self._open()
            this_round = self._play(source, this_round, stop)
            if not (self._config.loop or stop.is_set()):
                self._say("ended")
                return

    def _play(self, source: Source, this_round: _Round, stop: threading.Event) -> _Round | None:
        """Deliver all frames once; the round that follows, or None after a stop."""
        last: Frame | None = None
        with playing(source, stop) as frames:
            self._source = source
            self._say("playing")
            for played in frames:
                self._wait(played.pts_s, stop)
                if stop.is_set():
                    return None
                last = this_round.place(played, arrived_s=self._clock.monotonic(), wall_s=self._clock.wall())
                self._deliver(last)
        if stop.is_set():
            return None
        if last is None:
            raise SourceError("the recording holds no picture", SourceCause.EMPTY, "Choose another file")
        return this_round.after(last)

    def _wait(self, pts_s: float, stop: threading.Event) -> None:
        if self._paused.is_set():
            self._say("paused")
            while self._paused.is_set() and not self._clock.wait(stop, PAUSE_POLL_S):
                pass
            self._start = None
            self._say("playing")
        now_s = self._clock.monotonic()
        if self._start is None:
            self._start = (now_s, pts_s)
        early_s = self._start[0] + (pts_s - self._start[1]) - now_s
        if self._config.paced and early_s > 0:
            self._clock.wait(stop, early_s)
        elif early_s < -LATE_S:
            self._start = (now_s, pts_s)

    def _say(self, name: StateName) -> None:
        self._state = (name, self._clock.monotonic())

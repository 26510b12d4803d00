"""A recording played at its own pace, as if it were a camera: for watching.

It can be held, sent to another place, shown frame by frame, faster or slower. Whatever happens, index and
media time of the frames go on rising, as the tracker wants them: every new place begins a round of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.pipeline.files import playing
from surveil.pipeline.state import FeedState, StateName
from surveil.types import Frame

if TYPE_CHECKING:
    from surveil.capture.source import Source

ROUND_GAP_S = 10.0  # media time between two rounds: no track lives across it, so no object jumps to the start
LATE_S = 0.5  # later than this the pace starts anew instead of hurrying after the clock
POLL_S = 0.1
EARLY_S = 1e-6  # nearer than this is now: smaller waits may not move a clock at all
ROUNDS = 16  # so many are remembered, to tell where in the recording a frame of theirs was
SLOWEST, FASTEST = 0.125, 16.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaybackConfig:
    """How a recording is played.

    Attributes:
        loop: again and again.
        paced: at its own pace; otherwise as fast as its frames are taken.
        stay: at its end it waits to be sent elsewhere.
    """

    loop: bool = False
    paced: bool = True
    stay: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """Where a recording stands and how it plays.

    Attributes:
        pts_s: media time of the newest frame, from the recording's start.
        duration_s: of the whole recording; None where not known.
        rate_hz: its frames a second, nominal.
        speed: 1 is its own.
        held: whether it waits.
    """

    pts_s: float = 0.0
    duration_s: float | None = None
    rate_hz: float = 25.0
    speed: float = 1.0
    held: bool = False


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


class OpenAt(Protocol):
    """Makes a camera's source, not open yet, again and again."""

    def __call__(self, start_s: float = 0.0) -> Source:
        """One that begins at this media second (recordings). Raises SourceError."""


class Playback:
    """Opens a recording, delivers its frames, and says how it is doing.

    `run` is its thread; the rest is for others.
    """

    def __init__(
        self,
        open_source: OpenAt,
        deliver: Callable[[Frame], None],
        clock: Clock,
        config: PlaybackConfig,
    ) -> None:
        self._open, self._deliver, self._clock, self._config = open_source, deliver, clock, config
        self._lock = threading.Lock()  # held for moments: what others ask for
        self._wake = threading.Event()
        self._held, self._speed = False, 1.0
        self._owed = 0  # frames to be shown although it is held
        self._target_s: float | None = None
        self._source: Source | None = None
        self._state: tuple[StateName, float] = ("connecting", clock.monotonic())
        self._start: tuple[float, float] | None = None  # monotonic and media time that the pace counts from
        self._rounds: deque[_Round] = deque(maxlen=ROUNDS)
        self._pts_s = 0.0

    # ---- for others

    @property
    def state(self) -> FeedState:
        """See `Feed`."""
        (name, since_s), source = self._state, self._source
        if source is None:
            return FeedState(name=name, since_s=since_s)
        counters, decoder = source.counters, source.info.decoder
        return FeedState(name=name, since_s=since_s, counters=counters, decoder=decoder)

    @property
    def transport(self) -> Transport:
        """Where it stands."""
        source = self._source
        if source is None:
            return Transport(speed=self._speed, held=self._held)
        return Transport(
            pts_s=self._pts_s,
            duration_s=source.info.duration_s,
            rate_hz=source.info.rate_hz,
            speed=self._speed,
            held=self._held,
        )

    def place_of(self, frame: Frame) -> float:
        """The media time from the recording's start of a frame that was delivered not long ago."""
        rounds = {one.epoch: one.pts_s for one in list(self._rounds)}
        return frame.pts_s - rounds.get(frame.epoch, 0.0)

    def pause(self) -> None:
        """Hold before the next frame."""
        with self._lock:
            self._held = True

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            self._held, self._owed = False, 0
        self._wake.set()

    def seek(self, pts_s: float) -> None:
        """Go on from the first frame at or after this media time; where it is held, that one is shown."""
        with self._lock:
            self._target_s, self._owed = max(0.0, pts_s), 1
        self._wake.set()

    def step(self, frames: int) -> None:
        """Hold, and show the frame that comes `frames` later, or earlier where that is negative."""
        with self._lock:
            self._held = True
            if frames > 0:
                self._owed += frames
        if frames < 0:
            # Half a frame of room: times are rounded, and the frame wanted is the first one not before this.
            self.seek(self._pts_s + (frames - 0.5) / self.transport.rate_hz)
        self._wake.set()

    def play_at(self, speed: float) -> None:
        """Play faster or slower. Raises UsageError outside of what is possible."""
        if not SLOWEST <= speed <= FASTEST:
            raise UsageError(f"speed: expected {SLOWEST:g} to {FASTEST:g}, got {speed:g}")
        with self._lock:
            self._speed, self._start = speed, None
        self._wake.set()

    # ---- its thread

    def run(self, stop: threading.Event) -> None:
        """Play until the end, for ever with `loop`, or until `stop`. Raises SourceError."""
        self._say("connecting")
        this_round, start_s = _Round(), 0.0
        while not stop.is_set():
            self._rounds.append(this_round)
            self._start = None
            last = self._play(self._open(start_s), this_round, stop)
            if last is not None:
                this_round = this_round.after(last)
            goes_on, start_s = self._next(stop)
            if not goes_on:
                return

    def _play(self, source: Source, this_round: _Round, stop: threading.Event) -> Frame | None:
        """Deliver frames until the end, a stop, or until another place is wanted; the last one."""
        last: Frame | None = None
        with playing(source, stop) as frames:
            self._source = source
            for played in frames:
                if not self._wait(played.pts_s, stop):
                    return last
                last = this_round.place(played, arrived_s=self._clock.monotonic(), wall_s=self._clock.wall())
                self._pts_s = played.pts_s
                self._deliver(last)
        if last is None and not stop.is_set():
            raise SourceError("the recording holds no picture", SourceCause.EMPTY, "Choose another file")
        return last

    def _next(self, stop: threading.Event) -> tuple[bool, float]:
        """Whether it goes on after a round, and from where."""
        waits = self._config.stay and not self._config.loop
        while not stop.is_set():
            with self._lock:
                target_s, self._target_s = self._target_s, None
            if target_s is not None:
                return True, target_s
            if self._config.loop:
                return True, 0.0
            self._say("ended")
            if not waits:
                break
            self._doze(POLL_S)
        return False, 0.0

    def _wait(self, pts_s: float, stop: threading.Event) -> bool:
        """Wait until a frame is due; False where it is not wanted any more."""
        while not stop.is_set():
            with self._lock:
                if self._target_s is not None:
                    return False
                held, owed = self._held, self._owed > 0
                self._owed -= owed
            self._say("paused" if held else "playing")
            if owed:
                self._start = None
                return True
            early_s = POLL_S if held else self._early_s(pts_s)
            if held:
                self._start = None
            elif early_s <= EARLY_S:
                return True
            self._doze(early_s)
        return False

    def _early_s(self, pts_s: float) -> float:
        """How long before its time a frame comes."""
        now_s = self._clock.monotonic()
        start = self._start = self._start or (now_s, pts_s)
        early_s = start[0] + (pts_s - start[1]) / self._speed - now_s
        if early_s < -LATE_S:
            self._start = (now_s, pts_s)
        return early_s if self._config.paced else 0.0

    def _doze(self, seconds: float) -> None:
        """Wait a little; what others ask for ends it."""
        if self._clock.wait(self._wake, min(seconds, POLL_S)):
            self._wake.clear()

    def _say(self, name: StateName) -> None:
        if name != self._state[0]:
            self._state = (name, self._clock.monotonic())

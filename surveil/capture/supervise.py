"""One camera kept alive: opened, watched, opened again, for ever; it can always say why it shows nothing.

connecting ─► live ◄─► stalled (no picture, or always the same)          any ─ stop ─► stopped
               ▲ │ fault
               │ ▼
              reconnecting (waits 0.2, 0.4 … 3 s) or failed-auth (waits 30 s), and opens again
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from surveil.capture.source import Source
from surveil.capture.stillness import Stillness
from surveil.capture.tally import Tally
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError
from surveil.redact import redact
from surveil.system import give_memory_back
from surveil.types import Frame

StateName = Literal["connecting", "live", "stalled", "reconnecting", "failed-auth", "stopped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureState:
    """Where a camera stands.

    Attributes:
        name: see the picture at the head of this file.
        since_s: monotonic seconds when this state began.
        cause: why, in a few words; empty while all is well.
        remedy: one sentence that says what the user can do; may be empty.
        detail: the whole message, without secrets; may be empty.
        counters: `frames`, `reconnects`, `lost_CAUSE` and the sources' own, summed up since the start.
    """

    name: StateName
    since_s: float
    cause: str = ""
    remedy: str = ""
    detail: str = ""
    counters: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SuperviseConfig:
    """Times in seconds.

    Attributes:
        reconnect: False for recordings: they play once, a fault ends them.
        first_wait_s: the wait after the first fault; doubled with every further one.
        longest_wait_s: the longest wait; each is shortened by up to a quarter, at random.
        auth_wait_s: the same after a wrong password (cameras lock users out who knock too often).
        steady_s: playing for so long makes earlier faults forgotten.
        stalled_after_s: a camera without a frame for so long is shown as stalled.
        still_after_s: so is one that sends the same picture for so long; its frames are given out all the
            same, as nobody knows better. None: never.
        watch_s: how often the age of the last frame is looked at.
    """

    reconnect: bool = True
    first_wait_s: float = 0.2
    longest_wait_s: float = 3.0
    auth_wait_s: float = 30.0
    steady_s: float = 2.0
    stalled_after_s: float = 2.0
    still_after_s: float | None = 10.0
    watch_s: float = 0.2


@dataclass(frozen=True, slots=True)
class _Reason:
    cause: str = ""
    remedy: str = ""
    detail: str = ""


_STALLED = "Waiting for the camera; the connection is renewed if it stays silent."
_STILL = _Reason(
    "the camera sends the same picture again and again",
    "Its encoder may hang: restart the camera. Where a picture may stand still, set still_after_s: null.",
)


@runtime_checkable
class Interruptible(Protocol):
    """A source whose waiting for a camera can be ended."""

    def interrupt(self) -> None:
        """End it, from another thread."""


class Supervisor:
    """Runs one camera in the caller's thread; a second thread only watches the age of the last frame."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        deliver: Callable[[Frame], None],
        clock: Clock,
        on_state: Callable[[CaptureState], None],
        config: SuperviseConfig | None = None,
    ) -> None:
        """`open_source` makes a new source, which is entered here. `on_state` is called from both threads."""
        self._open_source, self._deliver, self._clock = open_source, deliver, clock
        self._on_state, self._config = on_state, config or SuperviseConfig()
        self._jitter = random.Random()
        self._tally = Tally("frames", "reconnects", *map(_lost, SourceCause))
        self._past: dict[str, int] = {}  # the counters of sources that are closed
        self._source: Source | None = None
        self._waiting: Interruptible | None = None  # the source, from before it is entered
        self._lock = threading.Lock()  # held for a moment, never over a callback
        self._telling = threading.Lock()  # keeps the order of the states that are told
        self._state = CaptureState(name="connecting", since_s=clock.monotonic(), counters={})
        self._joint, self._still = _Joint(), Stillness(self._config.still_after_s)
        self._stalled_after_s = self._config.stalled_after_s

    @property
    def state(self) -> CaptureState:
        """The state with the counters of this moment. Any thread."""
        with self._lock:
            return replace(self._state, counters=self._counters())

    def run(self, stop: threading.Event) -> None:
        """Plays until `stop` is set; a recording (`reconnect=False`) until it ends or breaks.

        Raises:
            Exception: what `deliver` raised, or an error that is not the source's fault.
        """
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done, stop), name="capture-watch")
        if self._config.reconnect:
            watch.start()
        try:
            fault = self._run(stop)
        except Exception as error:
            told = stop.is_set()  # then nobody takes frames any more, and that is no fault
            self._enter(
                "stopped", None if told else _Reason("fault in the program", detail=redact(repr(error)))
            )
            raise
        else:
            self._enter("stopped", _reason(fault))
        finally:
            done.set()
            if self._config.reconnect:
                watch.join()

    def _run(self, stop: threading.Event) -> SourceError | None:
        faults = 0
        self._enter("connecting")
        while not stop.is_set():
            played_s, fault = self._play(stop)
            give_memory_back()
            if stop.is_set():
                return None
            if not self._config.reconnect:
                return fault
            fault = fault or SourceError("the stream ended", SourceCause.ENDED)
            faults = 1 if played_s >= self._config.steady_s else faults + 1
            self._tally.add(_lost(fault.cause))
            denied = fault.cause is SourceCause.AUTH
            self._enter("failed-auth" if denied else "reconnecting", _reason(fault))
            self._clock.wait(stop, self._back_off_s(faults, denied=denied))
        return None

    def _play(self, stop: threading.Event) -> tuple[float, SourceError | None]:
        """Opens and plays once: how long frames came, and what ended it (None: its end, or a stop)."""
        first_s: float | None = None
        try:
            with self._opened() as source:
                self._begin(source)
                for frame in source.frames(stop):
                    first_s = self._clock.monotonic() if first_s is None else first_s
                    self._take(frame)
        except SourceError as error:
            fault: SourceError | None = _alone(error)
        else:
            fault = None
        finally:
            self._end()
        return (0.0 if first_s is None else self._clock.monotonic() - first_s), fault

    def _opened(self) -> Source:
        source = self._open_source()
        self._waiting = source if isinstance(source, Interruptible) else None
        return source

    def _begin(self, source: Source) -> None:
        self._joint.open()
        self._tally.set("reconnects", self._joint.epoch)
        # A slow camera is not a stalled one.
        self._stalled_after_s = max(self._config.stalled_after_s, 4 / source.info.rate_hz)
        with self._lock:
            self._source = source

    def _end(self) -> None:
        self._waiting = None
        with self._lock:
            self._past, self._source = self._sources(), None

    def _take(self, frame: Frame) -> None:
        frame = self._joint(frame)
        self._tally.add("frames")
        if self._still(frame):
            if self._state.cause != _STILL.cause:
                self._enter("stalled", _STILL)
        elif self._state.name != "live":
            self._enter("live")
        self._deliver(frame)

    def _watch(self, done: threading.Event, stop: threading.Event) -> None:
        while not self._clock.wait(done, self._config.watch_s):
            if stop.is_set() and (waiting := self._waiting) is not None:
                waiting.interrupt()
            self._enter("stalled", _Reason("no picture", _STALLED), only_if=self._silent)

    def _silent(self) -> bool:
        age_s = self._clock.monotonic() - self._joint.last_arrived_s
        return self._state.name == "live" and age_s > self._stalled_after_s

    def _back_off_s(self, faults: int, *, denied: bool) -> float:
        config = self._config
        grown_s = min(config.longest_wait_s, config.first_wait_s * 2 ** min(faults - 1, 16))
        wait_s = config.auth_wait_s if denied else grown_s
        # Jitter, or cameras behind one switch would all knock at the same moment.
        return float(wait_s * self._jitter.uniform(0.75, 1.0))

    def _enter(
        self, name: StateName, reason: _Reason | None = None, *, only_if: Callable[[], bool] | None = None
    ) -> None:
        reason = reason or _Reason()
        with self._telling:
            with self._lock:
                before = self._state
                if only_if is not None and not only_if():  # asked here: a frame may have come just now
                    return
                since_s = before.since_s if name == before.name else self._clock.monotonic()
                self._state = CaptureState(
                    name=name,
                    since_s=since_s,
                    cause=reason.cause,
                    remedy=reason.remedy,
                    detail=reason.detail,
                    counters=self._counters(),
                )
            self._on_state(self._state)

    def _sources(self) -> dict[str, int]:
        now = dict(self._source.counters) if self._source is not None else {}
        return {key: self._past.get(key, 0) + now.get(key, 0) for key in self._past | now}

    def _counters(self) -> dict[str, int]:
        own = {key: n for key, n in self._tally.copy().items() if n or not key.startswith("lost_")}
        return own | self._sources()


class _Joint:
    """Makes the playings of one camera into one: index and media time rise, outages take their time."""

    def __init__(self) -> None:
        self.epoch = -1
        self.last_arrived_s = 0.0
        self._next_index, self._last_pts_s = 0, 0.0
        self._shift: tuple[int, float] | None = None

    def open(self) -> None:
        self.epoch += 1
        self._shift = (0, 0.0) if self.epoch == 0 or not self._next_index else None

    def __call__(self, frame: Frame) -> Frame:
        if self._shift is None:
            outage_s = max(frame.arrived_s - self.last_arrived_s, 1e-3)
            self._shift = self._next_index - frame.index, self._last_pts_s + outage_s - frame.pts_s
        index, pts_s = frame.index + self._shift[0], frame.pts_s + self._shift[1]
        self._next_index, self._last_pts_s, self.last_arrived_s = index + 1, pts_s, frame.arrived_s
        return replace(frame, index=index, pts_s=pts_s, epoch=self.epoch) if self.epoch else frame


def _alone(fault: SourceError) -> SourceError:
    """The fault without its tracebacks, which hold the closed source and its last picture."""
    fault.__cause__ = fault.__context__ = fault.__traceback__ = None
    return fault


def _lost(cause: SourceCause) -> str:
    return f"lost_{cause.name.lower()}"


def _reason(fault: SourceError | None) -> _Reason:
    return _Reason(fault.cause.value, fault.remedy, redact(str(fault))) if fault else _Reason()

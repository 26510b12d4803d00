"""What is done without when the machine cannot keep up, step by step, and when it comes back.

A camera is behind when newer frames replaced the ones that waited, and its results come less often than
objects can be followed by. (That frames are overwritten is no overload by itself: a camera of 30 frames a
second that is looked at 15 times is watched well.) From here a rung is taken after some seconds of that, and
given back after a longer time with room to spare; who had to be helped again soon after waits twice as long
before the next try, so that nothing swings.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

RUNGS = (
    "everything is done",
    "fewer pictures a second are drawn on the screen",
    "the detector looks seldom at cameras where nothing moves",
    "the detector looks at smaller pictures",
)
PREVIEWS, IDLE, SMALLER = 1, 2, 3  # rungs from which on each of them holds


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderConfig:
    """Constants of `Ladder`.

    Attributes:
        least_hz: results a second that every camera should have, if it sends so many frames.
        window_s: over which results and overwritten frames are counted.
        overwritten: the share of overwritten frames from which on results are counted at all.
        down_s: so long a camera is behind before the next rung.
        up_s: so long there is room before a rung is given back.
        room: there is room while every camera has so many times what it should have.
        relapse_s: a rung that is taken again so soon was given back too early.
        longest_up_s: the longest that is waited before a rung is given back.
    """

    least_hz: float = 5.0
    window_s: float = 5.0
    overwritten: float = 0.1
    down_s: float = 4.0
    up_s: float = 20.0
    room: float = 1.5
    relapse_s: float = 60.0
    longest_up_s: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """Frames of one live camera since its start: `results` that were made, and those `overwritten` before."""

    results: int
    overwritten: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Where a session stands.

    Attributes:
        rung: index into `RUNGS`; what the lower ones do without is done without, too.
        why: what was measured when it was taken; empty on the lowest.
        since_s: when, on the monotonic clock.
    """

    rung: int = 0
    why: str = ""
    since_s: float = 0.0

    @property
    def name(self) -> str:
        """The rung in words."""
        return RUNGS[self.rung]


class LoadMeter:
    """How far the camera that has the least is from what it should have; called from one thread."""

    def __init__(self, config: LadderConfig) -> None:
        self._config = config
        self._samples: deque[tuple[float, Mapping[str, Count]]] = deque()

    def measure(self, now_s: float, counts: Mapping[str, Count]) -> tuple[float, str]:
        """Results a second beside those there should be (below 1: behind), and whose that is, in words.

        Infinite where none misses anything, or too little time has passed.
        """
        self._samples.append((now_s, counts))
        while now_s - self._samples[0][0] > self._config.window_s:
            self._samples.popleft()
        then_s, before = self._samples[0]
        passed_s = now_s - then_s
        if passed_s < self._config.window_s / 2:
            return math.inf, ""
        least, worst = math.inf, ""
        for name in counts.keys() & before.keys():
            results = counts[name].results - before[name].results
            lost = counts[name].overwritten - before[name].overwritten
            if min(results, lost) < 0 or lost <= self._config.overwritten * (results + lost):
                continue  # opened anew, or all is well
            got_hz, sent_hz = results / passed_s, (results + lost) / passed_s
            slack = got_hz / min(self._config.least_hz, sent_hz)
            if slack < least:
                least, worst = slack, f"{name}: {got_hz:.1f} results of {sent_hz:.1f} frames a second"
        return least, worst

    def begin_anew(self) -> None:
        """Forget what was counted under other circumstances."""
        self._samples.clear()


class Ladder:
    """Decides, from one measurement to the next; called from one thread.

    Attributes:
        load: where it stands.
    """

    def __init__(self, config: LadderConfig) -> None:
        self._config, self._meter = config, LoadMeter(config)
        self.load = Load()
        self._behind_s: float | None = None  # since when a camera is behind
        self._room_s: float | None = None  # since when there is room
        self._up_s = config.up_s
        self._given_s: float | None = None  # when a rung was given back that may still be taken again

    def step(self, now_s: float, counts: Mapping[str, Count], top: int) -> Load:
        """Where it stands after this measurement; `top` is the highest rung that can be taken now."""
        config, rung = self._config, self.load.rung
        slack, whose = self._meter.measure(now_s, counts)
        self._behind_s = (now_s if self._behind_s is None else self._behind_s) if slack < 1 else None
        self._room_s = (now_s if self._room_s is None else self._room_s) if slack >= config.room else None
        if self._given_s is not None and now_s - self._given_s > config.relapse_s:
            self._up_s, self._given_s = config.up_s, None  # it went well
        if self._behind_s is not None and now_s - self._behind_s >= config.down_s and rung < top:
            if self._given_s is not None:
                self._up_s, self._given_s = min(2 * self._up_s, config.longest_up_s), None
            self._take(now_s, rung + 1, whose)
        elif self._room_s is not None and now_s - self._room_s >= self._up_s and rung > 0:
            self._given_s = now_s
            self._take(now_s, rung - 1, self.load.why if rung > 1 else "")
        return self.load

    def _take(self, now_s: float, rung: int, why: str) -> None:
        self.load = Load(rung=rung, why=why, since_s=now_s)
        self._behind_s = self._room_s = None
        self._meter.begin_anew()

"""What was measured: time by stage, frame age, frames by fate."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

WINDOW = 4096  # newest samples that percentiles are taken from
RATE_WINDOW_S = 2.0
STALE_S = 10.0  # without a result for so long nobody can tell how old results are


@dataclass(frozen=True, kw_only=True, slots=True)
class StageStats:
    """One stage of a layout.

    Attributes:
        frames: how often it ran.
        cpu_ms: CPU time of its own thread per run (threads that a library starts inside are not in it).
        wall_ms: time per run, mean; p50_ms, p95_ms: of the newest runs.
    """

    frames: int
    cpu_ms: float
    wall_ms: float
    p50_ms: float
    p95_ms: float


class Samples:
    """The newest values of one measured quantity. Written by one thread, read by any."""

    def __init__(self, window: int = WINDOW) -> None:
        self._values = np.empty(window)  # all of its memory at once: a service must not grow for minutes
        self._count = 0

    def add(self, value: float) -> None:
        """Take one value in; the oldest falls out when the window is full."""
        self._values[self._count % len(self._values)] = value
        self._count += 1  # after the value: a reader meets none that was not written

    def percentile(self, percent: float) -> float:
        """The value that `percent` of the samples do not exceed; NaN without samples."""
        values = self._values[: self._count]
        return float(np.percentile(values, percent)) if len(values) else float("nan")


class Stopwatch:
    """The time of one pass, in milliseconds: `cpu_ms` of this thread, `wall_ms` of the clock."""

    __slots__ = ("cpu_ms", "wall_ms")

    def __init__(self) -> None:
        self.cpu_ms = self.wall_ms = 0.0


class StageTimes:
    """Times of all stages of a layout. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, list[float]] = {}  # stage -> frames, CPU ms, wall ms
        self._walls: dict[str, Samples] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[Stopwatch]:
        """Time the block as one pass of `stage`; a pass that raises is not counted."""
        watch = Stopwatch()
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        yield watch
        watch.cpu_ms = (time.thread_time_ns() - cpu) / 1e6
        watch.wall_ms = (time.perf_counter_ns() - wall) / 1e6
        with self._lock:
            total = self._totals.setdefault(stage, [0, 0.0, 0.0])
            total[0] += 1
            total[1] += watch.cpu_ms
            total[2] += watch.wall_ms
            self._walls.setdefault(stage, Samples()).add(watch.wall_ms)

    def stages(self) -> Mapping[str, StageStats]:
        """What was measured so far, in the order in which the stages first ran."""
        with self._lock:
            totals = {stage: tuple(total) for stage, total in self._totals.items()}
        return {
            stage: StageStats(
                frames=int(frames),
                cpu_ms=cpu / frames,
                wall_ms=wall / frames,
                p50_ms=self._walls[stage].percentile(50),
                p95_ms=self._walls[stage].percentile(95),
            )
            for stage, (frames, cpu, wall) in totals.items()
        }


class Rate:
    """Events a second over the newest `RATE_WINDOW_S` seconds. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def tick(self, now_s: float) -> None:
        """One event at `now_s` on the monotonic clock."""
        with self._lock:
            self._times.append(now_s)
            self._forget(now_s)

    def hz(self, now_s: float) -> float:
        """Events a second; 0 when none happened in the window."""
        with self._lock:
            self._forget(now_s)
            if len(self._times) < 2:
                return float(len(self._times)) / RATE_WINDOW_S
            return (len(self._times) - 1) / max(now_s - self._times[0], 1e-3)

    def _forget(self, now_s: float) -> None:
        while self._times and now_s - self._times[0] > RATE_WINDOW_S:
            self._times.popleft()


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraStats:
    """How one camera is doing.

    Attributes:
        received: frames that came out of the source.
        processed: frames that went through the tracker.
        looked: those of them at which the detector looked; the others were not to be looked at (`every`, a
            cap on the rate, motion gating), so none of them is lost.
        fps: frames received a second, now.
        processed_fps: frames processed a second, now.
        looked_fps: frames looked at a second, now.
        age_p50_ms, age_p95_ms: from the frame's arrival to its result, over the newest frames; NaN where no
            result was made in the last ten seconds.
        drops: frames that were lost by reason; and results, by the name of the tap that lost them.
            `received` is `processed`, the drop `overwritten`, and at most three that are on their way.
    """

    received: int = 0
    processed: int = 0
    looked: int = 0
    fps: float = 0.0
    processed_fps: float = 0.0
    looked_fps: float = 0.0
    age_p50_ms: float = float("nan")
    age_p95_ms: float = float("nan")
    drops: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


class CameraMeter:
    """Collects the numbers of one camera: capture calls `received`, inference `processed`."""

    def __init__(self) -> None:
        self._received = self._processed = self._looked = 0
        self._in, self._out, self._looks = Rate(), Rate(), Rate()
        self._ages = Samples(512)
        self._last_s = float("-inf")
        self._drops: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def results(self) -> int:
        """Frames that have their result."""
        return self._processed

    def received(self, now_s: float) -> None:
        """A frame came out of the source."""
        self._received += 1
        self._in.tick(now_s)

    def processed(self, now_s: float, arrived_s: float, *, looked: bool = True) -> None:
        """A frame that arrived at `arrived_s` has its result; `looked`: the detector looked at it."""
        self._processed += 1
        self._last_s = now_s
        self._out.tick(now_s)
        if looked:
            self._looked += 1
            self._looks.tick(now_s)
        self._ages.add((now_s - arrived_s) * 1000)

    def dropped(self, reason: str) -> None:
        """A frame or result was lost."""
        with self._lock:
            self._drops[reason] += 1

    def stats(self, now_s: float, more_drops: Mapping[str, int]) -> CameraStats:
        """A snapshot; `more_drops` are those that others count."""
        with self._lock:
            drops = {**self._drops, **more_drops}
        ages = self._ages if now_s - self._last_s <= STALE_S else Samples()
        return CameraStats(
            received=self._received,
            processed=self._processed,
            looked=self._looked,
            fps=self._in.hz(now_s),
            processed_fps=self._out.hz(now_s),
            looked_fps=self._looks.hz(now_s),
            age_p50_ms=ages.percentile(50),
            age_p95_ms=ages.percentile(95),
            drops=MappingProxyType({reason: count for reason, count in drops.items() if count}),
        )

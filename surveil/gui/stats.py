"""How fast the window was: gaps of the event loop, pictures shown, painting, memory. No Qt here."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from surveil.app.machine import describe_machine
from surveil.errors import OutputError
from surveil.files import write_atomic

BEAT_MS = 10
"""Between two beats of the event loop when it has nothing else to do; a gap is the time from beat to beat."""
SAMPLE_S = 5.0


class Stats:
    """Collects; `beat` is called every `BEAT_MS`, `sample` now and then, all in the window's thread."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._cpu = time.thread_time()
        self._process_cpu = time.process_time()
        self._age_s = process_age_s()
        self._gaps = array("f")  # a hundred a second: lists would be the growth that is measured
        self._rss: list[tuple[float, float]] = []
        self._sampled = float("-inf")
        self._first_s: float | None = None
        self._steady: tuple[float, float, dict[str, tuple[int, int]]] | None = None

    def beat(self) -> None:
        """The event loop came round once more."""
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now

    def sample(self, tiles: Mapping[str, tuple[int, int]], paint_s: float) -> None:
        """Note pictures shown and frames captured by camera so far, and the CPU time spent painting."""
        passed_s = time.perf_counter() - self._began
        if self._first_s is None and any(shown for shown, _ in tiles.values()):
            self._first_s = passed_s
        if self._steady is None and tiles and all(shown > 30 for shown, _ in tiles.values()):
            self._steady = (passed_s, paint_s, dict(tiles))  # rates count from here: all is loaded, all play
            del self._gaps[:]
        if passed_s - self._sampled >= SAMPLE_S and (rss := rss_mb()) is not None:
            self._sampled = passed_s
            self._rss.append((round(passed_s, 1), rss))

    def result(self, tiles: Mapping[str, tuple[int, int]], paint_s: float) -> dict[str, Any]:
        """Everything, as JSON has it."""
        passed_s = time.perf_counter() - self._began
        since_s, painted_s, before = self._steady or (0.0, 0.0, {})
        span_s = max(passed_s - since_s, 1e-9)
        gaps = np.asarray(self._gaps or [float("nan")]) * 1000
        rates = {}
        for name, (shown, captured) in tiles.items():
            shown_before, captured_before = before.get(name, (0, 0))
            rates[name] = {
                "shown_fps": round((shown - shown_before) / span_s, 2),
                "captured_fps": round((captured - captured_before) / span_s, 2),
            }
        return {
            "machine": describe_machine(),
            "seconds": round(passed_s, 2),
            "steady_after_s": None if self._steady is None else round(since_s, 2),
            "start_to_first_picture_s": _sum(self._age_s, self._first_s),
            "window_to_first_picture_s": _sum(0.0, self._first_s),
            "event_loop_gap_ms": {
                "beat": BEAT_MS,
                "p50": round(float(np.percentile(gaps, 50)), 2),
                "p99": round(float(np.percentile(gaps, 99)), 2),
                "max": round(float(gaps.max()), 2),
            },
            "tiles": rates,
            "paint_core_share": round((paint_s - painted_s) / span_s, 4),
            "window_thread_core_share": round((time.thread_time() - self._cpu) / passed_s, 4),
            "process_cores": round((time.process_time() - self._process_cpu) / passed_s, 3),
            "rss_mb": self._rss,
            "threads": threading.active_count(),
        }

    def write(self, path: Path, result: Mapping[str, Any]) -> None:
        """Put a result into a file. Raises OutputError."""
        try:
            write_atomic(path, (json.dumps(result, indent=2) + "\n").encode(), mode=0o644)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _sum(before_s: float | None, after_s: float | None) -> float | None:
    return None if before_s is None or after_s is None else round(before_s + after_s, 3)


def process_age_s() -> float | None:
    """Seconds since this process began; None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        started = int(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def rss_mb() -> float | None:
    """Memory of this process in MB; None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

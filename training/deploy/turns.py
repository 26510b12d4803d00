"""Work that is timed by turns: all see the same machine, whatever else runs on it."""

import os
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from surveil.clock import Clock, SystemClock
from training.progress import Progress

Key = TypeVar("Key", bound=Hashable)
WARM_UP = 3  # rounds that are not counted


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one piece of work took.

    Attributes:
        seconds: (N,) of each round.
        cpu_seconds: (N,) of processor time of all threads, which other programs do not lengthen; threads that
            wait for each other by spinning do.
    """

    seconds: NDArray[np.float64]
    cpu_seconds: NDArray[np.float64]

    @property
    def median_ms(self) -> float:
        """Median of all rounds."""
        return 1000 * float(np.median(self.seconds))

    @property
    def best_ms(self) -> float:
        """The fastest round: what the work takes when nothing else runs."""
        return 1000 * float(self.seconds.min())

    @property
    def cpu_ms(self) -> float:
        """Median of the processor time."""
        return 1000 * float(np.median(self.cpu_seconds))

    @property
    def p95_ms(self) -> float:
        """95th percentile."""
        return 1000 * float(np.percentile(self.seconds, 95))

    def to_json(self, beside: "Timing") -> dict[str, float]:
        """Milliseconds, and ratios to another's."""
        return {
            "median_ms": round(self.median_ms, 2),
            "best_ms": round(self.best_ms, 2),
            "p95_ms": round(self.p95_ms, 2),
            "cpu_ms": round(self.cpu_ms, 2),
            "ratio": round(self.median_ms / beside.median_ms, 3),
            "best_ratio": round(self.best_ms / beside.best_ms, 3),
            "cpu_ratio": round(self.cpu_ms / max(beside.cpu_ms, 1e-6), 3),
        }


def take_turns(
    jobs: Mapping[Key, Callable[[int], object]], rounds: int, clock: Clock | None = None, seed: int = 0
) -> dict[Key, Timing]:
    """Time all jobs once a round, in another order each round.

    Args:
        jobs: Each is called with the number of the round.
        rounds: That are counted; a few before them are not.
        clock: The system's, if none is named.
        seed: Of the orders.
    """
    watch, rng = clock or SystemClock(), np.random.default_rng(seed)
    seconds: dict[Key, list[tuple[float, float]]] = {name: [] for name in jobs}
    names, progress = list(jobs), Progress("timing", "rounds")
    for number in range(-WARM_UP, rounds):
        for k in rng.permutation(len(names)):
            began, spent = watch.monotonic(), time.process_time()
            jobs[names[k]](number % rounds)
            if number >= 0:
                seconds[names[k]].append((watch.monotonic() - began, time.process_time() - spent))
        if number >= 0:
            progress.at(number + 1, rounds)
    return {
        name: Timing(seconds=rows[:, 0], cpu_seconds=rows[:, 1])
        for name, rows in ((name, np.array(row)) for name, row in seconds.items())
    }


def load_average() -> float | None:
    """Programs that wanted a core in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None

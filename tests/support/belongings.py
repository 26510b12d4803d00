"""What this process holds, to see what is left behind: threads, sockets, files, memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil


@dataclass(frozen=True, kw_only=True, slots=True)
class Belongings:
    """Numbers of one moment; `threads` are Python's, `native_threads` the system's, libraries' included."""

    threads: int
    native_threads: int
    sockets: int
    descriptors: int

    @classmethod
    def now(cls) -> Belongings:
        process = psutil.Process()
        return cls(
            threads=threading.active_count(),
            native_threads=process.num_threads(),
            sockets=len(process.net_connections(kind="all")),
            descriptors=process.num_fds(),
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def rss_mb() -> float:
    """Resident memory of this process, in 10^6 bytes."""
    return float(psutil.Process().memory_info().rss / 1e6)


def slope(samples: Sequence[float], step_s: float = 1.0) -> dict[str, Any]:
    """How memory that was sampled every `step_s` seconds grows.

    The error is that of the means of a dozen blocks about the line: samples of neighbouring seconds say the
    same, so that the usual error would be far too small.
    """
    values = np.asarray(samples, np.float64)
    blocks = [block.mean() for block in np.array_split(values, 12)]
    x = np.arange(12) * (len(values) * step_s / 12 / 3600)
    (gradient, _), covariance = np.polyfit(x, blocks, 1, cov=True)
    quarters = [float(np.median(part)) for part in np.array_split(values, 4)]
    return {
        "mb_per_hour": float(gradient),
        "error_mb_per_hour": float(np.sqrt(covariance[0, 0])),
        "quarters_mb": quarters,
        "first_mb": float(values[0]),
        "last_mb": float(values[-1]),
        "most_mb": float(values.max()),
        "seconds": len(values) * step_s,
    }

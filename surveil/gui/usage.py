"""What this process uses of the machine, and what its graphics cards do. No Qt here."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

from surveil.clock import Clock
from surveil.detect.devices import cores
from surveil.gui.stats import rss_mb

GPU_TIMEOUT_S = 5.0
_SLICE_S = 0.1
_SHORTEST_S = 0.2
_QUERY = ("name", "utilization.gpu", "memory.used", "memory.total")
_MIB = 2**20 / 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What the process uses.

    Attributes:
        cpu_cores: how many cores were busy with it since the reading before.
        cores: how many it may use.
        memory_mb: resident now, in 10^6 bytes; None where the system does not tell.
        total_mb: what the machine has.
    """

    cpu_cores: float
    cores: int
    memory_mb: float | None
    total_mb: float | None


class UsageMeter:
    """Reads what the process uses; one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._cores, self._total_mb = clock, cores(), _total_mb()
        self._wall_s, self._cpu_s, self._busy = clock.monotonic(), time.process_time(), 0.0

    def read(self) -> Usage:
        """The usage now; cheap: it reads one small file of the system's."""
        wall_s, cpu_s = self._clock.monotonic(), time.process_time()
        if wall_s - self._wall_s >= _SHORTEST_S:  # the processor's clock is coarse
            self._busy = (cpu_s - self._cpu_s) / (wall_s - self._wall_s)
            self._wall_s, self._cpu_s = wall_s, cpu_s
        return Usage(cpu_cores=self._busy, cores=self._cores, memory_mb=rss_mb(), total_mb=self._total_mb)


def _total_mb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuUsage:
    """One NVIDIA card: all programs together; memory in 10^6 bytes."""

    name: str
    busy_percent: float
    memory_mb: float
    total_mb: float


def gpu_tool() -> str | None:
    """The program that tells of NVIDIA cards, where it is installed."""
    return shutil.which("nvidia-smi")


def read_gpus(tool: str, stop: threading.Event) -> tuple[GpuUsage, ...]:
    """Ask `tool` (see `gpu_tool`): takes from 30 ms to seconds, so it is nothing for a window's thread.

    Empty when `stop` was set meanwhile, or the tool gave no answer within `GPU_TIMEOUT_S` or no figures.
    """
    command = [tool, f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        left_s = GPU_TIMEOUT_S
        while not stop.is_set() and left_s > 0:
            try:
                return parse_gpus(process.communicate(timeout=_SLICE_S)[0])
            except subprocess.TimeoutExpired:
                left_s -= _SLICE_S
        process.kill()
    return ()


def parse_gpus(answer: str) -> tuple[GpuUsage, ...]:
    r"""The cards of an answer; those that do not tell all their figures are left out.

    >>> parse_gpus("NVIDIA H200, 12, 2048, 143771\nOld, [N/A], 1, 2\n")[0].busy_percent
    12.0
    """
    found = []
    for line in answer.splitlines():
        name, *figures = (part.strip() for part in line.rsplit(",", 3))
        try:
            busy, used, total = map(float, figures)
        except ValueError:
            continue
        found.append(GpuUsage(name=name, busy_percent=busy, memory_mb=used * _MIB, total_mb=total * _MIB))
    return tuple(found)

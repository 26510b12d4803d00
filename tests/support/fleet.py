"""RTSP cameras in a process of their own, whose processor time is known: killed, frozen and woken at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil

SERVER = Path(__file__).with_name("rtsp_camera.py")


class Fleet:
    """`count` cameras that play `clip`. `with Fleet(clip, 4) as fleet: …fleet.urls…`.

    Attributes:
        urls: the cameras' addresses; the same ones after `start` as before.
    """

    def __init__(self, clip: Path, count: int) -> None:
        self._clip, self._count = clip, count
        self._process: subprocess.Popen[str] | None = None
        self._ports: tuple[str, ...] = ()
        self.urls: tuple[str, ...] = ()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Open the ports; returns when they are open."""
        command = [sys.executable, str(SERVER), str(self._clip), str(self._count), *self._ports]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline().strip() for _ in range(self._count)]
        if not all(lines):
            raise RuntimeError(f"the cameras did not start: {command}")
        self.urls = tuple(lines)
        self._ports = tuple(url.rpartition(":")[2].partition("/")[0] for url in lines)

    def tell(self, camera: int, what: str, value: object = "") -> None:
        """A fault, see `Yard.obey`."""
        stdin = self._running.stdin
        assert stdin is not None
        stdin.write(f"{camera} {what} {value}\n")
        stdin.flush()

    def kill(self) -> None:
        """End the process without any farewell of its own; the system closes its connections."""
        self._running.kill()
        self._reap()

    def freeze(self) -> None:
        """Nothing is sent or answered any more, and nothing is closed."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """The end of `freeze`."""
        os.kill(self._running.pid, signal.SIGCONT)

    @property
    def cpu_s(self) -> float:
        """Processor time of the process so far."""
        times = psutil.Process(self._running.pid).cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self.wake()
            self._process.kill()
            self._reap()

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the cameras were killed: start() them"
        return self._process

    def _reap(self) -> None:
        process, self._process = self._running, None
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()

"""A way out of FFmpeg's waiting: its connection is shut down from outside, which its reader sees as the end.

FFmpeg's calls cannot be interrupted from Python, and nothing may be closed in another thread; shutting a
socket down only ends the waiting. Linux tells which sockets a process has; elsewhere timeouts end it.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self/fd")


def sockets() -> frozenset[int]:
    """All sockets of this process, by inode; empty where the system does not tell."""
    return frozenset(inode for _, inode in _sockets())


def sever(peer: tuple[str, int], spared: frozenset[int]) -> None:
    """Shut the connections to `peer` (IP address, port) down, but for the `spared` ones (see `sockets`)."""
    for number, inode in _sockets():
        if inode in spared:
            continue
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as twin:  # OSError: closed just now
            if twin.getpeername()[:2] == peer:
                twin.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[tuple[int, int]]:
    """(descriptor, inode)."""
    if not sys.platform.startswith("linux"):
        return
    for entry in _OWN.iterdir():
        with suppress(OSError):  # closed just now
            status = entry.stat()
            if stat.S_ISSOCK(status.st_mode):
                yield int(entry.name), status.st_ino

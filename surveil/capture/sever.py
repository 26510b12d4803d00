"""A way out of FFmpeg's waiting: its connection is shut down from outside, which its reader sees as the end.

FFmpeg's calls cannot be interrupted from Python, and nothing may be closed in another thread; shutting a
socket down only ends the waiting. Linux tells which sockets a process has; elsewhere timeouts end it.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self/fd")

Peer = tuple[str, int]
"""IP address and port."""


class Connections:
    """Which connection is whose: the channels of one recorder all lead to the same peer.

    FFmpeg does not tell its sockets, so those that came while a stream was being opened are taken for its
    own. Where two streams were opened in the same moment it is not known whose is whose: such a socket is
    left alone until both want to end. Any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[object, _Stream] = {}

    def begin(self, stream: object, peer: Peer) -> None:
        """From now on sockets to `peer` may be this stream's."""
        with self._lock:
            self._of[stream] = _Stream(peer)

    def opened(self, stream: object) -> None:
        """What comes from now on is not this stream's."""
        with self._lock:
            if (of := self._of.get(stream)) is not None:
                of.settle()

    def end(self, stream: object) -> None:
        """It has closed what it had. May be called twice."""
        with self._lock:
            self._of.pop(stream, None)

    def sever(self, stream: object) -> None:
        """Shut a stream's connection down; it wants to end. May be called again and again."""
        with self._lock:
            of = self._of.get(stream)
            if of is None:
                return
            of.ending = True
            others = (other for other in self._of.values() if not other.ending and other.peer == of.peer)
            spared = frozenset[int]().union(*(other.own() for other in others))
            _shut_down(of.own() - spared)


class _Stream:
    """What is known of one stream's sockets, by inode."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.ending = peer, False
        self._before = frozenset(inode for _, inode in _sockets())
        self._own: frozenset[int] | None = None

    def own(self) -> frozenset[int]:
        return _leading_to(self.peer) - self._before if self._own is None else self._own

    def settle(self) -> None:
        self._own = self.own()


def _leading_to(peer: Peer) -> frozenset[int]:
    return frozenset(inode for number, inode in _sockets() if _leads_to(peer, number, inode))


def _leads_to(peer: Peer, number: int, inode: int) -> bool:
    try:
        with _twin(number, inode) as twin:
            return bool(twin.getpeername()[:2] == peer)
    except OSError:  # not connected, or closed just now
        return False


def _shut_down(inodes: frozenset[int]) -> None:
    for number, inode in _sockets():
        if inode in inodes:
            with suppress(OSError), _twin(number, inode) as twin:
                twin.shutdown(socket.SHUT_RDWR)


def _twin(number: int, inode: int) -> socket.socket:
    """The socket under a number of its own. Raises OSError where the number means something else by now."""
    copy = os.dup(number)
    try:
        if os.fstat(copy).st_ino != inode:
            raise OSError("closed just now")
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _sockets() -> Iterator[tuple[int, int]]:
    """(descriptor, inode)."""
    if not sys.platform.startswith("linux"):
        return
    for entry in _OWN.iterdir():
        with suppress(OSError):  # closed just now
            status = entry.stat()
            if stat.S_ISSOCK(status.st_mode):
                yield int(entry.name), status.st_ino

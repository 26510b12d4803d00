"""One service at a time: a lock that the system frees with its process, in a file that names the holder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from surveil.errors import OutputError, UsageError

_FAR = 1 << 30  # Windows locks bytes: these are behind the text, which others must read


class ProcessLock:
    """Held from `with` to its end, or to the end of the process, however it comes."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """`about`: what others are told of the holder beside its process number."""
        self._path, self._about = path, about
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Take it. Raises UsageError that names the other process; OutputError where there can be none."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise OutputError(f"cannot write the lock {self._path}: {error.strerror}") from error
        if not _take(file):
            file.close()
            raise UsageError(
                f"another surveil serve is running: {describe(self._path)}; stop it, or give this one a "
                "service.lock_file and a service.status_file of its own"
            )
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), **self._about}).encode())
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: to remove it would let two processes hold a lock of the same name.
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def describe(path: Path) -> str:
    """The holder of a lock, in words."""
    try:
        about = json.loads(path.read_text("utf-8"))
        return f"process {about['pid']}, on {about['config']}, since {about['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"who holds {path} does not say its name"


def is_held(path: Path) -> bool:
    """Whether a process holds the lock now."""
    try:
        with path.open("r+b") as file:
            return not _take(file)
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

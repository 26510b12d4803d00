"""One process at a time writes into a folder: a lock that the system frees with its process.

Processes that a training starts belong to it and take no lock; what only reads takes none.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from surveil.errors import OutputError
from training.errors import ConfigError

RUN = "run.lock"
_FAR = 1 << 30  # Windows locks bytes: these are behind the text, which others must read


@contextmanager
def locked(path: Path, does: str = "trains") -> Iterator[None]:
    """Hold the lock `path` until the end of `with`, or of the process, however it comes.

    Args:
        path: A file, made with its folder; it stays: to remove it would let two processes hold one name.
        does: What a process does that holds it, for the error of others.

    Raises:
        ConfigError: Another process holds it; names it.
        OutputError: The file cannot be written, or its file system knows no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    except OSError as error:
        raise OutputError(f"{path}: the lock cannot be written ({error.strerror})") from error
    with file:
        try:
            _take(file)
        except (BlockingIOError, PermissionError) as error:
            holder = path.read_text(errors="replace") or "another process"
            raise ConfigError(
                f"{path.parent}: {holder} {does} there: let it end, stop it, or write into another folder"
            ) from error
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be locked ({error.strerror}): write into a folder of a local disk"
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


if os.name == "nt":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        file.seek(0)
else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

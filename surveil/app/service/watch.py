"""Whether a file has changed, by looking at it now and then."""

from __future__ import annotations

from pathlib import Path

Signature = tuple[int, int, int] | None


class FileWatch:
    """Tells a change once it has settled: an editor that is still writing is left to finish."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = self._seen = _signature(path)

    def changed(self) -> bool:
        """Whether the file is another than when this last said so, and the same as at the last look."""
        now = _signature(self._path)
        settled, self._seen = now == self._seen, now
        if not settled or now == self._told:
            return False
        self._told = now
        return True


def _signature(path: Path) -> Signature:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino

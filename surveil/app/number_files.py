"""Text files of numbers, as trackers and their benchmarks exchange them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from surveil.errors import DataError, UsageError


def read_text(path: Path) -> str:
    """A whole file. Raises UsageError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def number_rows(
    path: Path, separator: str | None, least: int, most: int
) -> Iterator[tuple[int, tuple[float, ...]]]:
    """Line number and numbers of every line that is not empty.

    Args:
        path: the file.
        separator: between two numbers; None: any white space.
        least: fewest numbers of a line.
        most: most numbers of a line.

    Raises:
        UsageError: the file cannot be read, or a line holds something else; the message holds FILE:LINE.
    """
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            row = tuple(map(float, text.split(separator)))
        except ValueError as error:
            raise DataError(f"{path}:{line}: expected numbers, got {text[:80]!r}") from error
        if not least <= len(row) <= most or not all(map(math.isfinite, row)):
            count = str(least) if least == most else f"{least} to {most}"
            raise DataError(f"{path}:{line}: expected {count} finite numbers, got {text[:80]!r}")
        yield line, row

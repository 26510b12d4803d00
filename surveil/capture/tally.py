"""Counting what was left out, by reason."""

from __future__ import annotations

from collections.abc import Mapping


class Tally:
    """Counts by reason; one thread writes, any thread reads a copy."""

    def __init__(self, *reasons: str) -> None:
        """All reasons are given at the start, so that a reader never meets a dict that grows."""
        self._counts = dict.fromkeys(reasons, 0)

    def __getitem__(self, reason: str) -> int:
        return self._counts[reason]

    def add(self, reason: str, n: int = 1) -> None:
        """Count `n` more. Raises KeyError for a reason that was not given at the start."""
        self._counts[reason] += n

    def set(self, reason: str, n: int) -> None:
        """Replace a count that is kept elsewhere."""
        self._counts[reason] = n

    def copy(self) -> Mapping[str, int]:
        """The counts so far."""
        return dict(self._counts)

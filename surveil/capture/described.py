"""What every source says of itself: the part of `Source` that is the same for all."""

from __future__ import annotations

from collections.abc import Mapping

from surveil.capture.source import SourceInfo
from surveil.capture.tally import Tally
from surveil.errors import UsageError


class Described:
    """Keeps the facts that a source finds when it is opened, and counts what it leaves out."""

    def __init__(self, subject: str, *reasons: str) -> None:
        """`subject`: how messages name the source; `reasons`: those of its counters."""
        self._subject, self._tally = subject, Tally(*reasons)
        self._info: SourceInfo | None = None

    @property
    def info(self) -> SourceInfo:
        """See `Source`. Raises UsageError before the source was opened."""
        if self._info is None:
            raise UsageError(f"{self._subject}: open the source before asking for its info")
        return self._info

    @property
    def counters(self) -> Mapping[str, int]:
        """See `Source`; the class says what its reasons mean."""
        return self._tally.copy()

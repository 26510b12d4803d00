"""A source around another: all that is passed on as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from surveil.capture.source import Source, SourceInfo


class SourceAround:
    """Opens, closes and describes itself as the source inside does; what its frames are is up to the rest."""

    def __init__(self, source: Source) -> None:
        """`source`: not opened yet."""
        self._source = source

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    @property
    def info(self) -> SourceInfo:
        """See `Source`."""
        return self._source.info

    @property
    def counters(self) -> Mapping[str, int]:
        """See `Source`."""
        return self._source.counters

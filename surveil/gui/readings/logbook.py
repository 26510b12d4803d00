"""What the program says of itself: the newest records of Python's logging, without secrets."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from surveil.gui.text import tr
from surveil.redact import redact

MOST = 2_000
"""Records that are kept."""
LONGEST = 4_000
"""Characters of one record that are kept."""
LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One message.

    Attributes:
        number: counts all records of the program from 1.
        wall_s: seconds since 1970 UTC.
        level: as logging counts.
        source: who says it.
        text: without secrets; may have several lines.
    """

    number: int
    wall_s: float
    level: int
    source: str
    text: str

    @property
    def line(self) -> str:
        """As it is shown and copied: local time, level, text."""
        moment = datetime.fromtimestamp(self.wall_s)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {level_word(self.level):<8}{self.text}"


def level_word(level: int) -> str:
    """A level in one word.

    >>> level_word(30), level_word(50)
    ('Warning', 'Error')
    """
    if level >= logging.ERROR:
        return tr("Error")
    if level >= logging.WARNING:
        return tr("Warning")
    return tr("Info") if level >= logging.INFO else tr("Debug")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which records are shown: of this level and above, with this text in them (in any case of letters)."""

    level: int = logging.DEBUG
    text: str = ""

    def __call__(self, record: Record) -> bool:
        """Whether it is shown."""
        wanted = self.text.casefold()
        return record.level >= self.level and (not wanted or wanted in record.line.casefold())


class LogRing(logging.Handler):
    """Keeps the newest records. Written to from any thread; read from one.

    While it is attached, messages of the level INFO and above are made, whatever others want to show.
    """

    def __init__(self, hide: Callable[[str], str] = redact, most: int = MOST) -> None:
        """`hide` takes secrets out of every text before it is kept."""
        super().__init__()
        self._hide = hide
        self._records: deque[Record] = deque(maxlen=most)
        self._count = 0
        self._attached: list[tuple[logging.Logger, int, list[tuple[logging.Handler, int]]]] = []

    @property
    def count(self) -> int:
        """How many records there were so far, those included that are not kept any more."""
        return self._count

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`; called under the handler's lock."""
        try:
            text = self._hide(self.format(record))[:LONGEST].rstrip()
        except Exception:  # noqa: BLE001 - logging's own rule: a message that cannot be shown breaks nothing
            self.handleError(record)
            return
        self._count += 1
        self._records.append(
            Record(
                number=self._count,
                wall_s=record.created,
                level=record.levelno,
                source=record.name,
                text=text,
            )
        )

    def after(self, number: int) -> tuple[Record, ...]:
        """The records that came after the one of that number, as far as they are kept."""
        self.acquire()
        try:
            new = min(self._count - number, len(self._records))
            return tuple(self._records)[len(self._records) - new :] if new > 0 else ()
        finally:
            self.release()

    def attach(self, logger: logging.Logger) -> None:
        """Listen to a logger; what its other handlers show stays as it was."""
        if logger.level == logging.NOTSET:
            levels: list[tuple[logging.Handler, int]] = []
        else:
            levels = [(handler, handler.level) for handler in logger.handlers]
        self._attached.append((logger, logger.level, levels))
        for handler, level in levels:
            handler.setLevel(max(level, logger.level))
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)

    def detach(self) -> None:
        """Listen no more, and leave everything as it was; may be called twice."""
        while self._attached:
            logger, level, levels = self._attached.pop()
            logger.removeHandler(self)
            logger.setLevel(level)
            for handler, before in levels:
                handler.setLevel(before)


def as_text(records: Iterable[Record]) -> str:
    """Records as lines, for the clipboard."""
    return "\n".join(record.line for record in records)

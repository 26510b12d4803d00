"""The one exception tree.

    SurveilError                      exit code 1
    ├── UsageError                    2   an argument or configuration that cannot work
    │   ├── DataError                 2   a value whose shape, dtype or range is wrong
    │   └── ConfigError               2   a configuration file with mistakes, all of them at once
    ├── SourceError                   3   a camera or file that cannot be opened or read
    ├── ModelError                    4   a model or its card that cannot be used
    ├── DeviceError                   4   a device that was asked for and is not there
    ├── OutputError                   1   a result that could not be written
    ├── RegressionError               5   a recorded clip gave another result than it should
    └── StuckThreadError              1   a thread that did not end within its time

Every message says what was expected, what was got, where, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class SurveilError(Exception):
    """The root: everything that surveil raises on purpose."""

    exit_code = 1


class UsageError(SurveilError):
    """An argument or a configuration that cannot work."""

    exit_code = 2


class DataError(UsageError, ValueError):
    """A value whose shape, dtype or range is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One mistake in a configuration file.

    Attributes:
        file: its name, as the user wrote it.
        line, column: where, counted from 1.
        key: what it is about, e.g. `cameras[0].inputs[1].url`; empty for the file as a whole.
        reason: what is wrong and what to do, without secrets.
    """

    file: str
    line: int = 1
    column: int = 1
    key: str = ""
    reason: str

    def __str__(self) -> str:
        subject = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column}: {subject}{self.reason}"


class ConfigError(UsageError):
    """A configuration file that cannot be used; its text has a line for each of its `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SourceCause(StrEnum):
    """Why a source failed, in one word; the remedy is found by it."""

    NOT_FOUND = "not found"
    NOT_VIDEO = "not video"
    EMPTY = "empty"
    DAMAGED = "damaged"
    REFUSED = "refused"
    NO_ROUTE = "no route"
    DNS = "unknown host"
    AUTH = "wrong password"
    TLS = "encryption"
    TIMEOUT = "timeout"
    ENDED = "stream ended"
    FORBIDDEN = "forbidden address"
    UNSUPPORTED = "unsupported"
    DEVICE = "device"


class SourceError(SurveilError):
    """A source that cannot be opened or read.

    Attributes:
        cause: why, as a `SourceCause`.
        remedy: one sentence that says what the user can do.
    """

    exit_code = 3

    def __init__(self, message: str, cause: SourceCause, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.cause, self.remedy = cause, remedy


class ModelError(SurveilError):
    """A model, or its card, that cannot be used."""

    exit_code = 4


class DeviceError(SurveilError):
    """A device that was asked for and is not there."""

    exit_code = 4


class OutputError(SurveilError):
    """A result that could not be written."""


class RegressionError(SurveilError):
    """A recorded clip gave another result than the one that is written down."""

    exit_code = 5


class StuckThreadError(SurveilError):
    """A thread that did not end within its time."""

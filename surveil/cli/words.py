"""What was lost, in words: for the line of a run, its end, and the status of a service."""

from __future__ import annotations

from collections.abc import Mapping

from surveil.errors import SourceCause

CUT_OFF = "lost_"
"""Counters of connections that ended, by their cause, begin with this; others count frames."""


def drops_in_words(drops: Mapping[str, int]) -> str:
    """Frames and results that were lost, by reason.

    >>> drops_in_words({"overwritten": 3, "outlet": 1, "video": 0})
    '3 overwritten, 1 outlet'
    """
    return ", ".join(f"{count} {reason}" for reason, count in drops.items() if count) or "0"


def breaks_in_words(counters: Mapping[str, int]) -> str:
    """How often a connection ended or none came about, by cause.

    >>> breaks_in_words({"frames": 90, "reconnects": 2, "lost_timeout": 2, "lost_auth": 1})
    '2 timeout, 1 wrong password'
    """
    causes = {
        cause_in_words(reason): count for reason, count in counters.items() if reason.startswith(CUT_OFF)
    }
    return drops_in_words(causes)


def cause_in_words(counter: str) -> str:
    """The cause that a counter of connections counts.

    >>> cause_in_words("lost_dns")
    'unknown host'
    """
    return SourceCause[counter.removeprefix(CUT_OFF).upper()].value

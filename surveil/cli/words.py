"""What was lost, in words: for the line of a run, its end, and the status of a service."""

from __future__ import annotations

from collections.abc import Mapping

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

    >>> breaks_in_words({"frames": 90, "reconnects": 2, "lost_timeout": 2, "lost_no_route": 1})
    '2 timeout, 1 no route'
    """
    causes = {
        reason.removeprefix(CUT_OFF).replace("_", " "): count
        for reason, count in counters.items()
        if reason.startswith(CUT_OFF)
    }
    return drops_in_words(causes)

"""How Python's threads take turns where pictures must not wait."""

from __future__ import annotations

import sys

SWITCH_S = 0.001


def take_short_turns() -> None:
    """Let a thread keep Python's lock for 1 ms while another waits for it, instead of 5 ms.

    For processes that watch live cameras, once at their start. With four cameras of 15 fps on two cores the
    longest time between two pictures of one was 80-89 ms instead of 87-107 ms (`benchmarks/live.py outages`).
    """
    sys.setswitchinterval(SWITCH_S)

"""What a rule is. Rules turn the tracks of one camera into events; each keeps its own state."""

from __future__ import annotations

from typing import Protocol

from surveil.types import Event, FrameInfo, Tracks


class Rule(Protocol):
    """One rule of one camera. Called once a frame, in order, always from the same thread."""

    def update(self, info: FrameInfo, tracks: Tracks) -> tuple[Event, ...]:
        """What is to be reported at this frame; `info.size` may be None where stored tracks are replayed."""

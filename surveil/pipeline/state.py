"""How a camera of a session is doing, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from surveil.pipeline.stats import CameraStats

StateName = Literal[
    # cameras, as capture/supervise.py names them
    "connecting", "live", "stalled", "reconnecting", "failed-auth", "stopped",
    # recordings
    "playing", "paused", "ended",
    # both
    "failed", "off",
]  # fmt: skip

TROUBLE: frozenset[StateName] = frozenset({"stalled", "reconnecting", "failed-auth", "failed"})
"""The states in which no new picture comes although one is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One camera at one moment.

    Attributes:
        since_s: when this state began, on the monotonic clock.
        cause: what went wrong, in words without secrets; empty when all is well.
        remedy: what the user can do about it; may be empty.
        detail: the whole message; may be empty.
        counters: what the source left out by reason, e.g. `corrupt_frames`.
        live: whether the source is a camera (True) or a recording.
        decoder: what decodes, in words; empty before the source was open.
        device: what infers, in words.
    """

    name: StateName
    since_s: float
    cause: str = ""
    remedy: str = ""
    detail: str = ""
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    live: bool = True
    decoder: str = ""
    device: str = ""
    stats: CameraStats = field(default_factory=CameraStats)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """What the thread that reads a source says of it; fields as in `State`."""

    name: StateName
    since_s: float
    cause: str = ""
    remedy: str = ""
    detail: str = ""
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    decoder: str = ""

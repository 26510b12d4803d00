"""How a camera of a session is doing, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from surveil.errors import SourceError, SurveilError
from surveil.pipeline.gate import Attention
from surveil.pipeline.stats import CameraStats
from surveil.redact import redact

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
        attention: how closely the detector looks; see `pipeline.gate`.
        streams: how its further streams are doing, by what they are for: `live`, `record`; only open ones.
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
    attention: Attention = "full"
    streams: Mapping[str, FeedState] = field(default_factory=lambda: MappingProxyType({}))
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


def with_streams(state: State, streams: Mapping[str, FeedState]) -> State:
    """A camera's state with those of its further streams, whose trouble it tells where it has none itself."""
    state = replace(state, streams=MappingProxyType(dict(streams)))
    troubled = {use: stream for use, stream in streams.items() if stream.name in TROUBLE}
    if state.cause or not troubled:
        return state
    worst = next(iter(troubled.values()))
    cause = f"the stream for {' and '.join(sorted(troubled))}: {worst.cause}"
    return replace(state, cause=cause, remedy=worst.remedy, detail=worst.detail)


def failed(error: BaseException, now_s: float) -> FeedState:
    """The end of a stream that cannot be read, or of a program that has a fault."""
    remedy = error.remedy if isinstance(error, SourceError) else ""
    detail = redact(str(error) if isinstance(error, SurveilError) else f"internal error: {error!r}")
    cause = detail.removesuffix(remedy).rstrip(". ")
    return FeedState(name="failed", since_s=now_s, cause=cause, remedy=remedy, detail=detail)

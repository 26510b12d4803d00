"""What every source of frames is: a context manager that plays once and counts what it left out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from surveil.types import Frame

PacketSink = Callable[[Any], None]
"""Is offered every video packet (`av.Packet`) before it is decoded, in the capture thread; must not block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceInfo:
    """What is known of a source once it is open.

    Attributes:
        name: short name, safe in file names.
        size: (width, height) in pixels as the pictures come out (after rotation); None while not known. It
            may still change in mid-stream: each frame has its own.
        rate_hz: frames a second, nominal; above 0.
        duration_s: media time in seconds of the whole recording; None where not known or live.
        live: True for cameras: frames that are not taken are lost, and an end is a fault.
        frame_count: estimate for progress bars, never a promise; None where not known or live.
        decoder: what decodes, in words, e.g. `h264 (software)`.
    """

    name: str
    size: tuple[int, int] | None
    rate_hz: float
    duration_s: float | None
    live: bool
    frame_count: int | None
    decoder: str


class Source(Protocol):
    """A camera, a recording, or a scene. One thread enters, iterates and leaves; others only set `stop`."""

    def __enter__(self) -> Self:
        """Open. Raises SourceError with cause and remedy."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close; may be called twice."""

    @property
    def info(self) -> SourceInfo:
        """What is known of the source, from `__enter__` on. Raises UsageError before."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What was left out so far by reason, e.g. `corrupt_frames`; may be read from any thread."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Play once, from the start: `index` counts decoded frames from 0, `pts_s` rises strictly.

        Ends within 2 s after `stop` is set. A recording ends with its last frame, a live source never does.

        Raises:
            SourceError: the source broke off; for a live source its end is one too (ENDED).
        """

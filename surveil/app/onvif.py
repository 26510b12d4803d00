"""Cameras of the network: who is there, which streams a camera has, and which of them to use for what."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surveil.clock import Clock
from surveil.redact import redact

if TYPE_CHECKING:
    from surveil.capture.onvif.discover import Discovered
    from surveil.capture.onvif.media import Stream

SERVICE_PATH = "/onvif/device_service"
"""Where nearly every camera has its device service."""
LEAST_WIDTH = 640
"""Pixels that the stream to detect in should have; see docs/cameras.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What to use streams for.

    Attributes:
        seen: to detect in.
        large: to show large and to record; None: there is none that has more pixels.
    """

    seen: Stream
    large: Stream | None


def find_cameras(
    clock: Clock, stop: threading.Event, search_s: float | None = None
) -> tuple[Discovered, ...]:
    """The cameras of the local networks that answer, those so far when a stop was asked.

    Raises:
        UsageError: the extra `onvif` is not installed.
        SourceError: there is no network to look in.
    """
    from surveil.capture.onvif.discover import DiscoverConfig, discover

    config = DiscoverConfig() if search_s is None else DiscoverConfig(search_s=search_s)
    return discover(clock, stop, config)


def ask_streams(
    where: str, username: str, password: str, *, clock: Clock, stop: threading.Event
) -> tuple[Stream, ...]:
    """The streams of a camera, the largest first; without meaning when a stop was asked.

    Args:
        where: its host, HOST:PORT, or the address of its device service.
        username: empty: asked without user and password.
        password: as it is, not percent-encoded.
        clock: of all waiting.
        stop: ends it.

    Raises:
        UsageError: `where` makes no sense, or the extra `onvif` is not installed.
        SourceError: with cause and remedy.
    """
    from surveil.capture.onvif.login import Login
    from surveil.capture.onvif.media import streams_of

    login = Login(username=username, password=password) if username else None
    return streams_of(service_of(where), login, clock=clock, stop=stop)


def service_of(where: str) -> str:
    """The device service that is meant.

    >>> service_of("10.0.0.7"), service_of("http://10.0.0.7:8000/onvif/device_service")
    ('http://10.0.0.7/onvif/device_service', 'http://10.0.0.7:8000/onvif/device_service')
    """
    text = where.strip()
    return text if "://" in text else f"http://{text}{SERVICE_PATH}"


def propose(streams: Sequence[Stream]) -> Proposal:
    """Detect in the smallest stream that is wide enough, show and record the largest.

    Args:
        streams: one at least, the largest first.
    """
    enough = [stream for stream in streams if stream.size[0] >= LEAST_WIDTH]
    seen = enough[-1] if enough else streams[0]
    largest = streams[0]
    return Proposal(seen=seen, large=largest if _pixels(largest) > _pixels(seen) else None)


def in_words(stream: Stream) -> str:
    """One line about a stream, without secrets.

    >>> from surveil.capture.onvif.media import Stream
    >>> in_words(Stream(name="main", url="rtsp://h/1", codec="H264", size=(1920, 1080), rate_hz=25.0))
    'main, 1920 × 1080, 25 fps, H264, rtsp://h/1'
    """
    size = f"{stream.size[0]} × {stream.size[1]}" if stream.size[0] else ""
    rate = f"{stream.rate_hz:g} fps" if stream.rate_hz else ""
    return ", ".join(filter(None, (stream.name, size, rate, stream.codec, redact(stream.url))))


def _pixels(stream: Stream) -> int:
    return stream.size[0] * stream.size[1]

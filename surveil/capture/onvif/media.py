"""The streams that a camera says it has (ONVIF Media 1: GetProfiles, GetStreamUri)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from surveil.capture.address import StreamAddress
from surveil.capture.onvif.http import no_onvif
from surveil.capture.onvif.login import Login
from surveil.capture.onvif.soap import DEVICE, Device
from surveil.capture.onvif.xml import words
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError

MEDIA, SCHEMA = "http://www.onvif.org/ver10/media/wsdl", "http://www.onvif.org/ver10/schema"
LIMIT_S = 20.0
MOST = 32
"""Profiles that are asked about."""
_SETUP = (
    f'<StreamSetup><Stream xmlns="{SCHEMA}">RTP-Unicast</Stream>'
    f'<Transport xmlns="{SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One stream, as the camera describes it.

    Attributes:
        name: of its profile; plain text, may be empty.
        url: without user and password.
        codec: e.g. `H264`; may be empty.
        size: (width, height) in pixels; zeros where the camera does not say.
        rate_hz: pictures a second at most; 0 where the camera does not say.
    """

    name: str
    url: str
    codec: str
    size: tuple[int, int]
    rate_hz: float


def streams_of(
    service: str, login: Login | None, *, clock: Clock, stop: threading.Event
) -> tuple[Stream, ...]:
    """Its streams, the largest first; without meaning when a stop was asked.

    Args:
        service: address of its device service.
        login: who asks; None: whoever may.
        clock: of all waiting.
        stop: ends it.

    Raises:
        UsageError: `service` is no address, or the extra is not installed.
        SourceError: AUTH: it wants another user or password; EMPTY: it has no video; UNSUPPORTED: it does
            not speak ONVIF; and others where it cannot be reached.
    """
    address = StreamAddress.parse(service)
    if address.scheme not in ("http", "https"):
        raise UsageError(f"address {address.shown!r}: ONVIF is spoken at http:// or https:// addresses")
    device = Device(address, login, clock, stop, LIMIT_S)
    device.set_clock()
    media = _media_service(device)
    profiles = device.ask(media, MEDIA, "GetProfiles")
    found: dict[str, Stream] = {}
    failure: SourceError | None = None
    for token, profile in _with_video(profiles):
        try:
            answer = device.ask(
                media, MEDIA, "GetStreamUri", f"{_SETUP}<ProfileToken>{escape(token)}</ProfileToken>"
            )
        except SourceError as error:
            if error.cause is not SourceCause.UNSUPPORTED:
                raise
            failure = error  # a profile that is not set up: the others may be
            continue
        url = _playable(words(answer, ".//{*}Uri", 2_000))
        if url is not None and url not in found:
            found[url] = _stream(profile, url)
    if not found:
        raise failure or SourceError(
            f"{address.shown}: it has no media profile with video",
            SourceCause.EMPTY,
            "Make a profile with video in the camera's settings, or write the address of its stream by hand.",
        )
    return tuple(sorted(found.values(), key=lambda one: (-one.size[0] * one.size[1], one.name)))


def _media_service(device: Device) -> str:
    answer = device.ask(device.address.url, DEVICE, "GetCapabilities", "<Category>Media</Category>")
    media = words(answer, ".//{*}Media/{*}XAddr", 2_000)
    try:
        return StreamAddress.parse(media).url
    except UsageError as error:
        raise no_onvif(device.address.shown, "it names no service for video") from error


def _with_video(profiles: Element) -> Iterator[tuple[str, Element]]:
    """Tokens and profiles."""
    some = [profile for profile in profiles.iterfind("{*}Profiles") if profile.get("token")]
    for profile in some[:MOST]:
        if profile.find("{*}VideoEncoderConfiguration") is not None:
            yield profile.get("token", ""), profile


def _stream(profile: Element, url: str) -> Stream:
    video = profile.find("{*}VideoEncoderConfiguration")
    size = _number(words(video, "{*}Resolution/{*}Width")), _number(words(video, "{*}Resolution/{*}Height"))
    return Stream(
        name=words(profile, "{*}Name"),
        url=url,
        codec=words(video, "{*}Encoding", 16),
        size=size if all(size) else (0, 0),
        rate_hz=float(_number(words(video, "{*}RateControl/{*}FrameRateLimit"))),
    )


def _playable(text: str) -> str | None:
    """The address without user and password; None where nothing here could play it."""
    try:
        StreamAddress.parse(text)
    except UsageError:
        return None
    parts = urlsplit(text)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _number(text: str) -> int:
    """Of pixels or pictures a second; 0 for what is none."""
    try:
        number = int(float(text))
    except (ValueError, OverflowError):
        return 0
    return number if 0 < number < 100_000 else 0

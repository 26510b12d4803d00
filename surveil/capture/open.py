"""What a user writes (`0`, `rtsp://…`, `street.mp4`, `shots/*.png`, `cams.txt`) and the source it means."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from surveil.capture.source import PacketSink, Source
from surveil.capture.span import Span
from surveil.capture.spec import SourceSpec, expand_sources, parse_source
from surveil.clock import Clock
from surveil.errors import UsageError

__all__ = ["SourceOptions", "SourceSpec", "expand_sources", "open_source", "parse_source"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """How a source is played; what does not fit its kind is a UsageError.

    Attributes:
        start_s: first media second that is given out (recordings).
        end_s: media second before which playing ends; None: the end (recordings).
        realtime: give every frame of a recording or scene out when its media time has come, not before.
        images_rate_hz: pictures a second, for folders and patterns of images.
        packet_sink: is offered each packet before it is decoded (files and streams).
        stop: ends the opening of a camera, which happens before `frames` gets its own event.
        transport: how RTSP carries its packets.
    """

    start_s: float = 0.0
    end_s: float | None = None
    realtime: bool = False
    images_rate_hz: float = 10.0
    packet_sink: PacketSink | None = None
    stop: threading.Event | None = None
    transport: Literal["tcp", "udp"] = "tcp"


def open_source(
    spec: SourceSpec, *, camera_id: str, clock: Clock, options: SourceOptions | None = None
) -> Source:
    """The source that `spec` names, to be entered by the thread that plays it.

    Raises:
        UsageError: the options do not fit the source.
        SourceError: a folder or pattern of images that holds none any more.
    """
    options = options or SourceOptions()
    span = Span(start_s=options.start_s, end_s=options.end_s)
    if spec.live and (options.start_s or options.end_s is not None):
        raise UsageError(f"{spec.shown}: a camera has no start or end; these are for recordings")
    source = _make(spec, span, camera_id=camera_id, clock=clock, options=options)
    if options.realtime and spec.kind in ("file", "images"):
        from surveil.capture.pacing import PacedSource

        return PacedSource(source, clock=clock)
    return source  # cameras keep their own time, drawn scenes too


def _make(spec: SourceSpec, span: Span, *, camera_id: str, clock: Clock, options: SourceOptions) -> Source:
    # Imported where it is used: PyAV and OpenCV are heavy, and each kind needs one of them.
    match spec.kind:
        case "file":
            from surveil.capture.file import FileConfig, FileSource

            return FileSource(
                Path(spec.text),
                camera_id=camera_id,
                clock=clock,
                config=FileConfig(span=span),
                packet_sink=options.packet_sink,
            )
        case "images":
            from surveil.capture.images import ImagesConfig, ImagesSource

            return ImagesSource(
                spec.images(),
                camera_id=camera_id,
                clock=clock,
                config=ImagesConfig(rate_hz=options.images_rate_hz, span=span),
            )
        case "stream":
            from surveil.capture.address import StreamAddress
            from surveil.capture.stream import StreamConfig, StreamSource

            return StreamSource(
                StreamAddress.parse(spec.text),
                camera_id=camera_id,
                clock=clock,
                stop=options.stop,
                config=StreamConfig(transport=options.transport),
                packet_sink=options.packet_sink,
            )
        case "webcam":
            from surveil.capture.webcam import WebcamSource

            return WebcamSource(spec.text, camera_id=camera_id, clock=clock, stop=options.stop)
        case "synthetic":
            from surveil.capture.synthetic import SyntheticSource, parse_scene_url

            return SyntheticSource(
                parse_scene_url(spec.text),
                camera_id=camera_id,
                clock=clock,
                span=span,
                realtime=options.realtime,
            )

"""What a user writes (`0`, `rtsp://…`, `street.mp4`, `shots/*.png`, `cams.txt`) and the source it means."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from surveil.capture.sever import Connections
from surveil.capture.source import PacketSink, Source
from surveil.capture.span import Span
from surveil.capture.spec import SourceSpec, expand_sources, parse_source
from surveil.capture.usb import UsbCamera
from surveil.clock import Clock
from surveil.errors import UsageError

if TYPE_CHECKING:
    from surveil.capture.hardware import Decoding

__all__ = ["Opener", "SourceOptions", "SourceSpec", "expand_sources", "open_source", "parse_source"]


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
        verify_tls: whether an encrypted camera must prove who it is; most of them cannot.
        decode: what decodes: `auto`, `cpu` or a device, see `surveil.capture.hardware`.
        masked: whether parts of the picture are private: packets cannot be masked, so nobody is offered any.
        connections: shared by cameras that may stand behind the same address, so that none is cut off in the
            place of another.
    """

    start_s: float = 0.0
    end_s: float | None = None
    realtime: bool = False
    images_rate_hz: float = 10.0
    packet_sink: PacketSink | None = None
    stop: threading.Event | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    verify_tls: bool = False
    decode: str = "auto"
    masked: bool = False
    connections: Connections | None = None

    def __post_init__(self) -> None:
        if self.masked and self.packet_sink is not None:
            raise UsageError(
                "a camera with privacy masks gives no packets to copy: they hold the whole picture. Take its "
                "masks away, or record its masked pictures"
            )


class Opener:
    """Opens one source again and again; what was learnt of it holds for the next opening."""

    def __init__(
        self, spec: SourceSpec, *, camera_id: str, clock: Clock, options: SourceOptions | None = None
    ) -> None:
        """Raises UsageError where the options do not fit the source."""
        self._spec, self._camera_id, self._clock = spec, camera_id, clock
        self._options = options or SourceOptions()
        self._span = Span(start_s=self._options.start_s, end_s=self._options.end_s)
        if spec.live and (self._options.start_s or self._options.end_s is not None):
            raise UsageError(f"{spec.shown}: a camera has no start or end; these are for recordings")
        self._decoding: Decoding | None = None
        self._usb = UsbCamera(spec.text) if spec.kind == "webcam" else None
        self._in_driver = threading.Lock()

    def __call__(self, start_s: float = 0.0) -> Source:
        """A new source, to be entered by the thread that plays it.

        Args:
            start_s: where a recording begins instead of at its start. It begins quickly: what lies before is
                not decoded where the file allows, and the frames' index is an estimate then.

        Raises:
            SourceError: a folder of images that holds none any more, a USB camera that is not the one before.
        """
        source = self._make(start_s)
        if self._options.realtime and self._spec.kind in ("file", "images"):
            from surveil.capture.pacing import PacedSource

            return PacedSource(source, clock=self._clock)
        return source  # cameras keep their own time, drawn scenes too

    def _make(self, start_s: float) -> Source:
        spec, options = self._spec, self._options
        span = replace(self._span, start_s=start_s) if start_s else self._span
        camera_id, clock = self._camera_id, self._clock
        # Imported where it is used: PyAV and OpenCV are heavy, and each kind needs one of them.
        match spec.kind:
            case "file":
                from surveil.capture.file import FileConfig, FileSource

                return FileSource(
                    Path(spec.text),
                    camera_id=camera_id,
                    clock=clock,
                    config=FileConfig(span=span, quick=start_s > 0),
                    packet_sink=options.packet_sink,
                    decoding=self._decoder(),
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
                    config=StreamConfig(transport=options.transport, verify_tls=options.verify_tls),
                    packet_sink=options.packet_sink,
                    decoding=self._decoder(),
                    connections=options.connections,
                )
            case "webcam":
                from surveil.capture.webcam import WebcamSource

                device = self._usb.device() if self._usb is not None else spec.text
                return WebcamSource(
                    device, camera_id=camera_id, clock=clock, stop=options.stop, in_use=self._in_driver
                )
            case "synthetic":
                from surveil.capture.synthetic import SyntheticSource, parse_scene_url

                return SyntheticSource(
                    parse_scene_url(spec.text),
                    camera_id=camera_id,
                    clock=clock,
                    span=span,
                    realtime=options.realtime,
                )

    def _decoder(self) -> Decoding:
        """What is known of decoding this source: one for all its openings."""
        from surveil.capture.hardware import Decoding

        if self._decoding is None:
            asked = self._options.decode
            if asked == "auto" and self._spec.kind == "file":
                asked = "cpu"  # the same recording gives the same pixels on every machine
            self._decoding = Decoding(asked, name=self._camera_id)
        return self._decoding


def open_source(
    spec: SourceSpec, *, camera_id: str, clock: Clock, options: SourceOptions | None = None
) -> Source:
    """The source that `spec` names, to be played once. Raises UsageError, SourceError as `Opener`."""
    return Opener(spec, camera_id=camera_id, clock=clock, options=options)()

"""Network cameras (RTSP, HTTP) through PyAV: every call has a deadline, every fault a cause.

One thread opens, reads and closes: FFmpeg crashes when a container is closed while another thread reads it. A
stop is seen at the next packet, or when the read timeout ends the waiting.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self, cast

import av
import av.error

from surveil.capture.address import StreamAddress
from surveil.capture.backlog import Backlog
from surveil.capture.connect import Deadline, check_reachable, encryption_fault
from surveil.capture.described import Described
from surveil.capture.faults import stream_error, translate
from surveil.capture.hardware import Decoding
from surveil.capture.pictures import (
    BgrConverter,
    nominal_rate,
    picture_stream,
    stamp_of,
)
from surveil.capture.sever import Connections
from surveil.capture.source import PacketSink, SourceInfo
from surveil.capture.timeline import Timeline
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.types import Frame

# What FFmpeg may open on its own, by the scheme of the address: nothing local, nothing that chains protocols.
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,rtcp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,rtcp,srtp,udp,tcp,tls",
    "http": "http,https,httpproxy,tcp,tls",
    "https": "http,https,httpproxy,tcp,tls",
}
ENCRYPTED = frozenset({"rtsps", "https"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamConfig:
    """How a network source is read; times in seconds.

    Attributes:
        transport: how RTSP carries its packets; UDP loses some in busy networks.
        connect_timeout_s: for the host name and the TCP connection together.
        open_timeout_s: for the stream's description and its first packets.
        read_timeout_s: for one packet; also how long a stop may have to wait.
        picture_timeout_s: for one good picture: packets may come that hold none (sound, damage, no keyframe).
        longest_ahead_s: by how much a time stamp may jump forward before it is repaired; more than what
            `Backlog` leaves out at once.
        verify_tls: whether the certificate of an encrypted camera must be known to this machine, and name it.
            Cameras make their own, so this is for those that were given one.
    """

    transport: Literal["tcp", "udp"] = "tcp"
    connect_timeout_s: float = 1.5
    open_timeout_s: float = 1.5
    read_timeout_s: float = 1.5
    picture_timeout_s: float = 10.0
    longest_ahead_s: float = 5.0
    verify_tls: bool = False


_REASONS = ("corrupt_frames", "damaged_packets", "late_packets", "repaired_stamps")


class StreamSource(Described):
    """One playing of a network camera; the supervisor opens the next one.

    It counts `corrupt_frames` and `damaged_packets`, which were left out, `late_packets`, which were, too, to
    keep up with the camera, and `repaired_stamps`, which were kept.
    """

    def __init__(  # noqa: PLR0913 - what a camera is given once, each with its name
        self,
        address: StreamAddress,
        *,
        camera_id: str,
        clock: Clock,
        stop: threading.Event | None = None,
        config: StreamConfig | None = None,
        packet_sink: PacketSink | None = None,
        decoding: Decoding | None = None,
        connections: Connections | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            address: where it is.
            camera_id: its name.
            clock: of its thread.
            stop: ends also the connecting, which happens before `frames` gets its own event.
            config: how it is read.
            packet_sink: is offered its packets.
            decoding: of this camera, kept from one playing to the next; None: in software.
            connections: of all cameras that may stand behind the same address; None: it is alone.
        """
        self._address, self._camera_id, self._clock = address, camera_id, clock
        self._opening_stop = stop or threading.Event()
        self._config, self._packet_sink = config or StreamConfig(), packet_sink
        self._decoding = decoding or Decoding("cpu")
        super().__init__(address.shown, *_REASONS)
        self._container: av.container.InputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._connections = connections or Connections()
        # Over HTTP FFmpeg invents the stamps of motion JPEG.
        self._backlog = Backlog() if address.scheme.startswith("rtsp") else None

    def __enter__(self) -> Self:
        subject = self._address.shown
        deadline = Deadline(self._clock, self._opening_stop, self._config.connect_timeout_s)
        peer = check_reachable(self._address.host, self._address.port, deadline, subject)
        if self._opening_stop.is_set():
            raise stream_error(subject, SourceCause.ENDED, "stopped while connecting")
        self._connections.begin(self, peer)
        try:
            self._container = self._open()
            self._stream = self._begin(self._container)
        except BaseException:
            self._close()
            raise
        self._connections.opened(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def interrupt(self) -> None:
        """End what waits for the camera, which then raises SourceError. Any thread, any number of times."""
        self._connections.sever(self)

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`. Raises SourceError; a live source's end is one too (ENDED)."""
        timeline = Timeline(self.info.rate_hz, longest_ahead_s=self._config.longest_ahead_s)
        convert, index, last_good_s = BgrConverter(), 0, self._clock.monotonic()
        for packet in self._packets(stop):
            for picture in self._decode(packet):
                self._prove()
                last_good_s = self._clock.monotonic()
                pts_s = timeline.stamp(stamp_of(picture), last_good_s)
                self._tally.set("repaired_stamps", timeline.repaired)
                yield Frame(
                    camera_id=self._camera_id,
                    index=index,
                    pts_s=pts_s,
                    wall_s=self._clock.wall(),
                    arrived_s=last_good_s,
                    image=convert(picture),
                )
                index += 1
                if stop.is_set() or self._container is None:  # reading after closing crashes FFmpeg
                    return
            if self._clock.monotonic() - last_good_s > self._config.picture_timeout_s:
                if not index:
                    self._decoding.no_picture()
                raise self._no_picture()

    def _open(self) -> av.container.InputContainer:
        config, address = self._config, self._address
        options = {
            # No fflags=nobuffer: it throws the first keyframe away (first picture after 3-5 s, not 0.4).
            "flags": "low_delay",
            "analyzeduration": "200000",
            "fpsprobesize": "0",
            "protocol_whitelist": _PROTOCOLS[address.scheme],
        }
        if address.scheme in ("rtsp", "rtsps"):
            options |= {"rtsp_transport": config.transport, "allowed_media_types": "video"}
        if address.scheme in ENCRYPTED:
            options["tls_verify"] = str(int(config.verify_tls))
            if trusted := ssl.get_default_verify_paths().cafile:
                options["ca_file"] = trusted
        hwaccel = self._decoding.hwaccel()
        started_s = self._clock.monotonic()
        try:
            return av.open(
                address.url,
                options=options,
                timeout=(config.open_timeout_s, config.read_timeout_s),
                hwaccel=hwaccel,
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            fault = self._fault(error, started_s, config.open_timeout_s)
            if fault.cause is SourceCause.ENDED and address.scheme.startswith(
                "http"
            ):  # a web page, most likely
                fault = stream_error(address.shown, SourceCause.NOT_VIDEO, "its answer ends before any video")
            stopped = self._opening_stop.is_set()
            if address.scheme in ENCRYPTED and fault.cause is not SourceCause.AUTH and not stopped:
                fault = self._encryption_fault() or fault
            raise fault from None  # FFmpeg's error holds the password

    def _encryption_fault(self) -> SourceError | None:
        config, address = self._config, self._address
        return encryption_fault(
            (address.host, address.port),
            address.shown,
            verify=config.verify_tls,
            timeout_s=config.connect_timeout_s,
        )

    def _begin(self, container: av.container.InputContainer) -> av.VideoStream:
        stream = picture_stream(container)
        if stream is None:
            raise stream_error(
                self._address.shown, SourceCause.NOT_VIDEO, "it sends no picture, only sound or data"
            )
        if stream.codec_context is None:
            raise stream_error(self._address.shown, SourceCause.UNSUPPORTED, "there is no decoder for it")
        stream.thread_type = "NONE"  # decoding threads would hold pictures back
        context = stream.codec_context
        self._info = SourceInfo(
            name=self._camera_id,
            size=(context.width, context.height) if context.width and context.height else None,
            rate_hz=nominal_rate(stream),
            duration_s=None,
            live=True,
            frame_count=None,
            decoder=self._decoding.begin(context),
        )
        return stream

    def _packets(self, stop: threading.Event) -> Iterator[av.Packet[av.VideoStream] | None]:
        """Packets of the picture; None for others, to see deadlines. Raises SourceError at the end."""
        container, stream = self._container, self._stream
        if container is None or stream is None:
            raise UsageError(f"{self._address.shown}: open the source before playing it")
        packets = container.demux()
        while not stop.is_set():
            started_s = self._clock.monotonic()
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                raise self._fault(error, started_s, self._config.read_timeout_s) from None
            except IndexError as error:  # PyAV does not know streams that appear late; a new connection does
                raise stream_error(self._address.shown, SourceCause.DAMAGED, "its streams changed") from error
            if packet is None or packet.size == 0:  # the empty packet flushes: nothing follows
                raise stream_error(self._address.shown, SourceCause.ENDED)
            # After its timeout FFmpeg first hands out what its parser still held, and then waits once more.
            if self._clock.monotonic() - started_s >= self._config.read_timeout_s:
                raise stream_error(self._address.shown, SourceCause.TIMEOUT)
            # All streams are read, or a camera that sends nothing but sound would hold this thread for ever.
            yield cast("av.Packet[av.VideoStream]", packet) if packet.stream_index == stream.index else None

    def _decode(self, packet: av.Packet[av.VideoStream] | None) -> list[av.VideoFrame]:
        """The sound pictures of a packet."""
        if packet is None:
            return []
        if self._packet_sink is not None:
            self._packet_sink(packet)
        if self._is_late(packet):
            self._tally.add("late_packets")
            return []
        try:
            pictures = packet.decode()
        except av.error.FFmpegError:  # whatever is wrong with one packet, the next may be sound
            self._tally.add("damaged_packets")
            return []
        good = [picture for picture in pictures if not picture.is_corrupt]
        self._tally.add("corrupt_frames", len(pictures) - len(good))
        return good

    def _is_late(self, packet: av.Packet[av.VideoStream]) -> bool:
        """Whether it is left out, so that what comes next is seen in time."""
        stamp = packet.pts if packet.dts is None else packet.dts
        if self._backlog is None or stamp is None or not packet.time_base:
            return False
        now_s, stamp_s = self._clock.monotonic(), float(stamp * packet.time_base)
        return self._backlog.skip(stamp_s, now_s, keyframe=packet.is_keyframe)

    def _prove(self) -> None:
        """A picture came out: now it is known what decodes."""
        info, stream = self.info, self._stream
        if stream is not None and (words := self._decoding.look(stream.codec_context)) != info.decoder:
            self._info = replace(info, decoder=words)

    def _fault(self, error: Exception, started_s: float, timeout_s: float) -> SourceError:
        passed_s = self._clock.monotonic() - started_s
        return translate(self._address.shown, error, passed_s=passed_s, timeout_s=timeout_s)

    def _no_picture(self) -> SourceError:
        limit_s, counts = self._config.picture_timeout_s, dict(self._tally.copy())
        words = f"data comes, but no sound picture for {limit_s:g} s ({counts})"
        return stream_error(self._address.shown, SourceCause.DAMAGED, words)

    def _close(self) -> None:
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()
        self._connections.end(self)

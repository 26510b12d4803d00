"""Recordings: lossless, true time stamps, damage survived and counted."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from surveil.capture.described import Described
from surveil.capture.hardware import Decoding
from surveil.capture.pictures import (
    BgrConverter,
    nominal_rate,
    stamp_of,
    upright_size,
)
from surveil.capture.recording import open_recording, video_stream
from surveil.capture.source import PacketSink, SourceInfo
from surveil.capture.span import WHOLE, Span
from surveil.capture.timeline import Timeline
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.types import Frame

log = logging.getLogger(__name__)

SHORT_S, SHORT_SHARE = 1.0, 0.05  # a recording lacks its end when more than both is missing
_PEEK_PACKETS = 500  # how far the opening looks for the first good picture
_DEMUX_ERRORS = 50  # in a row, without one packet between: nothing more is coming


@dataclass(frozen=True, kw_only=True, slots=True)
class FileConfig:
    """How a recording is played.

    Attributes:
        span: the part that is given out.
        quick: begin at the key picture before the start rather than decode all that lies before it; the
            frames' index is an estimate then. A start behind the last frame means that one.
        threads: decoding threads; 0 picks for this machine, at most 4 (each holds a picture).
    """

    span: Span = WHOLE
    quick: bool = False
    threads: int = 0


class FileSource(Described):
    """A video file through PyAV. Opened, played and closed by one thread.

    It counts `corrupt_frames` and `damaged_packets`, which it leaves out, and `repaired_stamps`.
    """

    def __init__(
        self,
        path: Path,
        *,
        camera_id: str,
        clock: Clock,
        config: FileConfig | None = None,
        packet_sink: PacketSink | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        """`decoding`: kept from one playing to the next; None: in software."""
        self._path, self._camera_id, self._clock = path, camera_id, clock
        self._config = config or FileConfig()
        self._packet_sink, self._decoding = packet_sink, decoding or Decoding("cpu")
        super().__init__(str(path), "corrupt_frames", "damaged_packets", "repaired_stamps")
        self._container: av.container.InputContainer | None = None
        self._stated_s: float | None = None
        self._pictures: Iterator[av.VideoFrame | None] = iter(())
        self._peeked: list[av.VideoFrame] = []

    def __enter__(self) -> Self:
        self._container = open_recording(self._path, self._decoding.hwaccel())
        try:
            self._begin(self._container)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`. Raises SourceError (DAMAGED) where nothing decodes, UsageError for an empty span."""
        timeline = Timeline(self.info.rate_hz)
        convert, span = BgrConverter(), self._config.span
        index, pts_s, given = -1, 0.0, 0
        jumped, before = self._jump(timeline), None
        for picture in self._all():
            if stop.is_set():
                return
            if picture is None:
                continue
            index, pts_s = index + 1, timeline.stamp(stamp_of(picture))
            if jumped:
                index, jumped = round(pts_s * self.info.rate_hz), False
            self._tally.set("repaired_stamps", timeline.repaired)
            if span.is_over(pts_s):
                break
            if span.is_before(pts_s):
                before = picture if self._config.quick else None
                continue
            given += 1
            yield self._frame(index, pts_s, convert(picture))
            if self._container is None:  # reading after closing crashes FFmpeg
                return
        else:
            self._compare_end(pts_s)
        if before is not None and not given:
            yield self._frame(index, pts_s, convert(before))
        elif not given and not stop.is_set():
            raise self._nothing(index + 1, pts_s)

    def _frame(self, index: int, pts_s: float, image: NDArray[np.uint8]) -> Frame:
        return Frame(
            camera_id=self._camera_id,
            index=index,
            pts_s=pts_s,
            wall_s=self._clock.wall(),
            arrived_s=self._clock.monotonic(),
            image=image,
        )

    def _jump(self, timeline: Timeline) -> bool:
        """Where it is wanted and can be done, read on from the key picture before the start."""
        first = stamp_of(self._peeked[0]) if self._peeked else None
        if not (self._config.quick and self._config.span.start_s and first is not None and self._container):
            return False
        stream = video_stream(self._container, self._path)
        place = int((first + self._config.span.start_s) / (stream.time_base or 1))
        try:
            self._container.seek(place, stream=stream, backward=True)
        except (av.error.FFmpegError, OSError):
            return False  # this kind of file knows no places: all of it is decoded
        timeline.begin_at(first)
        self._peeked, self._pictures = [], self._decode(self._container, stream)
        return True

    def _compare_end(self, last_s: float) -> None:
        """Say when the pictures end long before the length that the file itself gives."""
        stated_s = self._stated_s or 0.0
        if stated_s - last_s > max(SHORT_S, SHORT_SHARE * stated_s):
            log.warning(
                "%s: the pictures end after %.1f s of %.1f s: the file is cut off, or its end is damaged",
                self._path,
                last_s,
                stated_s,
            )

    def _begin(self, container: av.container.InputContainer) -> None:
        stream = video_stream(container, self._path)
        decoder = self._decoding.begin(stream.codec_context)
        if not self._decoding.device:
            stream.thread_type = "AUTO"
            stream.thread_count = self._config.threads or min(4, os.cpu_count() or 1)
        self._pictures = self._decode(container, stream)
        for _ in range(_PEEK_PACKETS):
            picture = next(self._pictures, None)
            if picture is not None:
                self._peeked, decoder = [picture], self._decoding.look(stream.codec_context)
                break
        rate_hz = nominal_rate(stream)
        self._stated_s, duration_s = _stated_s(stream), _duration(container, stream)
        self._info = SourceInfo(
            name=self._camera_id,
            size=upright_size(self._peeked[0]) if self._peeked else None,
            rate_hz=rate_hz,
            duration_s=duration_s,
            live=False,
            frame_count=None if duration_s is None else self._config.span.frames(duration_s, rate_hz),
            decoder=decoder,
        )

    def _all(self) -> Iterator[av.VideoFrame | None]:
        """The pictures from the first on, once; None where a packet gave none, so that a stop is seen."""
        peeked, self._peeked = self._peeked, []
        yield from peeked
        yield from self._pictures

    def _decode(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame | None]:
        for packet in self._packets(container, stream):
            if packet is None:
                yield None
                continue
            if self._packet_sink is not None and packet.size:
                self._packet_sink(packet)
            try:
                pictures = packet.decode()
            except av.error.FFmpegError:  # whatever is wrong with one packet, the next may be sound
                self._tally.add("damaged_packets")
                pictures = []
            good = [p for p in pictures if not p.is_corrupt]
            self._tally.add("corrupt_frames", len(pictures) - len(good))
            yield from good or (None,)

    def _packets(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.Packet[av.VideoStream] | None]:
        """Every packet, over damaged places; the last one is empty and flushes the decoder."""
        failures = 0
        while failures < _DEMUX_ERRORS:
            try:
                for packet in container.demux(stream):
                    failures = 0
                    yield packet
            except OSError as error:
                raise SourceError(
                    f"{self._path}: reading broke off ({error.strerror})",
                    SourceCause.DAMAGED,
                    "Check the disk or the network drive.",
                ) from error
            except (av.error.FFmpegError, IndexError):
                # A damaged place, or a stream that PyAV does not know as it appeared late: read on behind it.
                failures += 1
                self._tally.add("damaged_packets")
                yield None
            else:
                return

    def _nothing(self, frames: int, last_s: float) -> SourceError | UsageError:
        if frames:
            return self._config.span.nothing_in(str(self._path), frames, last_s)
        return SourceError(
            f"{self._path}: not one frame could be decoded ({self._tally.copy()})",
            SourceCause.DAMAGED,
            "Try to repair the file, or copy it again from where it came from.",
        )

    def _close(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            # The generator holds the decoder: it goes first, or closing would free what it still uses.
            self._pictures, self._peeked = iter(()), []
            container.close()


def _stated_s(stream: av.VideoStream) -> float | None:
    """Seconds that the file says the pictures last."""
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


def _duration(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    return _stated_s(stream) or (container.duration / av.time_base if container.duration else None)

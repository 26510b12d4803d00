"""H.264 and H.265 clips taken apart into RTP packets, once, so that playing them costs next to nothing."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import av

CLOCK_HZ = 90000
_LONGEST_PAYLOAD = 1400


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One picture of the clip: when it is sent (decoding time), its time stamp, and its RTP payloads."""

    sent_s: float
    shown_s: float
    payloads: tuple[bytes, ...]
    keyframe: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """A file, taken apart; `duration_s` is the time until it may begin again."""

    codec: Literal["h264", "hevc"]
    parameter_sets: tuple[bytes, ...]
    units: tuple[Unit, ...]
    duration_s: float

    @classmethod
    def read(cls, path: Path) -> Self:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context.name
            extra = stream.codec_context.extradata
            sets = tuple(_avcc_sets(extra) if codec == "h264" else _hvcc_sets(extra))
            split = _split_h264 if codec == "h264" else _split_hevc
            units = []
            for packet in container.demux(stream):
                if packet.size:
                    # Keyframes carry the parameter sets, as those of real cameras do.
                    nals = (*(sets if packet.is_keyframe else ()), *_length_prefixed(bytes(packet)))
                    shown = packet.dts if packet.pts is None else packet.pts
                    unit = Unit(
                        sent_s=float(packet.dts * stream.time_base),
                        shown_s=float(shown * stream.time_base),
                        payloads=tuple(part for nal in nals for part in split(nal)),
                        keyframe=packet.is_keyframe,
                    )
                    units.append(unit)
        period_s = units[1].sent_s - units[0].sent_s
        return cls(
            codec=codec, parameter_sets=sets, units=tuple(units), duration_s=units[-1].sent_s + period_s
        )

    def description(self) -> str:
        """What DESCRIBE answers (SDP)."""
        sets = [base64.b64encode(nal).decode() for nal in self.parameter_sets]
        if self.codec == "h264":
            name, level = "H264", self.parameter_sets[0][1:4].hex()
            how = f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={','.join(sets)}"
        else:
            name = "H265"
            how = ";".join(
                f"sprop-{kind}={text}" for kind, text in zip(("vps", "sps", "pps"), sets, strict=True)
            )
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
            f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/{CLOCK_HZ}\r\na=fmtp:96 {how}\r\n"
            "a=control:trackID=0\r\n"
        )


class Numbering:
    """Gives the payloads of one client their RTP headers."""

    def __init__(self) -> None:
        self._sequence, self._source = random.randrange(1 << 16), random.randrange(1 << 32)

    def packets(self, unit: Unit, stamp_s: float) -> list[bytes]:
        """The packets of one picture; the last one carries the marker."""
        stamp, last = int(stamp_s * CLOCK_HZ) & 0xFFFFFFFF, len(unit.payloads) - 1
        packets = []
        for k, payload in enumerate(unit.payloads):
            kind = 96 | (0x80 if k == last else 0)
            packets.append(struct.pack(">BBHII", 0x80, kind, self._sequence, stamp, self._source) + payload)
            self._sequence = (self._sequence + 1) & 0xFFFF
        return packets


def _split_h264(nal: bytes) -> Iterator[bytes]:
    """Single units and FU-A (RFC 6184)."""
    return _split(nal, nal[:1], bytes([(nal[0] & 0xE0) | 28]), nal[0] & 31)


def _split_hevc(nal: bytes) -> Iterator[bytes]:
    """Single units and FU (RFC 7798)."""
    return _split(nal, nal[:2], bytes([(nal[0] & 0x81) | 49 << 1, nal[1]]), (nal[0] >> 1) & 63)


def _split(nal: bytes, head: bytes, fragment_head: bytes, kind: int) -> Iterator[bytes]:
    if len(nal) <= _LONGEST_PAYLOAD:
        yield nal
        return
    for start in range(len(head), len(nal), _LONGEST_PAYLOAD):
        first, last = start == len(head), start + _LONGEST_PAYLOAD >= len(nal)
        mark = (0x80 if first else 0) | (0x40 if last else 0) | kind
        yield fragment_head + bytes([mark]) + nal[start : start + _LONGEST_PAYLOAD]


def _avcc_sets(box: bytes) -> Iterator[bytes]:
    """SPS and PPS of an avcC box."""
    place, count = 6, box[5] & 31
    for group in range(2):
        for _ in range(count):
            (size,) = struct.unpack_from(">H", box, place)
            yield box[place + 2 : place + 2 + size]
            place += 2 + size
        if group == 0:
            count, place = box[place], place + 1


def _hvcc_sets(box: bytes) -> Iterator[bytes]:
    """VPS, SPS and PPS of an hvcC box (there may be messages behind them)."""
    place = 23
    for _ in range(box[22]):
        kind, (count,) = box[place] & 63, struct.unpack_from(">H", box, place + 1)
        place += 3
        for _ in range(count):
            (size,) = struct.unpack_from(">H", box, place)
            if kind in (32, 33, 34):
                yield box[place + 2 : place + 2 + size]
            place += 2 + size


def _length_prefixed(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + 4 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 4 + size]
        place += 4 + size

"""A camera on the loopback for tests: an RTSP/1.0 server that plays an H.264 clip, with faults on command.

Several clients at once, RTP over TCP (interleaved) or UDP. Also a script:

    python tests/support/rtsp_camera.py CLIP.mp4 [PORT]
"""

from __future__ import annotations

import base64
import contextlib
import random
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av

_CLOCK_HZ = 90000
_LONGEST_PAYLOAD = 1400
_POLL_S = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One picture of the clip: when it is sent (decoding time), its time stamp, and its NAL units."""

    sent_s: float
    shown_s: float
    nals: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """An H.264 file, taken apart."""

    parameter_sets: tuple[bytes, ...]
    units: tuple[Unit, ...]
    duration_s: float

    @classmethod
    def read(cls, path: Path) -> Self:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            sets = tuple(_parameter_sets(stream.codec_context.extradata))
            units = []
            for packet in container.demux(stream):
                if packet.size:
                    # Keyframes carry the parameter sets, as those of real cameras do.
                    nals = (*(sets if packet.is_keyframe else ()), *_length_prefixed(bytes(packet)))
                    shown = packet.dts if packet.pts is None else packet.pts
                    base = stream.time_base
                    units.append(
                        Unit(sent_s=float(packet.dts * base), shown_s=float(shown * base), nals=nals)
                    )
        period_s = units[1].sent_s - units[0].sent_s
        return cls(parameter_sets=sets, units=tuple(units), duration_s=units[-1].sent_s + period_s)


class RtspCamera:
    """The server. `with RtspCamera(clip) as camera: av.open(camera.url)`.

    Faults:
        stall: while set, nothing is sent, but connections stay open.
        drop: while set, packets are made but lost.
        deny: a status line such as `401 Unauthorized`, given to every request.
        mute: while set, requests get no answer at all.
        kick(): cuts all connections.
    """

    def __init__(self, clip: Path, *, loop: bool = True, speed: float = 1.0, port: int = 0) -> None:
        self.clip, self.loop, self.speed = Clip.read(clip), loop, speed
        self.stall, self.drop, self.mute = threading.Event(), threading.Event(), threading.Event()
        self.deny: str | None = None
        self.closed = threading.Event()
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Connection(camera, self).run()

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL_S}, name="rtsp-camera"
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def clients(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._clients)

    def kick(self) -> None:
        """Cut every connection at once."""
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the server and its threads; the port is closed then."""
        self.closed.set()
        self._server.shutdown()
        self.kick()
        self._server.server_close()
        self._thread.join()

    @contextlib.contextmanager
    def counted(self, client: socket.socket) -> Iterator[None]:
        """Count a connection while it lasts."""
        with self._lock:
            self._clients.add(client)
        try:
            yield
        finally:
            with self._lock:
                self._clients.discard(client)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64


class _Connection:
    """One client: answers its requests, and plays to it in a thread of its own."""

    def __init__(self, camera: RtspCamera, handler: socketserver.StreamRequestHandler) -> None:
        self._camera, self._socket, self._input = camera, handler.connection, handler.rfile
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._player: threading.Thread | None = None
        self._udp: socket.socket | None = None

    def run(self) -> None:
        with self._camera.counted(self._socket), contextlib.suppress(OSError, ValueError):
            while not self._ended.is_set() and self._request():
                pass
        self._ended.set()
        if self._player is not None:
            self._player.join()
        if self._udp is not None:
            self._udp.close()

    def _request(self) -> bool:
        """Read and answer one request; False at the end."""
        first = self._input.read(1)
        if first == b"$":  # RTCP reports of the client
            (size,) = struct.unpack(">xH", self._input.read(3))
            self._input.read(size)
            return True
        line = (first + self._input.readline()).decode().split()
        headers: dict[str, str] = {}
        while row := self._input.readline().decode().strip():
            key, _, value = row.partition(":")
            headers[key.lower()] = value.strip()
        self._input.read(int(headers.get("content-length", "0")))
        if len(line) < 3:
            return False
        self._answer(line[0], line[1], headers)
        return line[0] != "TEARDOWN"

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> None:
        while self._camera.mute.is_set() and not self._camera.closed.wait(_POLL_S):
            pass
        status, body, extra = self._camera.deny or "200 OK", "", {"Session": "1"}
        if self._camera.deny is not None:
            extra = {}
        elif method == "OPTIONS":
            extra = {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"}
        elif method == "DESCRIBE":
            body = _description(self._camera.clip.parameter_sets)
            extra = {"Content-Base": url.rstrip("/") + "/", "Content-Type": "application/sdp"}
        elif method == "SETUP":
            extra["Transport"] = self._transport(headers["transport"])
        rows = {"CSeq": headers.get("cseq", "0"), **extra, "Content-Length": str(len(body))}
        text = "".join(f"{key}: {value}\r\n" for key, value in rows.items())
        self._send(f"RTSP/1.0 {status}\r\n{text}\r\n{body}".encode())
        if method == "PLAY" and self._camera.deny is None and self._player is None:
            self._player = threading.Thread(target=self._play, name="rtsp-camera-player")
            self._player.start()

    def _transport(self, wish: str) -> str:
        if "client_port=" not in wish:
            return "RTP/AVP/TCP;unicast;interleaved=0-1"
        port = int(wish.split("client_port=")[1].split(";")[0].split("-")[0])
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.connect(("127.0.0.1", port))
        own = self._udp.getsockname()[1]
        return f"RTP/AVP;unicast;client_port={port}-{port + 1};server_port={own}-{own + 1}"

    def _send(self, data: bytes) -> None:
        with self._writing:
            self._socket.sendall(data)

    def _send_rtp(self, packet: bytes) -> None:
        if self._camera.drop.is_set():
            return
        if self._udp is not None:
            self._udp.send(packet)
        else:
            self._send(b"$\0" + struct.pack(">H", len(packet)) + packet)

    def _play(self) -> None:
        camera, rtp, started_s = self._camera, _Packetizer(self._send_rtp), time.monotonic()
        with contextlib.suppress(OSError):
            for lap_s in _laps(camera):
                for unit in camera.clip.units:
                    due_s = started_s + (lap_s + unit.sent_s) / camera.speed
                    if self._ended.wait(max(0.0, due_s - time.monotonic())) or camera.closed.is_set():
                        return
                    while camera.stall.is_set():
                        if self._ended.wait(_POLL_S) or camera.closed.is_set():
                            return
                    rtp.send(unit.nals, int((lap_s + unit.shown_s) * _CLOCK_HZ))
            self._socket.shutdown(socket.SHUT_RDWR)


class _Packetizer:
    """NAL units to RTP packets (RFC 6184: single units and FU-A)."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._sequence, self._source = random.randrange(1 << 16), random.randrange(1 << 32)

    def send(self, nals: tuple[bytes, ...], stamp: int) -> None:
        """The units of one picture; the last packet carries the marker."""
        for nal in nals:
            last = nal is nals[-1]
            if len(nal) <= _LONGEST_PAYLOAD:
                self._packet(nal, stamp, marker=last)
                continue
            indicator, kind = (nal[0] & 0xE0) | 28, nal[0] & 31
            for start in range(1, len(nal), _LONGEST_PAYLOAD):
                end = start + _LONGEST_PAYLOAD >= len(nal)
                head = bytes([indicator, (0x80 if start == 1 else 0) | (0x40 if end else 0) | kind])
                self._packet(head + nal[start : start + _LONGEST_PAYLOAD], stamp, marker=last and end)

    def _packet(self, payload: bytes, stamp: int, *, marker: bool) -> None:
        kind = 96 | (0x80 if marker else 0)
        head = struct.pack(">BBHII", 0x80, kind, self._sequence, stamp & 0xFFFFFFFF, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._send(head + payload)


def _laps(camera: RtspCamera) -> Iterator[float]:
    """The media time at which each playing of the clip begins."""
    lap_s = 0.0
    while True:
        yield lap_s
        if not camera.loop:
            return
        lap_s += camera.clip.duration_s


def _parameter_sets(avcc: bytes) -> Iterator[bytes]:
    """SPS and PPS of an avcC box."""
    place, count = 6, avcc[5] & 31
    for group in range(2):
        for _ in range(count):
            (size,) = struct.unpack_from(">H", avcc, place)
            yield avcc[place + 2 : place + 2 + size]
            place += 2 + size
        if group == 0:
            count, place = avcc[place], place + 1


def _length_prefixed(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + 4 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 4 + size]
        place += 4 + size


def _description(sets: tuple[bytes, ...]) -> str:
    sprop = ",".join(base64.b64encode(nal).decode() for nal in sets)
    level = sets[0][1:4].hex()
    return (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        f"a=fmtp:96 packetization-mode=1;profile-level-id={level};sprop-parameter-sets={sprop}\r\n"
        "a=control:trackID=0\r\n"
    )


def main(arguments: list[str]) -> None:
    """Serve a clip until Ctrl-C."""
    clip, port = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    with RtspCamera(clip, port=port) as camera, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{camera.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])

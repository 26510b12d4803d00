"""A camera on the loopback for tests: an RTSP/1.0 server that plays a clip, with faults on command.

Several clients at once, RTP over TCP (interleaved) or UDP. Also a script, for cameras in a process of their
own: it prints their addresses, obeys the lines of its input (see `Yard.obey`), and ends with it:

    python tests/support/rtsp_camera.py CLIP.mp4 [COUNT [PORT …]]
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # as a script

from tests.support.rtp import Clip, Numbering, Unit  # noqa: E402

_POLL_S = 0.02
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, what is not sent yet is lost


class RtspCamera:
    """The server. `with RtspCamera(clip) as camera: av.open(camera.url)`.

    Faults, all of which may be changed at any time:
        stall: while set, nothing is sent, but connections stay open.
        drop: while set, packets are made but lost.
        mute: while set, requests get no answer at all (a half-open server).
        trickle: while set, what is sent goes out byte by byte, one a second.
        reorder: while set, packets arrive in pairs of the wrong order.
        no_keyframes: while set, pictures that others build on are left out.
        deny: a status line such as `401 Unauthorized`, given to every request.
        delay_s: how long every answer takes.
        speed: of playing, 1: the clip's own.
        stamp_shift_s: is added to all time stamps.
        clip: another one is played from its start, by those who are connected, too.
        kick(), reset(): cut all connections, with or without a farewell.
    """

    def __init__(
        self, clip: Path, *, loop: bool = True, speed: float = 1.0, port: int = 0, poll_s: float = _POLL_S
    ) -> None:
        """`poll_s`: how long `close` may take; looking for it costs processor time."""
        self.clip, self.loop, self.speed = Clip.read(clip), loop, speed
        self.stall, self.drop, self.mute = threading.Event(), threading.Event(), threading.Event()
        self.trickle, self.reorder = threading.Event(), threading.Event()
        self.no_keyframes = threading.Event()
        self.deny: str | None = None
        self.delay_s = self.stamp_shift_s = 0.0
        self.closed = threading.Event()
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                _Connection(camera, self).run()

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": poll_s}, name="rtsp-camera"
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
        """End every connection at once, as a server does that is stopped."""
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Tear every connection, as a camera does that loses its power and is back before anybody asks."""
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    client.shutdown(socket.SHUT_RD)  # its thread closes it

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

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close without a farewell of its own: `reset` has none."""
        assert isinstance(request, socket.socket)
        request.close()


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
        camera = self._camera
        camera.closed.wait(camera.delay_s)
        while camera.mute.is_set() and not camera.closed.wait(_POLL_S):
            self._check_connected()
        status, body, extra = camera.deny or "200 OK", "", {"Session": "1"}
        if camera.deny is not None:
            extra = {"WWW-Authenticate": 'Basic realm="cam"'} if status.startswith("401") else {}
        elif method == "OPTIONS":
            extra = {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"}
        elif method == "DESCRIBE":
            body = camera.clip.description()
            extra = {"Content-Base": url.rstrip("/") + "/", "Content-Type": "application/sdp"}
        elif method == "SETUP":
            extra["Transport"] = self._transport(headers["transport"])
        rows = {"CSeq": headers.get("cseq", "0"), **extra, "Content-Length": str(len(body))}
        text = "".join(f"{key}: {value}\r\n" for key, value in rows.items())
        self._send(f"RTSP/1.0 {status}\r\n{text}\r\n{body}".encode())
        if method == "PLAY" and camera.deny is None and self._player is None:
            self._player = threading.Thread(target=self._play, name="rtsp-camera-player")
            self._player.start()

    def _check_connected(self) -> None:
        """Raises ConnectionError where the client is gone."""
        with contextlib.suppress(BlockingIOError):
            if not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                raise ConnectionAbortedError

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
            while data and self._camera.trickle.is_set() and not self._ended.wait(1.0):
                self._socket.sendall(data[:1])
                data = data[1:]
            self._socket.sendall(data)

    def _send_picture(self, packets: list[bytes]) -> None:
        if self._camera.drop.is_set():
            return
        if self._camera.reorder.is_set():
            packets = [packet for k in range(0, len(packets), 2) for packet in reversed(packets[k : k + 2])]
        if self._udp is None:
            self._send(b"".join(b"$\0" + struct.pack(">H", len(packet)) + packet for packet in packets))
            return
        for packet in packets:
            self._udp.send(packet)

    def _play(self) -> None:
        camera, numbering, due_s = self._camera, Numbering(), time.monotonic()
        with contextlib.suppress(OSError):
            for unit, shown_s, pause_s in _units(camera):
                due_s += pause_s / camera.speed
                if self._ended.wait(max(0.0, due_s - time.monotonic())) or camera.closed.is_set():
                    return
                while camera.stall.is_set():
                    if self._ended.wait(_POLL_S) or camera.closed.is_set():
                        return
                packets = numbering.packets(unit, shown_s + camera.stamp_shift_s)
                if not (unit.keyframe and camera.no_keyframes.is_set()):
                    self._send_picture(packets)
            self._socket.shutdown(socket.SHUT_RDWR)


def _units(camera: RtspCamera) -> Iterator[tuple[Unit, float, float]]:
    """The pictures to send: with the time stamp, and how long after the one before; seconds."""
    begin_s = last_s = 0.0
    while True:
        clip = camera.clip
        for unit in clip.units:
            if camera.clip is not clip:
                break
            sent_s = begin_s + unit.sent_s
            yield unit, begin_s + unit.shown_s, max(0.0, sent_s - last_s)
            last_s = sent_s
        if camera.clip is not clip:
            begin_s = last_s + 0.04
        elif camera.loop:
            begin_s += clip.duration_s
        else:
            return


_SWITCHES = ("stall", "drop", "mute", "trickle", "reorder", "no_keyframes")


class Yard:
    """Several cameras of one process, which obey lines of text."""

    def __init__(self, clip: Path, ports: Sequence[int]) -> None:
        self._clip = clip
        self.cameras = [self._open(port) for port in ports]

    def _open(self, port: int) -> RtspCamera:
        return RtspCamera(self._clip, port=port, poll_s=0.2)

    def obey(self, line: str) -> None:
        """`NUMBER FAULT [VALUE]`, with the names of `RtspCamera`; `close` shuts the port, `open` opens it.

        Switches take `on` or nothing, `clip` a path, `deny` a status line or nothing, the rest a number.
        """
        number, what, value = [*line.split(maxsplit=2), ""][:3]
        camera = self.cameras[int(number)]
        if what in _SWITCHES:
            switch = getattr(camera, what)
            switch.set() if value.strip() == "on" else switch.clear()
        elif what == "open":
            self.cameras[int(number)] = self._open(camera.port)
        elif what in ("kick", "reset", "close"):
            getattr(camera, what)()
        elif what == "deny":
            camera.deny = value.strip() or None
        elif what == "clip":
            camera.clip = Clip.read(Path(value.strip()))
        elif what in ("speed", "delay_s", "stamp_shift_s"):
            setattr(camera, what, float(value))
        else:
            raise ValueError(f"unknown fault {what!r}")

    def close(self) -> None:
        """All ports."""
        for camera in self.cameras:
            if not camera.closed.is_set():
                camera.close()


def main(arguments: list[str]) -> None:
    """Serve a clip from several cameras until the input ends; its lines are commands."""
    count, *ports = [int(text) for text in arguments[1:]] or [1]
    yard = Yard(Path(arguments[0]), ports or [0] * count)
    with contextlib.closing(yard):
        for camera in yard.cameras:
            sys.stdout.write(f"{camera.url}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            yard.obey(line)


if __name__ == "__main__":
    main(sys.argv[1:])

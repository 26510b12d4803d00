"""A camera on the loopback that speaks HTTP: motion JPEG, a password, and whatever else a server may say."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.clips import picture
from tests.support.http_server import HttpServer, QuietHandler

BOUNDARY = "frame-of-the-camera"
MULTIPART = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


class WebCamera(HttpServer):
    """The server; `body` is asked anew for each request, for ever or until the client leaves.

    Faults:
        deny: a status such as 404, given to every request.
        stall: while set, nothing is sent, but connections stay open.
        kick(): cuts all connections.

    Attributes:
        asked: how many requests came.
    """

    def __init__(
        self,
        body: Callable[[], Iterator[bytes]] | None = None,
        *,
        kind: str = MULTIPART,
        login: str = "",
        path: str = "/video",
    ) -> None:
        """`login`: `user:password` that must be given, in the way of RFC 7617."""
        self.body, self.kind = body or motion_jpeg, kind
        self.deny: int | None = None
        self.stall = threading.Event()
        self.asked = 0
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self._clients: set[socket.socket] = set()
        camera = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                camera.asked += 1
                camera._clients.add(self.connection)
                with contextlib.suppress(OSError):
                    camera._answer(self)
                camera._clients.discard(self.connection)

        super().__init__(Handler, "web-camera")
        self.url = f"http://127.0.0.1:{self.port}{path}"

    def kick(self) -> None:
        """Cut every connection at once."""
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self._login and request.headers.get("Authorization") != self._login:
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="camera"')
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(self.deny or 200)
        request.send_header("Content-Type", self.kind)
        request.end_headers()
        if self.deny is not None:
            return
        for part in self.body():
            while self.stall.is_set() and not self.closed.wait(0.02):
                pass
            if self.closed.is_set():
                return
            request.wfile.write(part)


def motion_jpeg(
    pictures: Iterator[NDArray[np.uint8]] | None = None, rate_hz: float = 50, count: int | None = None
) -> Iterator[bytes]:
    """Pictures at a rate, each a part with its headers, as cameras send them; a moving square by default."""
    for k, image in enumerate(pictures or (picture(k) for k in iter(range(10**9)))):
        if k == count:
            return
        yield jpeg_part(image)
        time.sleep(1 / rate_hz)


def jpeg_part(image: NDArray[np.uint8]) -> bytes:
    """One part of a multipart answer."""
    data = cv2.imencode(".jpg", image)[1].tobytes()
    return b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (
        BOUNDARY.encode(),
        len(data),
        data,
    )

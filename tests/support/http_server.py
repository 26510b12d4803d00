"""An HTTP server on the loopback in a thread of its own, for cameras that speak HTTP."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class QuietHandler(BaseHTTPRequestHandler):
    """Says nothing on stderr."""

    def log_message(self, *_: object) -> None:
        """Quiet."""


class HttpServer:
    """Serves from its making until it is left.

    Attributes:
        port: on the loopback.
        closed: set when it ends; handlers that wait look at it.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str) -> None:
        self.closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name=name
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self.kick()
        self._server.server_close()
        self._thread.join()

    def kick(self) -> None:
        """Cut all connections, where the camera knows them."""

"""Encryption in front of a camera of the tests, with a certificate of its own making, as cameras have it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Self

import pytest


def make_certificate(folder: Path) -> Path:
    """A file with a new key and its self-signed certificate for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("making a certificate needs the program openssl")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=camera",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


class TlsFront:
    """Takes encrypted connections and passes what comes on to a plain port of this machine."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="tls-front")]
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._server, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for one in (self._server, *self._sockets):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._server.accept()
                try:
                    client = self._context.wrap_socket(raw, server_side=True)
                except (ssl.SSLError, OSError):  # it only looked whether the port is open, or trusts us not
                    raw.close()
                    continue
                camera = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, camera]
                self._threads += [
                    self._pump(client, camera, "tls-front-in"),
                    self._pump(camera, client, "tls-front-out"),
                ]

    def _pump(self, source: socket.socket, sink: socket.socket, name: str) -> threading.Thread:
        def run() -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=run, name=name)
        thread.start()
        return thread

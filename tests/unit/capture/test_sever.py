from __future__ import annotations

import socket
import sys

import pytest

from surveil.capture.sever import sever, sockets

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")


def test_connections_to_a_peer_end_and_others_stay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        peer, elsewhere = server.getsockname(), other.getsockname()
        with socket.create_connection(peer) as before:
            spared = sockets()
            with socket.create_connection(peer) as waiting, socket.create_connection(elsewhere) as apart:
                sever(peer, spared)
                waiting.settimeout(1.0)
                assert waiting.recv(1) == b""
                for untouched in (before, apart):
                    untouched.settimeout(0.01)
                    with pytest.raises(TimeoutError):
                        untouched.recv(1)


def test_a_peer_that_nobody_talks_to() -> None:
    sever(("127.0.0.1", 9), frozenset())

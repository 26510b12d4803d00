from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from surveil.capture.connect import Deadline, check_reachable
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError

CLOCK = SystemClock()


def check(host: str, port: int, *, timeout_s: float = 1.5, stop: threading.Event | None = None) -> None:
    check_reachable(host, port, Deadline(CLOCK, stop or threading.Event(), timeout_s), "camera yard")


def cause_of(host: str, port: int, **options: float) -> SourceCause:
    with pytest.raises(SourceError, match="camera yard") as caught:
        check(host, port, **options)
    assert caught.value.remedy
    return caught.value.cause


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that answers no further connection, as a dead host would."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        yield port
        for connection in waiting:
            connection.close()


def test_a_port_that_listens(listener: socket.socket) -> None:
    check("127.0.0.1", listener.getsockname()[1])
    check("localhost", listener.getsockname()[1])


def test_a_port_that_refuses() -> None:
    assert cause_of("127.0.0.1", 9) is SourceCause.REFUSED


def test_a_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert cause_of("camera.invalid", 554) is SourceCause.DNS


def test_a_resolver_that_hangs_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [release.wait(10)] * 0)
    started_s = time.monotonic()
    assert cause_of("slow.invalid", 554, timeout_s=0.2) is SourceCause.DNS
    assert time.monotonic() - started_s < 1.5
    release.set()


def test_a_label_that_is_too_long_is_an_unknown_host() -> None:
    assert cause_of("x" * 70 + ".invalid", 554) is SourceCause.DNS


def test_a_port_that_does_not_answer_has_a_deadline(full_port: int) -> None:
    started_s = time.monotonic()
    assert cause_of("127.0.0.1", full_port, timeout_s=0.3) is SourceCause.TIMEOUT
    assert 0.2 < time.monotonic() - started_s < 2


def test_a_stop_ends_the_waiting_without_an_error(full_port: int) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    started_s = time.monotonic()
    check("127.0.0.1", full_port, timeout_s=10, stop=stop)
    assert time.monotonic() - started_s < 2
    timer.join()

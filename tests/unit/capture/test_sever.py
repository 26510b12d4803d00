from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from surveil.capture.sever import Connections

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")


def is_cut(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


class Yard:
    """Servers, and streams that connect to them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self.connections = stack, Connections()
        self.peer = self.serve()

    def serve(self) -> tuple[str, int]:
        server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        name: tuple[str, int] = server.getsockname()
        return name

    def connect(self, peer: tuple[str, int] | None = None) -> socket.socket:
        return self._stack.enter_context(socket.create_connection(peer or self.peer))

    def stream(self, name: str) -> socket.socket:
        self.connections.begin(name, self.peer)
        connection = self.connect()
        self.connections.opened(name)
        return connection


@pytest.fixture
def yard() -> Iterator[Yard]:
    with ExitStack() as stack:
        yield Yard(stack)


def test_a_stream_is_cut_off_while_it_is_opened_and_later(yard: Yard) -> None:
    before = yard.connect()
    yard.connections.begin("a", yard.peer)
    waiting, apart = yard.connect(), yard.connect(yard.serve())
    yard.connections.sever("a")
    assert is_cut(waiting)
    assert not is_cut(before)
    assert not is_cut(apart)
    playing = yard.stream("b")
    yard.connections.sever("b")
    assert is_cut(playing)
    assert not is_cut(before)


def test_the_channels_of_one_recorder_are_told_apart(yard: Yard) -> None:
    first, second = yard.stream("a"), yard.stream("b")
    later = yard.connect()
    yard.connections.sever("a")
    assert is_cut(first)
    assert not is_cut(second)
    assert not is_cut(later)


def test_what_may_be_of_two_is_left_alone_until_both_end(yard: Yard) -> None:
    yard.connections.begin("a", yard.peer)
    yard.connections.begin("b", yard.peer)
    one, other = yard.connect(), yard.connect()
    yard.connections.opened("a")
    yard.connections.opened("b")
    yard.connections.sever("a")
    assert not is_cut(one)
    assert not is_cut(other)
    yard.connections.sever("b")
    assert is_cut(one)
    assert is_cut(other)


def test_who_has_closed_spares_nothing_and_is_not_cut_off(yard: Yard) -> None:
    yard.connections.begin("a", yard.peer)
    yard.connections.begin("b", yard.peer)
    one = yard.connect()
    yard.connections.end("b")
    yard.connections.sever("a")
    assert is_cut(one)
    yard.connections.end("a")
    yard.connections.end("a")
    another = yard.connect()
    yard.connections.sever("a")
    yard.connections.opened("a")
    assert not is_cut(another)

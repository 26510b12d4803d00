from __future__ import annotations

import threading

import pytest

from surveil.errors import DataError
from surveil.pipeline.channel import Channel, Closed
from surveil.pipeline.worker import Worker


def test_keeps_order_and_bound() -> None:
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.put(2)
    assert len(channel) == 2
    assert not channel.offer(3)
    assert [channel.get(), channel.get()] == [1, 2]
    assert channel.offer(4)


def test_close_lets_the_consumer_drain_and_turns_the_producer_away() -> None:
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.close()
    channel.close()
    assert not channel.offer(2)
    with pytest.raises(Closed):
        channel.put(2)
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


def test_abort_throws_away_what_is_inside() -> None:
    channel: Channel[int] = Channel(2)
    channel.put(1)
    channel.abort()
    with pytest.raises(Closed):
        channel.get()


def test_get_gives_up_after_its_time() -> None:
    with pytest.raises(TimeoutError, match=r"0\.01 s"):
        Channel[int](1).get(0.01)


def test_no_room_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 1"):
        Channel[int](0)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_end_wakes_a_producer_that_waits(end: str) -> None:
    channel: Channel[int] = Channel(1)
    channel.put(0)
    waiting = threading.Event()

    def produce() -> None:
        waiting.set()
        channel.put(1)

    worker = Worker("producer", produce)
    worker.start()
    assert waiting.wait(2.0)
    getattr(channel, end)()
    worker.join(2.0)


def test_abort_wakes_a_consumer_that_waits() -> None:
    channel: Channel[int] = Channel(1)
    worker = Worker("consumer", lambda: channel.get())  # type: ignore[func-returns-value, arg-type]
    worker.start()
    channel.abort()
    worker.join(2.0)

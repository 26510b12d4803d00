from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.errors import StuckThreadError
from surveil.pipeline.channel import Closed
from surveil.pipeline.inbox import PATIENCE, Inbox
from surveil.pipeline.worker import Worker

T = TypeVar("T")


def take(inbox: Inbox[T], limit: int = 1) -> list[T]:
    """Items of cameras `a`, `b`, … that are given back at once."""
    items = inbox.take(limit)
    inbox.give_back("abcdefghr")
    return items


def test_live_overwrites_and_counts() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.open("a")
    inbox.put("a", 1, wait=False)
    inbox.put("a", 2, wait=False)
    assert take(inbox) == [2]
    assert inbox.overwritten("a") == 1


def test_everybody_once_a_round_and_the_freshest_first() -> None:
    inbox: Inbox[str] = Inbox()
    for camera in "abc":
        inbox.open(camera)
    turns = []
    for _ in range(6):
        for camera in "cba":  # all are always ready, `a` is the latest
            inbox.put(camera, camera, wait=False)
        turns += take(inbox)
    assert turns == list("abcabc")


def test_who_has_no_seat_waits_until_there_is_one() -> None:
    inbox: Inbox[str] = Inbox(seats=1)
    taken: list[str] = []
    second = Worker("second", lambda: taken.extend(inbox.take(seat=1)))
    for camera in "ab":
        inbox.open(camera)
        inbox.put(camera, camera, wait=False)
    second.start()
    assert inbox.take(seat=0) == ["b"]
    with pytest.raises(StuckThreadError):
        second.wait(0.05)
    assert taken == []
    inbox.seat(2)
    second.join(5.0)
    assert taken == ["a"]


def test_who_has_no_seat_is_told_of_the_end() -> None:
    inbox: Inbox[str] = Inbox(seats=1)
    second = Worker("second", lambda: inbox.take(seat=1))  # type: ignore[arg-type, return-value]
    second.start()
    inbox.abort()
    second.join(5.0)


def test_batch_holds_one_item_a_camera() -> None:
    inbox: Inbox[str] = Inbox()
    for camera in "abc":
        inbox.open(camera)
        inbox.put(camera, camera, wait=False)
    assert take(inbox, 2) == ["c", "b"]
    inbox.put("c", "c", wait=False)
    assert take(inbox, 8) == ["a", "c"]


def test_a_camera_is_in_one_hand_at_a_time() -> None:
    inbox: Inbox[str] = Inbox()
    for camera in "ab":
        inbox.open(camera)
    for camera in "ba":
        inbox.put(camera, camera, wait=False)
    assert inbox.take() == ["a"]
    inbox.put("a", "next", wait=False)
    assert inbox.take(2) == ["b"]
    waiting: list[str] = []
    worker = Worker("taker", lambda: waiting.extend(inbox.take()))
    worker.start()
    inbox.put("b", "later", wait=False)
    assert not waiting
    inbox.give_back(["a"])
    worker.join(2.0)
    assert waiting == ["next"]


def test_a_camera_that_is_opened_again_is_not_taken_from_who_has_it() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.open("a")
    inbox.put("a", "before", wait=False)
    assert inbox.take() == ["before"]
    inbox.close("a")
    inbox.open("a")
    inbox.put("a", "after", wait=False)
    inbox.open("b")
    inbox.put("b", "b", wait=False)
    assert inbox.take(2) == ["b"]
    inbox.give_back("a")
    assert inbox.take() == ["after"]


def test_closed_place_turns_its_producer_away_and_leaves_the_others() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.open("a")
    inbox.open("b")
    inbox.put("a", 1, wait=False)
    inbox.close("a")
    inbox.close("a")
    with pytest.raises(Closed):
        inbox.put("a", 2, wait=False)
    inbox.put("b", 3, wait=False)
    assert take(inbox) == [3]


@pytest.mark.parametrize("how", ["close", "abort"])
def test_recording_that_waits_is_woken(how: str) -> None:
    inbox: Inbox[int] = Inbox()
    inbox.open("a")
    inbox.put("a", 1, wait=True)
    worker = Worker("producer", lambda: inbox.put("a", 2, wait=True))
    worker.start()
    if how == "close":
        inbox.close("a")
    else:
        inbox.abort()
        with pytest.raises(Closed):
            inbox.take()
    worker.join(2.0)


def test_equal_shares_under_overload_and_nothing_lost_of_recordings() -> None:
    inbox: Inbox[tuple[str, int]] = Inbox()
    stop = threading.Event()

    def live(camera: str) -> None:
        for number in itertools.count():
            inbox.put(camera, (camera, number), wait=False)
            if stop.wait(0.0005):
                return

    def recording() -> None:
        for number in range(100):
            inbox.put("r", ("r", number), wait=True)

    for camera in ("a", "b", "r"):
        inbox.open(camera)
    workers = [Worker("a", lambda: live("a")), Worker("b", lambda: live("b")), Worker("r", recording)]
    for worker in workers:
        worker.start()
    served: list[tuple[str, int]] = []
    while ("r", 99) not in served:
        stop.wait(0.002)  # four times slower than each of them
        served += take(inbox)
    stop.set()
    inbox.abort()
    for worker in workers:
        worker.join(2.0)
    turns = Counter(camera for camera, _ in served)
    assert [number for camera, number in served if camera == "r"] == list(range(100))
    assert max(turns.values()) <= 1.2 * min(turns.values())
    assert inbox.overwritten("a") > 50


def test_never_hangs() -> None:
    for seed in range(100):
        chance = random.Random(seed)
        inbox: Inbox[int] = Inbox()
        inbox.open("a")
        inbox.open("b")

        def produce(camera: str, inbox: Inbox[int] = inbox) -> None:
            for number in range(50):
                inbox.put(camera, number, wait=camera == "b")

        def consume(inbox: Inbox[int] = inbox, count: int = chance.randrange(1, 60)) -> None:
            for _ in range(count):
                take(inbox, 2)

        workers = [Worker("a", lambda: produce("a")), Worker("b", lambda: produce("b")), Worker("c", consume)]
        for worker in workers:
            worker.start()
        threading.Event().wait(chance.random() * 0.003)
        inbox.abort()
        for worker in workers:
            worker.join(2.0)


def turns(inbox: Inbox[str], priorities: dict[str, int], count: int) -> Counter[str]:
    """Who was served how often while all were always ready."""
    served: Counter[str] = Counter()
    for _ in range(count):
        for camera, priority in priorities.items():
            inbox.put(camera, camera, wait=False, priority=priority)
        served.update(inbox.take())
        inbox.give_back(priorities)
    return served


def test_a_step_of_priority_is_worth_twice_the_turns() -> None:
    inbox: Inbox[str] = Inbox()
    priorities = {"low": -1, "plain": 0, "also": 0, "high": 2}
    for camera in priorities:
        inbox.open(camera)
    served = turns(inbox, priorities, 1300)
    assert served["plain"] == pytest.approx(served["also"], abs=1)
    assert served["high"] / served["plain"] == pytest.approx(4, rel=0.15)
    assert served["plain"] / served["low"] == pytest.approx(2, rel=0.15)


def test_a_changed_priority_holds_from_the_next_frame_on() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.open("a")
    inbox.open("b")
    assert turns(inbox, {"a": 10, "b": -10}, 90)["a"] > 80
    assert turns(inbox, {"a": 0, "b": 3}, 90)["b"] == pytest.approx(80, abs=2)


@settings(max_examples=6, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-10, 10), min_size=1),
    st.integers(1, 4),
    st.randoms(),
)
def test_nobody_starves_whatever_the_priorities(
    priorities: dict[str, int], limit: int, chance: random.Random
) -> None:
    """Each is served within PATIENCE turns and a round, at which all of the others may be due, too."""
    inbox: Inbox[str] = Inbox()
    for camera in priorities:
        inbox.open(camera)
    waited = dict.fromkeys(priorities, 0)  # turns of others since it was ready and not served
    for _ in range(2 * PATIENCE):
        ready = [camera for camera in priorities if waited[camera] or chance.random() < 0.7]
        for camera in ready:
            inbox.put(camera, camera, wait=False, priority=priorities[camera])
        if not ready:
            continue
        served = take(inbox, limit)
        for camera in ready:
            waited[camera] = 0 if camera in served else waited[camera] + len(served)
            assert waited[camera] <= PATIENCE + len(priorities) + limit

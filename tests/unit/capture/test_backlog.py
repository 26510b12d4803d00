"""A camera and a reader on a clock of their own: what is read when, and what is left out."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surveil.capture.backlog import Backlog

RATE_HZ, GOP = 20, 40  # a keyframe every two seconds


@dataclass(frozen=True)
class Read:
    """A packet: when it was sent, when it was read, and whether it was left out."""

    sent_s: float
    read_s: float
    skipped: bool


def reading(
    seconds: float,
    decode_s: Callable[[float], float],
    *,
    stamp: Callable[[float], float] = lambda sent_s: sent_s,
    sent: Callable[[float], float] = lambda at_s: at_s,
) -> Iterator[Read]:
    """Packets of a camera; decoding takes `decode_s` of the moment, and what is left out takes nothing."""
    backlog, now_s = Backlog(), 1000.0
    for k in range(int(seconds * RATE_HZ)):
        at_s = k / RATE_HZ
        now_s = max(now_s, 1000 + sent(at_s))
        read_s = now_s - 1000
        skipped = backlog.skip(stamp(at_s), now_s, keyframe=k % GOP == 0)
        now_s += 0.0005 if skipped else decode_s(read_s)
        yield Read(sent(at_s), read_s, skipped)


def quick(read_s: float) -> float:
    return 0.01


def test_who_keeps_up_leaves_nothing_out() -> None:
    dice = random.Random(1)
    packets = list(reading(200, quick, sent=lambda at_s: at_s + dice.uniform(0, 0.2)))
    assert not any(packet.skipped for packet in packets)


def test_a_clock_that_goes_wrong_is_no_backlog() -> None:
    for drift in (0.9996, 1.0004):
        packets = reading(4_000, quick, stamp=lambda at_s, drift=drift: at_s * drift)  # type: ignore[misc]
        assert not any(packet.skipped for packet in packets)


def test_who_is_too_slow_is_brought_up_to_date_again_and_again() -> None:
    packets = list(reading(120, lambda read_s: 0.07))  # 14 a second, of 20
    late_s = [packet.read_s - packet.sent_s for packet in packets]
    assert max(late_s) < 4
    assert late_s[-1] < 4
    kept = [not packet.skipped for packet in packets]
    assert 0.4 < sum(kept) / len(kept) < 0.9


def test_a_machine_that_was_busy_for_a_while() -> None:
    packets = list(reading(60, lambda read_s: 0.15 if 10 < read_s < 20 else 0.01))
    assert any(packet.skipped for packet in packets)
    after = [packet for packet in packets if packet.read_s > 26]
    assert not any(packet.skipped for packet in after)
    assert max(packet.read_s - packet.sent_s for packet in after) < 0.1


def test_after_a_gap_everything_is_decoded_from_a_keyframe_on() -> None:
    packets = list(reading(60, lambda read_s: 0.15 if 10 < read_s < 20 else 0.01))
    for k, (before, packet) in enumerate(itertools.pairwise(packets), 1):
        if before.skipped and not packet.skipped:
            assert k % GOP == 0


def test_a_pause_of_the_network_is_made_up_for_without_loss() -> None:
    packets = list(reading(60, quick, sent=lambda at_s: 18.0 if 15 < at_s < 18 else at_s))
    assert not any(packet.skipped for packet in packets)


def test_stamps_that_are_not_true_cost_one_gap_at_most() -> None:
    """A camera that sends 20 pictures a second and stamps them as 25."""
    packets = list(reading(300, quick, stamp=lambda sent_s: sent_s * 0.8))
    assert sum(packet.skipped for packet in packets) < 5 * RATE_HZ
    assert not any(packet.skipped for packet in packets[60 * RATE_HZ :])


def test_clocks_that_are_set_are_no_backlog() -> None:
    for step_s in (3600, -3600):
        packets = reading(60, quick, stamp=lambda sent_s, step_s=step_s: sent_s + step_s * (sent_s > 20))  # type: ignore[misc]
        assert not any(packet.skipped for packet in packets)


def test_packets_without_stamps_are_decoded() -> None:
    backlog = Backlog()
    assert not any(backlog.skip(None, k * 5.0, keyframe=False) for k in range(100))

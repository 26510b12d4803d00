from __future__ import annotations

import itertools
import threading

import pytest

from surveil.capture.pacing import PacedSource
from tests.support.clock import StepClock
from tests.support.script import ScriptedSource


def test_frames_come_when_their_time_has_come() -> None:
    clock = StepClock()
    with PacedSource(ScriptedSource([0, 0.1, 0.5, 0.6]), clock=clock) as source:
        arrived = [frame.arrived_s - 100 for frame in source.frames(threading.Event())]
    assert arrived == pytest.approx([0, 0.1, 0.5, 0.6])


def test_lost_moments_are_caught_up() -> None:
    clock = StepClock()
    with PacedSource(ScriptedSource([k / 10 for k in range(6)]), clock=clock) as source:
        arrived = []
        for frame in source.frames(threading.Event()):
            arrived.append(frame.arrived_s - 100)
            if frame.index == 1:
                clock.now_s += 0.25
    assert arrived == pytest.approx([0, 0.1, 0.35, 0.35, 0.4, 0.5])


def test_after_a_pause_it_goes_on_at_its_own_pace() -> None:
    clock = StepClock()
    with PacedSource(ScriptedSource([k / 10 for k in range(5)]), clock=clock) as source:
        arrived = []
        for frame in source.frames(threading.Event()):
            arrived.append(frame.arrived_s - 100)
            if frame.index == 1:
                clock.now_s += 60
    assert [b - a for a, b in itertools.pairwise(arrived)] == pytest.approx([0.1, 60, 0.1, 0.1])


def test_a_stop_ends_the_waiting() -> None:
    stop, clock = threading.Event(), StepClock()
    with PacedSource(ScriptedSource([0, 3600]), clock=clock) as source:
        frames = source.frames(stop)
        next(frames)
        stop.set()
        assert list(frames) == []
    assert clock.now_s == 100

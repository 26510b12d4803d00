from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.errors import SourceError
from surveil.pipeline.playback import Playback, PlaybackConfig
from surveil.pipeline.state import FeedState
from surveil.types import Frame


def play(
    fakes: SimpleNamespace, config: PlaybackConfig, **source: Any
) -> tuple[Any, list[Frame], list[FeedState]]:
    """The clock at the end, the frames, and the states before, during and after."""
    clock, frames, states = fakes.Clock(), [], []

    def deliver(frame: Frame) -> None:
        frames.append(frame)
        states[1:] = [playback.state]

    playback = Playback(lambda: fakes.Source(**source), deliver, clock, config)
    states.append(playback.state)
    playback.run(threading.Event())
    return clock, frames, [*states, playback.state]


def test_plays_at_its_own_pace(fakes: SimpleNamespace) -> None:
    clock, frames, states = play(fakes, PlaybackConfig())
    assert [round(frame.arrived_s - 100, 6) for frame in frames] == [k / 10 for k in range(20)]
    assert [frame.wall_s - frame.arrived_s for frame in frames] == pytest.approx([1e9] * 20)
    assert [state.name for state in states] == ["connecting", "playing", "ended"]
    assert states[1].decoder == "fake"
    assert clock.now == pytest.approx(101.9)


def test_plays_as_fast_as_it_can(fakes: SimpleNamespace) -> None:
    clock, frames, _ = play(fakes, PlaybackConfig(paced=False))
    assert (clock.now, len(frames)) == (100.0, 20)


def test_starts_the_pace_anew_when_it_is_late(fakes: SimpleNamespace) -> None:
    clock, arrived = fakes.Clock(), []

    def deliver(frame: Frame) -> None:
        arrived.append(clock.now)
        if frame.index == 5:
            clock.now += 3.0  # a slow consumer

    Playback(fakes.Source, deliver, clock, PlaybackConfig()).run(threading.Event())
    after = [later - earlier for earlier, later in itertools.pairwise(arrived[6:])]
    assert after == pytest.approx([0.1] * len(after))  # it does not hurry after the clock


def test_recording_without_pictures_is_an_error(fakes: SimpleNamespace) -> None:
    with pytest.raises(SourceError, match="no picture"):
        play(fakes, PlaybackConfig(loop=True), count=0)

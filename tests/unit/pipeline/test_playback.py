from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.errors import SourceError, UsageError
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

    playback = Playback(lambda start_s=0.0: fakes.Source(**source), deliver, clock, config)
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

    Playback(lambda start_s=0.0: fakes.Source(), deliver, clock, PlaybackConfig()).run(threading.Event())
    after = [later - earlier for earlier, later in itertools.pairwise(arrived[6:])]
    assert after == pytest.approx([0.1] * len(after))  # it does not hurry after the clock


def test_recording_without_pictures_is_an_error(fakes: SimpleNamespace) -> None:
    with pytest.raises(SourceError, match="no picture"):
        play(fakes, PlaybackConfig(loop=True), count=0)


class Session:
    """A playback whose clock, or whose frames, give commands; every frame is kept with its time."""

    def __init__(self, fakes: SimpleNamespace, config: PlaybackConfig, **source: Any) -> None:
        self.fakes, self.source, self.stop = fakes, source, threading.Event()
        self.clock = fakes.Clock()
        self.frames: list[Frame] = []
        self.times: list[float] = []
        self.waits = 0
        self.at_frame: dict[int, Callable[[], None]] = {}
        self.at_wait: dict[int, Callable[[], None]] = {}
        self.playback = Playback(self.open, self.deliver, self.clock, config)
        plain = self.clock.wait
        self.clock.wait = lambda event, timeout_s: self.wait(plain, event, timeout_s)

    def open(self, start_s: float = 0.0) -> Any:
        source = self.fakes.Source(**self.source)
        source.first = min(source.count - 1, round(start_s * 10 + 0.4999))
        return source

    def deliver(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.times.append(self.clock.now)
        self.at_frame.pop(len(self.frames), lambda: None)()

    def wait(self, plain: Any, event: threading.Event, timeout_s: float) -> bool:
        if self.playback.state.name in ("paused", "ended"):
            self.waits += 1
            self.at_wait.pop(self.waits, lambda: None)()
        return plain(event, timeout_s)

    def run(self) -> list[int]:
        self.playback.run(self.stop)
        return [round(self.playback.place_of(frame) * 10) for frame in self.frames]


def test_goes_on_from_another_place(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig())
    played.at_frame[3] = lambda: played.playback.seek(1.5)
    assert played.run() == [0, 1, 2, 15, 16, 17, 18, 19]
    assert all(later.index > earlier.index for earlier, later in itertools.pairwise(played.frames))
    assert played.frames[3].pts_s - played.frames[2].pts_s > 10  # no track lives across it
    assert played.frames[3].epoch == 1


def test_a_recording_that_is_held_shows_the_place_it_is_sent_to(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig())
    played.at_frame[2] = played.playback.pause
    played.at_wait[3] = lambda: played.playback.seek(1.0)
    played.at_wait[6] = lambda: (played.playback.transport.held or pytest.fail("not held"), played.stop.set())
    assert played.run() == [0, 1, 10]
    assert played.playback.transport.pts_s == pytest.approx(1.0)


def test_frame_by_frame_on_and_back(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig())
    played.at_frame[6] = played.playback.pause
    played.at_wait[2] = lambda: played.playback.step(1)
    played.at_wait[4] = lambda: played.playback.step(2)
    played.at_wait[6] = lambda: played.playback.step(-1)
    played.at_wait[8] = lambda: played.playback.step(-1)
    played.at_wait[10] = played.stop.set
    assert played.run() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6]


def test_plays_faster_and_slower(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig())
    played.at_frame[1] = lambda: played.playback.play_at(2.0)
    played.at_frame[11] = lambda: played.playback.play_at(0.5)
    played.run()
    steps = [later - earlier for earlier, later in itertools.pairwise(played.times)]
    assert steps[1:10] == pytest.approx([0.05] * 9)
    assert steps[11:] == pytest.approx([0.2] * 8)
    assert played.playback.transport.speed == 0.5
    with pytest.raises(UsageError, match="speed"):
        played.playback.play_at(0.0)


def test_waits_at_its_end_to_be_sent_back(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig(stay=True), count=3)
    played.at_wait[4] = lambda: played.playback.seek(0.1)
    played.at_wait[8] = lambda: (
        played.playback.state.name == "ended" or pytest.fail("no end"),
        played.stop.set(),
    )
    assert played.run() == [0, 1, 2, 1, 2]
    assert played.playback.state.name == "ended"


def test_where_it_stands_is_known_from_the_first_frame_on(fakes: SimpleNamespace) -> None:
    played = Session(fakes, PlaybackConfig())
    assert played.playback.transport.duration_s is None
    seen = []
    played.at_frame[4] = lambda: seen.append(played.playback.transport)
    played.run()
    assert (seen[0].duration_s, seen[0].rate_hz, seen[0].held) == (2.0, 10.0, False)
    assert seen[0].pts_s == pytest.approx(0.3)

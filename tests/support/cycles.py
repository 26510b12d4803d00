"""Sessions started and stopped at random instants, on cameras that play, are silent, refuse, or are away."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from surveil.detect.detector import Detector
from surveil.pipeline.session import Session
from tests.support.belongings import Belongings
from tests.support.live import CLOCK, KeptTable, camera_config, wait_until
from tests.support.rtsp_camera import RtspCamera


@dataclass
class Cycles:
    """What came of it; seconds."""

    stops_s: list[float] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    before: Belongings | None = None
    after: Belongings | None = None
    clients_left: int = 0

    @property
    def left_behind(self) -> dict[str, int]:
        """What is there afterwards and was not before, by kind."""
        assert self.before is not None
        assert self.after is not None
        before, after = self.before.as_dict(), self.after.as_dict()
        return {kind: after[kind] - before[kind] for kind in before if after[kind] > before[kind]}


@contextlib.contextmanager
def odd_cameras(clip: Path) -> Iterator[dict[str, RtspCamera]]:
    """Cameras by what is wrong with them."""
    with contextlib.ExitStack() as stack:
        cameras = {
            kind: stack.enter_context(RtspCamera(clip))
            for kind in ("good", "mute", "stall", "slow", "denied", "trickle", "away")
        }
        cameras["mute"].mute.set()
        cameras["stall"].stall.set()
        cameras["slow"].delay_s = 0.3
        cameras["denied"].deny = "401 Unauthorized"
        cameras["trickle"].trickle.set()
        cameras["away"].close()
        yield cameras


def run_cycles(clip: Path, detector: Detector, count: int, seed: int = 1, longest_s: float = 1.2) -> Cycles:
    """`count` sessions of two cameras each, stopped after at most `longest_s`.

    A stop that takes longer than the 2 s that are promised raises StuckThreadError.
    """
    dice, cycles = random.Random(seed), Cycles()
    with odd_cameras(clip) as cameras:
        for number in range(-1, count):
            if number == 0:  # the first one, that is not counted, loads what is loaded when it is needed
                _settle(cameras)
                cycles.before = Belongings.now()
            kinds = dice.choices(["good"] * 4 + sorted(cameras), k=2)
            _cycle(cycles, detector, [cameras[kind].url for kind in kinds], dice.random() * longest_s)
        cycles.stops_s.pop(0)
        _settle(cameras)
        cycles.after = Belongings.now()
        cycles.clients_left = sum(camera.clients for camera in cameras.values())
    return cycles


def _cycle(cycles: Cycles, detector: Detector, urls: list[str], watched_s: float) -> None:
    session = Session(KeptTable(detector))
    session.start()
    for k, url in enumerate(urls):
        session.add(camera_config(f"cam{k}", url))
    wait_until(lambda: False, watched_s)
    for state in session.states().values():
        cycles.states[state.name] = cycles.states.get(state.name, 0) + 1
    begun_s = CLOCK.monotonic()
    session.stop()
    cycles.stops_s.append(CLOCK.monotonic() - begun_s)


def _settle(cameras: dict[str, RtspCamera]) -> None:
    """The cameras' own ends of the connections are closed a moment later."""
    wait_until(lambda: not any(camera.clients for camera in cameras.values()), 5.0)
    wait_until(lambda: False, 0.3)

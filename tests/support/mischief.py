"""Random faults upon the cameras of a session, hour after hour."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.state import TROUBLE
from tests.support.belongings import rss_mb
from tests.support.fleet import Fleet
from tests.support.live import CLOCK, wait_until

SWITCHES = ("stall", "drop", "mute", "trickle", "reorder", "no_keyframes")
FAULTS = (*SWITCHES, "close", "kick", "reset", "401", "404", "late", "slow", "quick", "hour", "size", "off")
LONGEST_S = 8.0


@dataclass
class Mischief:
    """Faults on random cameras, each for a random time, then none.

    Attributes:
        clips: what a camera may change to in mid-stream; the first is what it begins with.
        configs: of the session's cameras, in the order of the fleet's.
        often: how probable a fault is, a step and camera.
        kinds: what may happen.
        done: faults by kind.
        wrong: moments at which a camera had given up, or was in trouble without saying why.
    """

    fleet: Fleet
    session: Session
    configs: Sequence[CameraConfig]
    clips: Sequence[Path]
    often: float = 0.1
    kinds: Sequence[str] = FAULTS
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _ends: dict[int, tuple[float, Callable[[], None]]] = field(default_factory=dict)

    def step(self) -> None:
        """End what is over, begin what is due, look at the states; to be called about every second."""
        now_s = CLOCK.monotonic()
        for camera, (end_s, undo) in list(self._ends.items()):
            if now_s >= end_s:
                del self._ends[camera]
                undo()
        for camera in range(len(self.configs)):
            if camera not in self._ends and self.dice.random() < self.often:
                kind = self.dice.choice(self.kinds)
                self.done[kind] += 1
                self._ends[camera] = now_s + self.dice.uniform(0.5, LONGEST_S), self._begin(camera, kind)
        for name, state in self.session.states().items():
            if state.name == "failed" or (state.name in TROUBLE and not state.cause):
                self.wrong.append(f"{name}: {state}")

    def end(self) -> None:
        """Nothing is wrong any more."""
        for _, undo in self._ends.values():
            undo()
        self._ends.clear()

    def _begin(self, camera: int, kind: str) -> Callable[[], None]:
        """Do it; returns what undoes it."""

        def tell(what: str, value: object = "") -> Callable[[], None]:
            return lambda: self.fleet.tell(camera, what, value)

        def nothing() -> None:
            """It cannot be undone."""

        if kind in SWITCHES:
            begin, undo = tell(kind, "on"), tell(kind)
        elif kind in ("kick", "reset"):
            begin, undo = tell(kind), nothing
        elif kind == "off":
            name = self.configs[camera].id
            self.session.enable(name, on=False)
            return lambda: self.session.enable(name)
        else:
            begin, undo = {
                "close": (tell("close"), tell("open")),
                "401": (tell("deny", "401 Unauthorized"), tell("deny")),
                "404": (tell("deny", "404 Not Found"), tell("deny")),
                "late": (tell("delay_s", 0.7), tell("delay_s", 0)),
                "slow": (tell("speed", 0.3), tell("speed", 1)),
                "quick": (tell("speed", 3), tell("speed", 1)),
                "hour": (tell("stamp_shift_s", 3600), tell("stamp_shift_s", 0)),
                "size": (tell("clip", self.clips[-1]), tell("clip", self.clips[0])),
            }[kind]
        begin()
        if kind in ("mute", "401", "404", "late"):
            self.fleet.tell(camera, "kick")  # it is seen when somebody asks anew
        return undo


def run_mischief(mischief: Mischief, seconds: float, say: Callable[[str], None]) -> list[float]:
    """Faults for `seconds`; RSS in MB by the second. `say` hears how it goes, every minute."""
    samples: list[float] = []
    begun_s = CLOCK.monotonic()
    while CLOCK.monotonic() - begun_s < seconds:
        mischief.step()
        samples.append(rss_mb())
        if len(samples) % 60 == 1:
            states = {name: state.name for name, state in mischief.session.states().items()}
            say(f"{len(samples) - 1:5} s  {samples[-1]:.1f} MB  {states}  {dict(mischief.done)}\n")
        wait_until(lambda: False, max(0.01, begun_s + len(samples) - CLOCK.monotonic()))
        if mischief.session.failure is not None:
            raise mischief.session.failure
    mischief.end()
    return samples

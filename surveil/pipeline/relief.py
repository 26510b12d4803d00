"""The thread that looks once a second whether the machine keeps up, and does without something where not.

It also fits the detector to the cameras that there are: one is served by all cores together, several by
a core each (docs/adr/0019).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from surveil.clock import Clock
from surveil.errors import DeviceError, ModelError
from surveil.pipeline.ladder import IDLE, PREVIEWS, RUNGS, SMALLER, Count, Ladder, LadderConfig, Load

if TYPE_CHECKING:
    from surveil.pipeline.live import Brain, Inference, Lane
    from surveil.pipeline.present import Presenter

log = logging.getLogger(__name__)

PERIOD_S = 1.0
PREVIEW_HZ = 5.0  # pictures a second of each tile, on the first rung


class Resizer(Protocol):
    """Makes a detector look at pictures of another size, or otherwise at several cameras than at one."""

    def smaller_size(self, brain: Brain) -> tuple[int, int] | None:
        """(width, height) of the model's next smaller input, below its usual one; None: there is none."""

    def refitted(self, brain: Brain, size: tuple[int, int] | None, *, several: bool) -> Brain:
        """The same model at this input size, with the same trackers, for one camera or several.

        None: its usual size.

        Raises ModelError, DeviceError.
        """


class Relief:
    """Carries out what the ladder decides.

    `run` is its thread; the rest is for any.
    """

    def __init__(self, clock: Clock, inference: Inference, presenter: Presenter, resizer: Resizer) -> None:
        self._clock, self._inference, self._presenter = clock, inference, presenter
        self._resizer = resizer
        self._stop = threading.Event()
        self._ladder: Ladder | None = None
        self._small: Brain | None = None  # what looks at smaller pictures
        self._fixed: object = None  # the detector beside which none of another size could be opened

    @property
    def load(self) -> Load:
        """Where the session stands."""
        ladder = self._ladder
        return Load() if ladder is None else ladder.load

    def use(self, config: LadderConfig | None) -> None:
        """Do so from now on; None: do without nothing, come what may."""
        self._ladder = None if config is None else Ladder(config)

    def abort(self) -> None:
        """End the thread."""
        self._stop.set()

    def run(self, lanes: Callable[[], Sequence[Lane]]) -> None:
        """Look after the cameras until `abort`; `lanes` gives those that are open now."""
        before = 0
        while not self._clock.wait(self._stop, PERIOD_S):
            now = lanes()
            before = self._step(before, now)

    def _step(self, before: int, lanes: Sequence[Lane]) -> int:
        load, ladder = Load(), self._ladder
        if ladder is not None:
            counts = {lane.camera_id: self._count(lane) for lane in lanes if lane.live}
            load = ladder.step(self._clock.monotonic(), counts, self._top())
        if load.rung > before:
            log.warning("too much to do (%s): from now on %s", load.why, RUNGS[load.rung])
        elif load.rung < before and ladder is not None:
            log.info("there is room again: %s", RUNGS[load.rung])
        self._presenter.most_hz = PREVIEW_HZ if load.rung >= PREVIEWS else None
        for lane in lanes:
            lane.gate.thrifty = load.rung >= IDLE
        self._fit(small=load.rung >= SMALLER, several=len(lanes) > 1 if lanes else None)
        return load.rung

    def _count(self, lane: Lane) -> Count:
        return Count(results=lane.meter.results, overwritten=self._inference.overwritten(lane))

    @property
    def _shrunk(self) -> bool:
        """Whether the detector looks at smaller pictures; another model that took over does not."""
        return self._small is not None and self._inference.brain.detector is self._small.detector

    def _top(self) -> int:
        brain = self._inference.brain
        if self._shrunk:
            return SMALLER
        possible = brain.detector is not self._fixed and self._resizer.smaller_size(brain) is not None
        return SMALLER if possible else IDLE

    def _fit(self, *, small: bool, several: bool | None) -> None:
        """Exchange the detector where another is wanted, unless somebody else does in the meantime."""
        brain = self._inference.brain
        if several is None or brain.several is None:
            several = brain.several  # nobody is there, or it makes no difference
        if (small, several) == (self._shrunk, brain.several) or brain.detector is self._fixed:
            return
        size = self._resizer.smaller_size(brain) if small else None
        try:
            other = self._resizer.refitted(brain, size, several=bool(several))
        except (ModelError, DeviceError) as error:
            self._fixed = brain.detector
            log.warning("the detector stays as it is: %s", error)
            return
        if self._inference.replace(other, instead_of=brain):
            self._small = other if small else None
        else:
            other.detector.close()

"""The end of the window: everything is told to stop at once, and what does not is left behind."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from surveil.errors import StuckThreadError
from surveil.pipeline.worker import Worker

log = logging.getLogger(__name__)

STOP_S = 2.2
"""How long threads are waited for; with closing the window and leaving Qt, 3 s in all."""
GRACE_S = 0.3
Stop = Callable[[float], None]
"""Ends threads within so many seconds. Raises StuckThreadError that names those that go on."""


class Ending:
    """Stops what was handed to it, all of it side by side."""

    def __init__(self) -> None:
        self._here: list[Stop] = []
        self._beside: list[Stop] = []

    def add(self, stop: Stop, *, here: bool = False) -> None:
        """Stop this, too. `here`: in the thread that calls `stop`, as it lets go of what belongs to that."""
        (self._here if here else self._beside).append(stop)

    def stop(self) -> None:
        """Stop everything. Raises StuckThreadError that names all that goes on."""
        workers = [Worker(f"stop-{k}", partial(stop, STOP_S)) for k, stop in enumerate(self._beside)]
        for worker in workers:
            worker.start()
        waits = [partial(stop, STOP_S) for stop in self._here]
        waits += [partial(worker.join, STOP_S + GRACE_S) for worker in workers]
        stuck = []
        for wait in waits:
            try:
                wait()
            except StuckThreadError as error:
                stuck.append(str(error))
        if stuck:
            raise StuckThreadError("; ".join(stuck))


def leave(error: StuckThreadError) -> NoReturn:
    """End the process although threads go on: a user who closed the window waits for no model or dead disk.

    That is no failure: everything of the user's is written by now, or is written whole or not at all.
    """
    log.warning("left behind: %s", error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)

"""Python's cyclic garbage is collected in the window's thread alone.

Whichever thread happens to allocate at the wrong moment collects, and a widget that is freed outside of Qt's
thread ends the process. So the automatic collection is switched off, and a timer of the window does it.
"""

from __future__ import annotations

import gc
from types import TracebackType
from typing import Self

from PyQt6.QtCore import QTimer

PERIOD_MS = 200


class Collecting:
    """A context: while it lasts, this thread's event loop collects, as often as Python itself would."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.timeout.connect(collect_due)

    def __enter__(self) -> Self:
        gc.disable()
        gc.collect()
        gc.freeze()  # modules and the like stay: later collections need not look at them
        self._timer.start(PERIOD_MS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.stop()
        gc.collect()
        gc.unfreeze()
        gc.enable()


def collect_due() -> int | None:
    """Collect the oldest generation whose count is above Python's limit; its number, None: none is due."""
    counts, limits = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > limits[generation]:
            gc.collect(generation)
            return generation
    return None

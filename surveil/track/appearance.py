"""The door for appearance features: whoever can tell faces or coats apart may have a say in who is who."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Rows = NDArray[np.intp]


class Appearance(Protocol):
    """What a tracker asks; it has been shown the frame's picture by then, by whoever owns it.

    Detections are named by their row in the `Detections` that the tracker was given.
    """

    def likeness(self, ids: Ids, rows: Rows) -> NDArray[np.float64]:
        """How much each of P pairs looks like one object: (P,) 0-1, a factor of the pair's affinity."""

    def learn(self, ids: Ids, rows: Rows) -> None:
        """Each of these K tracks was seen as that detection; new tracks among them."""

    def forget(self, ids: Ids) -> None:
        """These tracks have ended; their ids do not come back."""

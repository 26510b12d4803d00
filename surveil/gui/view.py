"""What a tile shows, as plain values: no Qt here, so that it can be tested without a screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class TileView:
    """One tile at one moment.

    Attributes:
        picture: (h, w, 4) uint8 BGRA with the overlay drawn, or None before the first frame.
        title: the camera's name.
        badges: figures in a corner, most important first, e.g. ("29.9 fps", "34 ms", "CPU").
        message: a heading over the picture when it is not live, e.g. "Reconnecting"; empty when all is well.
        detail: cause and remedy under the heading.
        selected: whether commands go to this tile.
        zoomed: whether a part of the frame is shown, which the mouse can drag.
    """

    picture: NDArray[np.uint8] | None = None
    title: str = ""
    badges: tuple[str, ...] = ()
    message: str = ""
    detail: str = ""
    selected: bool = False
    zoomed: bool = False

    @property
    def words(self) -> tuple[object, ...]:
        """Everything but the picture."""
        return self.title, self.badges, self.message, self.detail, self.selected, self.zoomed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TileView) and self.picture is other.picture and self.words == other.words

    __hash__ = None  # type: ignore[assignment]

"""Which tiles are on screen, and where: order, layout, page, full tile, selection. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from surveil.errors import UsageError
from surveil.gui.layouts import Rect, is_layout, layout

CAROUSEL_S = (5, 10, 20, 30, 60)
"""How long the carousel may stay at a page or a camera."""


class Board:
    """The wall of tiles.

    Attributes:
        ids: all cameras, in their order.
        layout: name of the arrangement, see `layouts`.
        full: the one that fills the board; None: the layout holds.
        selected: the one that commands go to; None only while there is none.
        page: which part of the cameras is shown where the layout does not hold all, counted from 0.
    """

    def __init__(self) -> None:
        self.ids: tuple[str, ...] = ()
        self.layout = "auto"
        self.full: str | None = None
        self.selected: str | None = None
        self.page = 0
        self._sought: str | None = None  # its page is the next to be shown

    def use(self, ids: Sequence[str]) -> None:
        """Show these; what was selected or full stays so while it is there."""
        self.ids = tuple(ids)
        if self.full not in self.ids:
            self.full = None
        if self.selected not in self.ids:
            self.selected = self.ids[0] if self.ids else None

    def exchange(self, one: str, other: str) -> None:
        """Let two cameras change places."""
        swap = {one: other, other: one}
        self.ids = tuple(swap.get(name, name) for name in self.ids)

    def arrange(self, name: str) -> None:
        """Use a layout; leaves the full tile. Raises UsageError for an unknown name."""
        if not is_layout(name):
            raise UsageError(f"there is no layout {name!r}")
        self.layout, self.full, self.page = name, None, 0

    def select(self, camera_id: str) -> None:
        """Send commands to this one from now on, and show it; with a full tile, fill the board with it."""
        if camera_id in self.ids:
            self.selected = self._sought = camera_id
            if self.full is not None:
                self.full = camera_id

    def toggle_full(self, camera_id: str | None) -> None:
        """Fill the board with a camera, or go back to the layout."""
        if camera_id in self.ids:
            self.full = None if self.full == camera_id else camera_id
            self.selected = camera_id

    def leave_full(self) -> bool:
        """Go back to the layout; whether there was a full tile."""
        was, self.full = self.full, None
        return was is not None

    def step(self, by: int) -> None:
        """Select the next camera, or the one before, round and round."""
        if self.ids:
            place = self.ids.index(self.selected) if self.selected in self.ids else 0
            self.select(self.ids[(place + by) % len(self.ids)])

    def pages(self, size: tuple[int, int]) -> int:
        """How many pages the layout needs."""
        holds = len(layout(self.layout, len(self.ids), size).cells)
        return max(1, -(-len(self.ids) // holds))

    def turn(self, by: int, size: tuple[int, int]) -> None:
        """Show the next page, or the one before, round and round."""
        self.page = (self.page + by) % self.pages(size)

    def advance(self, size: tuple[int, int]) -> None:
        """Go on by itself: to the next page, or where one page holds all, to the next camera alone."""
        if self.full is None and self.pages(size) > 1:
            self.turn(1, size)
        elif self.full is None:
            self.toggle_full(self.selected)
        else:
            self.step(1)

    def visible(self, size: tuple[int, int]) -> dict[str, Rect]:
        """The tiles on a board of `size` (width, height) px, and where they lie."""
        if self.full is not None:
            return {self.full: (0, 0, *size)}
        board = layout(self.layout, len(self.ids), size)
        if self._sought in self.ids:
            self.page = self.ids.index(self._sought) // len(board.cells)
        self._sought = None
        self.page = min(self.page, self.pages(size) - 1)
        first = self.page * len(board.cells)
        shown = self.ids[first : first + len(board.cells)]
        return {name: board.place(number, size) for number, name in enumerate(shown)}

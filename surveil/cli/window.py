"""The door to the window. It is handed in: the command line and the desktop do not know each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from surveil.app.options import GuiOptions


class OpenWindow(Protocol):
    """Shows the desktop."""

    def __call__(self, sources: Sequence[str], options: GuiOptions) -> int:
        """Show it until it is closed; the exit code."""

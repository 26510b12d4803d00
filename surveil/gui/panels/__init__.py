"""The panels around the tiles, in one table: a new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import Qt

from surveil.gui.panels.base import Context, PanelWidget
from surveil.gui.panels.cameras import CamerasPanel
from surveil.gui.text import tr

__all__ = ["Context", "Panel", "PanelWidget", "panels"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One dockable panel.

    Attributes:
        name: by which its place is remembered.
        title: its words, in its head and in the View menu.
        area: where it stands at first.
        shown: whether it is open at first.
        make: the widget; called once, when the window is made.
    """

    name: str
    title: str
    area: Qt.DockWidgetArea
    shown: bool
    make: Callable[[Context], PanelWidget]


def panels() -> tuple[Panel, ...]:
    """All panels, in the order of the View menu."""
    left = Qt.DockWidgetArea.LeftDockWidgetArea
    return (
        Panel(name="cameras", title=tr("Cameras"), area=left, shown=False, make=CamerasPanel),
    )

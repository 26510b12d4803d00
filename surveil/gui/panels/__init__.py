"""The panels around the tiles, in one table: a new one is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import Qt

from surveil.gui.panels.base import Context, PanelWidget
from surveil.gui.panels.cameras import CamerasPanel
from surveil.gui.panels.counts import CountsPanel
from surveil.gui.panels.health import HealthPanel
from surveil.gui.panels.log import LogPanel
from surveil.gui.panels.objects import ObjectsPanel
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
    left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
    below = Qt.DockWidgetArea.BottomDockWidgetArea
    return (
        Panel(name="cameras", title=tr("Cameras"), area=left, shown=False, make=CamerasPanel),
        Panel(name="objects", title=tr("Objects now"), area=right, shown=False, make=ObjectsPanel),
        Panel(name="counts", title=tr("Counts over time"), area=right, shown=False, make=CountsPanel),
        Panel(name="health", title=tr("Health"), area=below, shown=False, make=HealthPanel),
        Panel(name="log", title=tr("Log"), area=below, shown=False, make=LogPanel),
    )

"""What every panel is and gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QWidget

from surveil.gui.desk import Desk
from surveil.gui.filing import Filing
from surveil.gui.probing import Probing
from surveil.gui.tasks import Tasks
from surveil.gui.theme import Colours
from surveil.gui.toasts import Toasts
from surveil.redact import redact


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Icons by the name of their stroke, and the colours of the theme."""

    icons: dict[str, QIcon]
    colours: Colours


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a panel may use.

    Attributes:
        desk: what is watched and said of it; `desk.states`, `desk.session.latest(camera)`.
        filing: the cameras of the file, and commands that change it.
        tasks: for work that must not be done in the window's thread.
        toasts: to say something.
        probing: tests of cameras.
        run: does a command of the table by its name.
        edit: opens the dialog of a camera.
        hide: takes secrets out of a text.
    """

    desk: Desk
    filing: Filing
    tasks: Tasks
    toasts: Toasts
    probing: Probing
    run: Callable[[str], None]
    edit: Callable[[str], None]
    hide: Callable[[str], str] = redact


class PanelWidget(QWidget):
    """The inside of a panel; `refresh` and `dress` are called by the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)  # the ground of a panel, by the theme

    def refresh(self) -> None:
        """Show how things are now; called four times a second while the panel is seen."""

    def dress(self, look: Look) -> None:
        """Use these icons and colours; called at the start and when the theme changes."""

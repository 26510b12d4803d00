"""The commands of the View menu for screens that nobody sits at: the carousel, and further windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PyQt6.QtGui import QAction

from surveil.gui.carousel import Carousel
from surveil.gui.monitors.monitors import Monitors
from surveil.gui.text import tr

if TYPE_CHECKING:
    from surveil.gui.window import MainWindow


class Screens:
    """Carousel and further windows of one main window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.monitors = Monitors(window)
        self.carousel = Carousel(window.grid, self._go_on, lambda: self._action.shortcuts())
        self.carousel.touched.connect(self._touched)

    def commands(self) -> dict[str, Callable[[], None]]:
        """What each command does, by its name."""
        return {"carousel": self._toggle, "monitor": self.monitors.ask}

    def start(self) -> None:
        """Be as at the end of the last run."""
        now = self._window.memory.now
        self._window.actions_.carousels[str(now.carousel_s)].setChecked(True)
        if now.carousel:
            self._action.setChecked(True)
            self.carousel.start(now.carousel_s)
        self.monitors.restore()

    def enable(self, actions: Mapping[str, QAction]) -> None:
        """Let only those commands be chosen that can do something now."""
        several = len(self._window.desk.board.ids) > 1
        actions["carousel"].setEnabled(several or self.carousel.running)
        actions["monitor"].setEnabled(bool(self._window.desk.board.ids))

    def every(self, seconds: str) -> None:
        """Let the carousel go on every so many seconds, from now on."""
        self._window.memory.note(carousel_s=int(seconds))
        self._begin()

    @property
    def _action(self) -> QAction:
        return self._window.actions_.by_name["carousel"]

    def _toggle(self) -> None:
        if self._action.isChecked():
            self._begin()
        else:
            self.carousel.stop()
            self._window.memory.note(carousel=False)

    def _begin(self) -> None:
        seconds = self._window.memory.now.carousel_s
        self._action.setChecked(True)
        self.carousel.start(seconds)
        self._window.memory.note(carousel=True)
        words = tr(
            "The wall goes on every {seconds} s, until a key is pressed or a tile clicked.", seconds=seconds
        )
        self._window.toasts.note(words)

    def _touched(self) -> None:
        self._action.setChecked(False)
        self._window.memory.note(carousel=False)
        self._window.toasts.note(tr("The carousel has stopped."), action=(tr("Go on"), self._begin))

    def _go_on(self) -> None:
        window = self._window
        if window.doing.tools.zones is None and window.isVisible():  # what is being drawn on stays
            window.desk.board.advance((window.grid.width(), window.grid.height()))
            window.arrange()

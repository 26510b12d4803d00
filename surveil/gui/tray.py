"""The sign in the system's tray, while the window may be closed and the cameras go on."""

from __future__ import annotations

from PyQt6.QtWidgets import QMainWindow, QMenu, QSystemTrayIcon

from surveil.gui.icons import app_icon
from surveil.gui.text import tr


class Tray:
    """Shows the window again, or ends it; where the system has no tray, nothing."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._icon: QSystemTrayIcon | None = None

    @property
    def there(self) -> bool:
        """Whether the system has a tray."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show(self, *, on: bool) -> None:
        """Be in the tray, or not."""
        if not on or not self.there:
            self.hide()
            return
        if self._icon is None:
            self._icon = QSystemTrayIcon(app_icon(), self._window)
            menu = QMenu(self._window)
            menu.addAction(tr("Show the window"), self.bring_back)
            menu.addAction(tr("Quit"), getattr(self._window, "quit", self._window.close))
            self._icon.setContextMenu(menu)
            self._icon.setToolTip("surveil")
            self._icon.activated.connect(lambda _reason: self.bring_back())
        self._icon.show()

    def hide(self) -> None:
        """Leave the tray."""
        if self._icon is not None:
            self._icon.hide()

    def say(self, text: str) -> None:
        """A message of the system."""
        if self._icon is not None:
            self._icon.showMessage("surveil", text)

    def bring_back(self) -> None:
        """Show the window again."""
        self._window.showNormal()
        self._window.raise_()
        self._window.activateWindow()

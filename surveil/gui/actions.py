"""From the table of commands to Qt's actions, menus and the toolbar."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction, QActionGroup, QIcon, QKeySequence, QShortcut
from PyQt6.QtWidgets import QMainWindow, QMenu, QToolBar, QToolButton

from surveil.gui.board import CAROUSEL_S
from surveil.gui.commands import MENUS, Command, commands, menu_title
from surveil.gui.layouts import NAMED
from surveil.gui.memory import THEMES
from surveil.gui.text import tr


class Actions:
    """All actions of a window.

    Attributes:
        by_name: of the commands.
        menus: by name; the window adds its panels to `view`.
    """

    def __init__(self, window: QMainWindow, run: Callable[[str], None]) -> None:
        """`run` does a command by its name."""
        self._window, self._run = window, run
        self.by_name: dict[str, QAction] = {}
        self.layouts: dict[str, QAction] = {}
        self.themes: dict[str, QAction] = {}
        self.carousels: dict[str, QAction] = {}
        self.menus = {menu: self._menu(menu_title(menu)) for menu in MENUS}
        self.layout_menu = self._choices(
            tr("Layout"), self.layouts, [(name, layout_title(name)) for name in NAMED], "layout"
        )
        custom = QAction(tr("Custom…"), window)
        custom.setCheckable(True)
        custom.triggered.connect(lambda: run("layout:custom"))
        self.layout_menu.addAction(custom)
        self.layouts["custom"] = custom
        titles = {"system": tr("As the system"), "light": tr("Light"), "dark": tr("Dark")}
        self.theme_menu = self._choices(
            tr("Theme"), self.themes, [(name, titles[name]) for name in THEMES], "theme"
        )
        every = [(str(seconds), tr("{seconds} s", seconds=seconds)) for seconds in CAROUSEL_S]
        self.carousel_menu = self._choices(tr("Carousel, every"), self.carousels, every, "carousel")
        table = commands()
        for command in table:
            self._add(command)
        self._finish_menus()
        self.toolbar = self._toolbar(table)
        for number in range(1, 10):
            QShortcut(QKeySequence(str(number)), window, lambda n=number: run(f"camera:{n}"))

    def texts(self) -> dict[str, str]:
        """Words and first key of every command."""
        return {name: action.toolTip() for name, action in self.by_name.items()}

    def dress(self, icons: dict[str, QIcon]) -> None:
        """Use these icons."""
        for command in commands():
            if command.icon:
                self.by_name[command.name].setIcon(icons[command.icon])
        self._layout_button.setIcon(icons["layout"])
        self._overlay_button.setIcon(icons["overlay"])

    def _menu(self, title: str) -> QMenu:
        bar = self._window.menuBar()
        menu = QMenu(title, self._window)
        if bar is not None:
            bar.addMenu(menu)
        return menu

    def _choices(
        self, title: str, into: dict[str, QAction], choices: list[tuple[str, str]], prefix: str
    ) -> QMenu:
        menu = QMenu(title, self._window)
        group = QActionGroup(menu)
        for name, text in choices:
            action = QAction(text, self._window)
            action.setCheckable(True)
            action.triggered.connect(lambda _checked=False, name=name: self._run(f"{prefix}:{name}"))
            group.addAction(action)
            menu.addAction(action)
            into[name] = action
        return menu

    def _add(self, command: Command) -> None:
        action = QAction(command.text, self._window)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        hint = f" ({command.keys[0]})" if command.keys else ""
        action.setToolTip(command.text.rstrip("…") + hint)
        if command.short:
            action.setIconText(command.short)
        if command.checked is not None:
            action.setCheckable(True)
            action.setChecked(command.checked)
        action.triggered.connect(lambda _checked=False, name=command.name: self._run(name))
        self._window.addAction(action)  # works also while the menu bar is hidden
        self.menus[command.menu].addAction(action)
        self.by_name[command.name] = action

    def _finish_menus(self) -> None:
        view = self.menus["view"]
        first = view.actions()[0]
        view.insertMenu(first, self.layout_menu)
        view.insertMenu(first, self.theme_menu)
        view.insertSeparator(first)
        view.insertMenu(self.by_name["monitor"], self.carousel_menu)
        self.menus["file"].insertSeparator(self.by_name["snapshot"])
        self.menus["file"].insertSeparator(self.by_name["keep_running"])
        self.menus["overlay"].insertSeparator(self.by_name["boxes"])

    def _toolbar(self, table: tuple[Command, ...]) -> QToolBar:
        bar = QToolBar(tr("Tools"))
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for command in table:
            if command.toolbar:
                bar.addAction(self.by_name[command.name])
        bar.addSeparator()
        self._layout_button = self._menu_button(bar, self.layout_menu, tr("Layout"))
        self._overlay_button = self._menu_button(bar, self.menus["overlay"], tr("Overlay"))
        bar.addAction(self.by_name["screen"])
        self._window.addToolBar(bar)
        return bar

    def _menu_button(self, bar: QToolBar, menu: QMenu, text: str) -> QToolButton:
        button = QToolButton(bar)
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bar.addWidget(button)
        return button


def layout_title(name: str) -> str:
    """The words of a layout."""
    return {"auto": tr("Automatic"), "1": tr("One tile")}.get(name, name.replace("x", " × "))

"""The main window: start page or tiles, player bar, panels, status line; it shows and commands a `Desk`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from PyQt6.QtCore import QByteArray, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QHideEvent, QShowEvent
from PyQt6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QStatusBar,
    QVBoxLayout,
    QWidget,
)

from surveil.app.options import RunOptions
from surveil.app.workspace import Workspace
from surveil.clock import Clock
from surveil.config.paths import default_config
from surveil.errors import SurveilError, UsageError
from surveil.gui.actions import Actions
from surveil.gui.desk import SWITCHES, Desk
from surveil.gui.dialogs.closing import ClosingDialog, Unsaved, keep_all
from surveil.gui.doing import Doing
from surveil.gui.filing import Filing
from surveil.gui.grid import Grid
from surveil.gui.icons import STROKES, app_icon, icon
from surveil.gui.memory import Memory
from surveil.gui.panels import Context, PanelWidget, panels
from surveil.gui.panels.base import Look
from surveil.gui.player_bar import PlayerBar
from surveil.gui.probing import Probing
from surveil.gui.start_page import StartPage
from surveil.gui.tasks import Tasks
from surveil.gui.text import tr
from surveil.gui.theme import apply_theme
from surveil.gui.toasts import Toasts
from surveil.gui.tray import Tray
from surveil.redact import redact

log = logging.getLogger(__name__)

PULL_MS, BAR_MS, REPORT_MS = 16, 100, 250


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a window is made of.

    Attributes:
        workspace: the file; None where the sources came from elsewhere and nothing is kept.
        run_options: model and tracker as they are in force, for exports.
        hide: takes secrets out of a text.
    """

    desk: Desk
    workspace: Workspace | None
    tasks: Tasks
    memory: Memory
    clock: Clock
    run_options: Callable[[], RunOptions] = RunOptions
    hide: Callable[[str], str] = redact


class MainWindow(QMainWindow):
    """Sends commands to a `Desk` and shows what it says; never decodes, infers or waits.

    Signals:
        closed: it is closed for good; the session may end.
        crashed: an error that nobody expected, and where it was written down; from any thread.
    """

    closed = pyqtSignal()
    crashed = pyqtSignal(str, str)

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts, self.desk, self.memory = parts, parts.desk, parts.memory
        self.setWindowTitle("surveil")
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self.resize(1180, 760)
        self._build_middle()
        self.toasts = Toasts(self._stack)
        self.filing = Filing(parts.workspace, self.desk, parts.tasks, self.toasts, self)
        self.filing.changed.connect(self.arrange)
        file = default_config() if parts.workspace is None else parts.workspace.path
        self.probing = Probing(parts.tasks, parts.clock, file)
        self.doing = Doing(self)
        self.actions_ = Actions(self, self.doing.run)
        self._build_status()
        self._build_panels()
        self.tray = Tray(self)
        self.player_bar.describe(self.actions_.texts())
        self.start_page.chosen.connect(self.doing.run)
        self.crashed.connect(self._say_crash)
        self._quitting = self._ending = False
        self._closing: ClosingDialog | None = None
        self._remember()
        self.dress()
        self._follow_the_system()
        self._pull = self._every(PULL_MS, self._refresh)
        self._bar = self._every(BAR_MS, self._refresh_bar)
        self._report = self._every(REPORT_MS, self.refresh)

    # ---- what it is made of

    def _build_middle(self) -> None:
        self.start_page, self.grid, self.player_bar = StartPage(), Grid(self.desk), PlayerBar()
        self.player_bar.hide()
        self.grid.exchanged.connect(lambda order: self.filing.order(order))
        self.grid.changed.connect(self._refresh_bar)
        self.player_bar.commanded.connect(lambda name: self.doing.run(name))
        viewer = QWidget()
        column = QVBoxLayout(viewer)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.grid, 1)
        column.addWidget(self.player_bar)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.start_page)
        self._stack.addWidget(viewer)
        self.setCentralWidget(self._stack)

    def _build_status(self) -> None:
        self.status, self.summary = QLabel(), QLabel()
        line = QStatusBar()
        for label, stretch in ((self.status, 1), (self.summary, 0)):
            label.setTextFormat(Qt.TextFormat.PlainText)
            line.addWidget(label, stretch)
        self.status.setMinimumWidth(80)  # a long name must not make the window wider
        self.setStatusBar(line)

    def _build_panels(self) -> None:
        context = Context(
            desk=self.desk,
            filing=self.filing,
            tasks=self.parts.tasks,
            toasts=self.toasts,
            probing=self.probing,
            run=self.doing.run,
            edit=self.doing.edit,
            hide=self.parts.hide,
        )
        self.panels: dict[str, PanelWidget] = {}
        view = self.actions_.menus["view"]
        view.addSeparator()
        for panel in panels():
            dock = QDockWidget(panel.title, self)
            dock.setObjectName(f"panel-{panel.name}")
            self.panels[panel.name] = panel.make(context)
            dock.setWidget(self.panels[panel.name])
            self.addDockWidget(panel.area, dock)
            dock.setVisible(panel.shown)
            toggle = dock.toggleViewAction()
            if isinstance(toggle, QAction):
                toggle.setText(tr("Panel: {title}", title=panel.title))
                view.addAction(toggle)

    def _every(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(call)
        timer.start(milliseconds)
        return timer

    # ---- how it looks

    def dress(self) -> None:
        """Use the theme that is remembered."""
        app = QApplication.instance()
        if not isinstance(app, QApplication):
            return
        colours = apply_theme(app, self.memory.now.theme)
        icons = {name: icon(name, colours.ink, colours.faint) for name in STROKES}
        self.actions_.dress(icons)
        self.player_bar.dress(icons, colours)
        self.start_page.dress({name: icon(name, colours.accent, colours.faint) for name in STROKES})
        look = Look(icons=icons, colours=colours)
        self.doing.tools.dress(look)
        for panel in self.panels.values():
            panel.dress(look)
        self.actions_.themes[self.memory.now.theme].setChecked(True)

    def _follow_the_system(self) -> None:
        """Its theme may change, and a screen may be unplugged."""
        app = QApplication.instance()
        if not isinstance(app, QApplication):
            return
        # Methods, which are let go with the window: the application outlives it.
        app.screenRemoved.connect(self._screen_removed)
        hints = app.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(self._system_theme_changed)

    def _screen_removed(self) -> None:
        QTimer.singleShot(0, self.come_into_sight)  # it is told before Qt has let go of the screen

    def _system_theme_changed(self) -> None:
        if self.memory.now.theme == "system":
            self.dress()

    def come_into_sight(self) -> None:
        """Stand on a screen that is there."""
        frame = self.frameGeometry()
        if any(screen.availableGeometry().intersects(frame) for screen in QApplication.screens()):
            return
        screen = QApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry()
            self.resize(self.size().boundedTo(room.size()))
            self.move(room.topLeft())

    def _remember(self) -> None:
        """Be as the user left it."""
        now = self.memory.now
        self.desk.board.arrange(now.layout)
        for name, on in now.switches.items():
            if name in SWITCHES:
                self.desk.switch(name, on)
        for name in SWITCHES:
            self.actions_.by_name[name].setChecked(self.desk.switched(name))
        self.actions_.by_name["keep_running"].setChecked(now.keep_running)
        self.tray.show(on=now.keep_running)
        self.actions_.layouts.get(now.layout, self.actions_.layouts["custom"]).setChecked(True)
        self.restoreGeometry(QByteArray.fromBase64(now.geometry.encode()))
        self.come_into_sight()
        self.restoreState(QByteArray.fromBase64(now.state.encode()))

    def save_memory(self) -> None:
        """Remember how the window is left."""
        self.memory.note(
            geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
            state=bytes(self.saveState().toBase64().data()).decode(),
            layout=self.desk.board.layout,
            switches={name: self.desk.switched(name) for name in SWITCHES},
        )
        try:
            self.memory.save()
        except OSError as error:
            log.warning("the desktop's state could not be saved: %s", error)  # the window may be gone already
            self.toasts.error(tr("The desktop's state could not be saved: {error}", error=error))

    # ---- what it shows

    def start(self) -> None:
        """Watch what the file says."""
        self.filing.start()
        self.doing.screens.start()

    def open(self, sources: Iterable[str], *, loop: bool = False) -> None:
        """Watch sources beside those of the file; what is wrong with their text is said."""
        try:
            opened = self.desk.open(tuple(sources), loop=loop)
        except SurveilError as error:
            self.toasts.error(redact(str(error)))
            return
        if len(opened) == 1 and len(self.desk.entries) > 1:
            self.desk.board.toggle_full(opened[0])
        self.arrange()
        self._focus_wall()

    def _focus_wall(self) -> None:
        """Let keys go to the tiles, not to a button of the toolbar."""
        for tile in self.grid.tiles.values():
            tile.setFocus()
            break

    def arrange(self) -> None:
        """Show the start page or the tiles, as many as there are."""
        page = 1 if self.desk.entries else 0
        another = self._stack.currentIndex() != page
        self._stack.setCurrentIndex(page)
        self.grid.arrange()
        if another:
            self._focus_wall()
        self._refresh_bar()
        self.refresh()

    def _refresh(self) -> None:
        if self._stack.currentIndex() == 1:
            self.grid.refresh(words=False)
            with suppress(UsageError):  # the file may have taken the camera away a moment ago
                player = self.desk.player(self.desk.board.selected)
                if player is not None:
                    player.look(self.desk.session.preview(player.camera_id))

    def _refresh_bar(self) -> None:
        with suppress(UsageError):  # as above; `adopt` will take away its bar
            self.player_bar.show_player(self.desk.player(self.desk.board.selected))

    def refresh(self) -> None:
        """Say how things are."""
        self.desk.refresh()
        self.grid.refresh()
        self.doing.enable(self.actions_.by_name)
        self.status.setText(self.desk.status())
        self.summary.setText(self.desk.summary())
        for panel in self.panels.values():
            if panel.isVisible():
                panel.refresh()

    def show_panel(self, name: str) -> None:
        """Open a panel of the table."""
        dock = self.panels[name].parentWidget()
        if dock is not None:
            dock.show()

    def _say_crash(self, line: str, place: str) -> None:
        words = tr("Something went wrong inside surveil; it goes on. A report was written.")
        self.toasts.error(words, f"{line}\n{place}")

    # ---- Qt

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """See Qt."""
        if event is not None and (data := event.mimeData()) is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open the files that were dropped."""
        if event is not None and (data := event.mimeData()) is not None and data.urls():
            event.acceptProposedAction()
            self.open([url.toLocalFile() or url.toString() for url in data.urls()])

    def showEvent(self, event: QShowEvent | None) -> None:
        """See Qt."""
        super().showEvent(event)
        self._pull.start()
        self.arrange()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """See Qt: what is not seen is not drawn."""
        super().hideEvent(event)
        self._pull.stop()
        self.desk.wall.show({})

    def quit(self) -> None:
        """Close for good, whatever is set for closing; ask where something would be lost."""
        self._quitting = True
        self.close()

    def end(self) -> None:
        """Close for good and ask nobody; what was being drawn is there again at the next start."""
        self.doing.tools.note_draft()
        self._drop()

    def _drop(self) -> None:
        self._quitting = self._ending = True
        self.close()

    def _ask(self, unsaved: Sequence[Unsaved]) -> None:
        if self._closing is not None:
            self._closing.raise_()
            return
        dialog = self._closing = ClosingDialog(unsaved, self)
        dialog.finished.connect(self._answered)
        dialog.dropped.connect(self._drop)
        dialog.kept.connect(lambda: keep_all(unsaved, self.quit))
        self.show()  # it may be in the tray
        dialog.open()

    def _answered(self) -> None:
        self._closing, self._quitting = None, False

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Go into the tray where that is wanted, else end."""
        self.save_memory()
        if self.memory.now.keep_running and self.tray.there and not self._quitting and event is not None:
            event.ignore()
            self.hide()
            self.tray.say(tr("surveil goes on watching; it is in the tray."))
            return
        if not self._ending and event is not None and (unsaved := self.doing.unsaved()):
            event.ignore()
            self._ask(unsaved)
            return
        for timer in (self._pull, self._bar, self._report):
            timer.stop()
        self.filing.stop()
        self.tray.hide()
        super().closeEvent(event)
        self.closed.emit()

"""A further window with tiles of its own; commands for cameras stay in the main one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import QByteArray, QEvent, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QAction,
    QCloseEvent,
    QContextMenuEvent,
    QHideEvent,
    QKeySequence,
    QMoveEvent,
    QResizeEvent,
    QShowEvent,
)
from PyQt6.QtWidgets import QApplication, QMenu, QVBoxLayout, QWidget

from surveil.gui.carousel import Carousel
from surveil.gui.desk import Desk
from surveil.gui.grid import Grid
from surveil.gui.icons import app_icon
from surveil.gui.monitors.plan import Plan, placed
from surveil.gui.text import tr
from surveil.gui.wall import Wall

PULL_MS, SAY_MS = 16, 250


class MonitorWindow(QWidget):
    """Shows a plan; what is done to it with mouse and keys becomes part of the plan.

    Signals:
        changed: the plan is another.
        edited: somebody wants to choose cameras and layout.
        closed: it was closed, and is over.
    """

    changed = pyqtSignal()
    edited = pyqtSignal()
    closed = pyqtSignal()

    def __init__(self, desk: Desk, name: str, plan: Plan) -> None:
        """`name`: no other window's."""
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowIcon(app_icon())
        self.resize(960, 600)
        self._desk, self._plan = desk, plan
        self._wall = Wall(desk.session, lambda _camera_id: desk.style, name)
        self.grid = Grid(desk, self._wall)
        self.grid.changed.connect(self._note_order)
        self._carousel = Carousel(self.grid, self._go_on)
        self._carousel.touched.connect(lambda: self._note(carousel_s=0))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.grid)
        self.menu = self._menu()
        self._pull, self._say = self._every(PULL_MS, self._refresh), self._every(SAY_MS, self._words)
        self.restoreGeometry(QByteArray.fromBase64(plan.geometry.encode()))
        self.come_into_sight()
        self.use(plan)

    # ---- the plan

    @property
    def plan(self) -> Plan:
        """What it shows, and where it stands now."""
        return replace(self._plan, geometry=bytes(self.saveGeometry().toBase64().data()).decode())

    def use(self, plan: Plan) -> None:
        """Show something else, or otherwise; the window stays where it is."""
        self._plan = plan
        self._wall.board.arrange(plan.layout)
        self._wall.use(plan.of(self._desk.board.ids))
        self._carousel.stop()
        if plan.carousel_s:
            self._carousel.start(plan.carousel_s)
        self.setWindowTitle(self._title())
        self.grid.arrange()

    def come_into_sight(self) -> None:
        """Stand on a screen that exists: the one that it was on may have been unplugged."""
        frame = self.frameGeometry()
        primary = QApplication.primaryScreen()
        screens = sorted(QApplication.screens(), key=lambda screen: screen is not primary)
        rooms = [screen.geometry() for screen in screens]
        now = (frame.x(), frame.y(), frame.width(), frame.height())
        wanted = placed(now, [(room.x(), room.y(), room.width(), room.height()) for room in rooms])
        if wanted != now:
            self.showNormal() if self.isVisible() else self.setWindowState(Qt.WindowState.WindowNoState)
            self.resize(wanted[2] - (now[2] - self.width()), wanted[3] - (now[3] - self.height()))
            self.move(wanted[0], wanted[1])

    def _note(self, *, cameras: tuple[str, ...] | None = None, carousel_s: int | None = None) -> None:
        plan = self._plan
        self._plan = replace(
            plan,
            cameras=plan.cameras if cameras is None else cameras,
            carousel_s=plan.carousel_s if carousel_s is None else carousel_s,
        )
        self.changed.emit()

    def _note_order(self) -> None:
        """Tiles changed places: the cameras that are not there now keep theirs, at the end."""
        ids = self._wall.board.ids
        if ids != self._plan.of(self._desk.board.ids):
            gone = tuple(name for name in self._plan.cameras if name not in ids)
            self._note(cameras=(*ids, *gone))

    def _title(self) -> str:
        ids = self._wall.board.ids
        if len(ids) == 1:
            return tr("{camera} – surveil", camera=self._desk.entry(ids[0]).title)
        return tr("{count} cameras – surveil", count=len(ids))

    # ---- what it shows

    def _refresh(self) -> None:
        self._follow()
        self.grid.refresh(words=False)

    def _words(self) -> None:
        self._follow()
        self._wall.again()
        self.grid.refresh()
        self.setWindowTitle(self._title())

    def _follow(self) -> None:
        """Cameras come and go, and change places in the main window."""
        ids = self._plan.of(self._desk.board.ids)
        if ids != self._wall.board.ids:
            self._wall.use(ids)
            self.grid.arrange()

    def _go_on(self) -> None:
        self._on_board(lambda: self._wall.board.advance(self._size()))

    # ---- commands

    def _menu(self) -> QMenu:
        board = self._wall.board
        menu = QMenu(self)
        table: tuple[tuple[str, tuple[str, ...], Callable[[], object]], ...] = (
            (tr("Cameras and layout…"), ("Ctrl+L",), self.edited.emit),
            (tr("Full screen"), ("F11",), self.toggle_screen),
            (tr("Full tile"), ("F",), lambda: self._on_board(lambda: board.toggle_full(board.selected))),
            (tr("Back"), ("Esc",), self._back),
            (tr("Whole picture"), ("0",), self._whole),
            (tr("Next page of tiles"), ("PgDown",), lambda: self._turn(1)),
            (tr("Page of tiles before"), ("PgUp",), lambda: self._turn(-1)),
            (tr("Close this window"), ("Ctrl+W",), self.close),
        )
        for text, keys, call in table:
            action = QAction(text, self)
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.triggered.connect(lambda _checked=False, call=call: call())
            self.addAction(action)
            menu.addAction(action)
        return menu

    def toggle_screen(self) -> None:
        """Fill the screen, or not."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _back(self) -> None:
        if self._wall.board.leave_full():
            self.grid.arrange()
        elif self.isFullScreen():
            self.showNormal()

    def _whole(self) -> None:
        if self._wall.board.selected is not None:
            self._wall.whole(self._wall.board.selected)

    def _turn(self, by: int) -> None:
        self._on_board(lambda: self._wall.board.turn(by, self._size()))

    def _on_board(self, change: Callable[[], None]) -> None:
        change()
        self.grid.arrange()

    def _size(self) -> tuple[int, int]:
        return self.grid.width(), self.grid.height()

    def _every(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(milliseconds)
        timer.timeout.connect(call)
        return timer

    # ---- Qt

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """See Qt."""
        if event is not None:
            self.menu.popup(event.globalPos())

    def showEvent(self, event: QShowEvent | None) -> None:
        """See Qt."""
        super().showEvent(event)
        self._pull.start()
        self._say.start()
        self.grid.arrange()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """See Qt: what is not seen is not drawn."""
        super().hideEvent(event)
        self._pull.stop()
        self._say.stop()
        self._wall.show({})

    def changeEvent(self, event: QEvent | None) -> None:
        """See Qt."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.WindowStateChange:
            self.changed.emit()

    def moveEvent(self, event: QMoveEvent | None) -> None:
        """See Qt."""
        super().moveEvent(event)
        self.changed.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self.changed.emit()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """See Qt: the session and the other windows go on."""
        self._carousel.stop()
        super().closeEvent(event)
        self.closed.emit()

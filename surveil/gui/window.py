"""The main window: the start page or one tile, a toolbar, a status line in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QFileDialog,
    QInputDialog,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QStatusBar,
    QToolBar,
)

from surveil.errors import SurveilError
from surveil.gui.controller import SWITCHES, Controller
from surveil.gui.start_page import StartPage
from surveil.gui.tile import Tile

PULL_MS = 16
STATUS_MS = 250
VIDEO_FILTER = "Videos (*.mp4 *.mkv *.avi *.mov *.webm *.ts *.m4v *.mpg);;All files (*)"


class MainWindow(QMainWindow):
    """Sends commands to a `Controller` and shows what it says; never decodes, infers or waits."""

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self.setWindowTitle("surveil")
        self.setAcceptDrops(True)
        self.resize(1100, 720)
        self.start_page = StartPage()
        self.tile = Tile()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.start_page)
        self._stack.addWidget(self.tile)
        self.setCentralWidget(self._stack)
        self._status = QLabel()
        self._status.setTextFormat(Qt.TextFormat.PlainText)
        line = QStatusBar()
        line.addWidget(self._status, 1)
        self.setStatusBar(line)
        self._build_toolbar()
        self.start_page.chosen.connect(self._choose)
        self.tile.resized.connect(controller.resize)
        self._pull = self._every(PULL_MS, self._refresh)
        self._report = self._every(STATUS_MS, self._refresh_status)

    def _every(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.timeout.connect(call)
        timer.start(milliseconds)
        return timer

    def _build_toolbar(self) -> None:
        bar = QToolBar("Main")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.addToolBar(bar)
        self.actions_by_name: dict[str, QAction] = {}
        for name, text, key in (
            ("file", "Open file…", "Ctrl+O"),
            ("network", "Open camera…", "Ctrl+N"),
            ("demo", "Demo", "Ctrl+D"),
            ("home", "Close source", "Ctrl+W"),
        ):
            action = self._action(name, text, key)
            action.triggered.connect(lambda _checked=False, name=name: self._choose(name))
            bar.addAction(action)
        bar.addSeparator()
        play = self._action("play", "Pause", "Space")
        play.triggered.connect(self._toggle_play)
        bar.addAction(play)
        bar.addSeparator()
        for name, text, key in SWITCHES:
            action = self._action(name, text, key)
            action.setCheckable(True)
            action.setChecked(self._controller.switched(name))
            action.toggled.connect(lambda on, name=name: self._controller.switch(name, on))
            bar.addAction(action)
        self._play = play
        for number in range(1, 10):
            QShortcut(QKeySequence(str(number)), self, partial(self._controller.choose, number - 1))

    def _action(self, name: str, text: str, key: str) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(key))
        action.setToolTip(f"{text.rstrip('…')} ({key})")
        self.actions_by_name[name] = action
        return action

    def _choose(self, name: str) -> None:
        match name:
            case "demo":
                self._begin(self._controller.open_demo)
            case "webcam":
                self.open("0")
            case "file":
                path, _ = QFileDialog.getOpenFileName(self, "Open a video", "", VIDEO_FILTER)
                if path:
                    self.open(path)
            case "network":
                text, accepted = QInputDialog.getText(
                    self, "Open a camera", "Address (rtsp://…, http://…) or number of a USB camera:"
                )
                if accepted and text.strip():
                    self.open(text.strip())
            case "home":
                self._controller.close_source()
                self._stack.setCurrentWidget(self.start_page)

    def open(self, *sources: str) -> None:
        """Show the first of `sources`; what is wrong with their text is said in the tile."""
        self._begin(lambda: self._controller.open_all(sources))

    def _begin(self, open_sources: Callable[[], None]) -> None:
        self._stack.setCurrentWidget(self.tile)
        size = self.tile.device_size()
        self._controller.resize(size.width(), size.height())
        try:
            open_sources()
        except SurveilError as error:
            self._controller.fail(str(error))
        self._refresh()
        self._refresh_status()

    def _toggle_play(self) -> None:
        self._controller.toggle_pause()
        self._refresh_status()

    def _refresh(self) -> None:
        if self._stack.currentWidget() is self.tile:
            self.tile.show_view(self._controller.view())

    def _refresh_status(self) -> None:
        self._play.setText("Play" if self._controller.paused else "Pause")
        self._play.setEnabled(self._controller.can_pause)
        self.actions_by_name["home"].setEnabled(self._stack.currentWidget() is self.tile)
        self._status.setText(self._controller.status())

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """See Qt."""
        if event is not None and (data := event.mimeData()) is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open the first file that was dropped."""
        if event is not None and (data := event.mimeData()) is not None and data.urls():
            self.open(data.urls()[0].toLocalFile() or data.urls()[0].toString())

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Stop pulling; the session is stopped by whoever started it."""
        self._pull.stop()
        self._report.stop()
        super().closeEvent(event)

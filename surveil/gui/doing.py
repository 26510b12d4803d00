"""What the commands of the window do; one line of a table each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QAction, QDesktopServices
from PyQt6.QtWidgets import QFileDialog

from surveil.app.export import Recording, plan_export
from surveil.app.probe import source_of
from surveil.app.shapes import shapes_of
from surveil.config.camera import Camera
from surveil.errors import SurveilError
from surveil.gui.desk import SWITCHES
from surveil.gui.dialogs.camera import CameraDialog, Given, given_of
from surveil.gui.dialogs.closing import Unsaved
from surveil.gui.dialogs.export import ExportDialog, subject_of
from surveil.gui.dialogs.keys import AboutDialog, KeysDialog
from surveil.gui.dialogs.layout import LayoutDialog
from surveil.gui.draft import Draft, with_password
from surveil.gui.exporting import Export, Order
from surveil.gui.memory import THEMES
from surveil.gui.player import JUMP_S, Player
from surveil.gui.screens import Screens
from surveil.gui.snapshot import pictures_folder, save_snapshot
from surveil.gui.text import shortened, tr
from surveil.gui.tools import Tools
from surveil.redact import redact

if TYPE_CHECKING:
    from surveil.gui.window import MainWindow

VIDEOS = "*.mp4 *.mkv *.avi *.mov *.webm *.ts *.m4v *.mpg *.mpeg *.wmv *.flv *.3gp"


class Doing:
    """Runs commands by their names for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._desk = window, window.desk
        self._dialogs: dict[str, CameraDialog] = {}
        self.exports: list[ExportDialog] = []
        self.tools = Tools(window)
        self.screens = Screens(window)
        self._table = self._commands()
        self._with_argument: dict[str, Callable[[str], None]] = {
            "layout": self._layout,
            "theme": self._theme,
            "camera": self._camera_number,
            "carousel": self.screens.every,
        }
        window.filing.changed.connect(self._look_after_dialogs)

    def _commands(self) -> dict[str, Callable[[], None]]:
        window, board = self._window, self._desk.board
        table: dict[str, Callable[[], None]] = {
            "add": self._add_camera,
            "webcam": self._add_webcam,
            "open": self._open,
            "demo": self._demo,
            "snapshot": self._snapshot,
            "export": self._export,
            "close": self._close,
            "keep_running": self._keep_running,
            "quit": window.quit,
            "arrange": window.arrange,
            "full": lambda: self._on_board(lambda: board.toggle_full(board.selected)),
            "back": self._back,
            "whole": self._whole,
            "screen": self._screen,
            "after": lambda: self._on_board(lambda: board.step(1)),
            "before": lambda: self._on_board(lambda: board.step(-1)),
            "page_on": lambda: self._on_board(lambda: board.turn(1, self._size())),
            "page_back": lambda: self._on_board(lambda: board.turn(-1, self._size())),
            "detections": self._all_of_overlay,
            "play": lambda: self._play(Player.toggle),
            "jump_back": lambda: self._play(lambda player: player.jump(-JUMP_S)),
            "jump_on": lambda: self._play(lambda player: player.jump(JUMP_S)),
            "frame_back": lambda: self._play(lambda player: player.step(-1)),
            "frame_on": lambda: self._play(lambda player: player.step(1)),
            "slower": lambda: self._play(lambda player: player.hasten(0.5)),
            "faster": lambda: self._play(lambda player: player.hasten(2.0)),
            "begin": lambda: self._play(lambda player: player.seek(0.0)),
            "keys": lambda: KeysDialog(window).open(),
            "about": lambda: AboutDialog(window).open(),
        }
        switches = {name: partial(self._switch, name) for name in SWITCHES}
        return table | self.tools.commands() | self.screens.commands() | switches

    def run(self, name: str) -> None:
        """Do a command; NAME:ARGUMENT for those that have one."""
        head, _, argument = name.partition(":")
        try:
            if argument:
                self._with_argument[head](argument)
            else:
                self._table[head]()
        except SurveilError as error:  # what it was about may have gone a moment ago
            self._window.toasts.error(redact(str(error)))

    def enable(self, actions: Mapping[str, QAction]) -> None:
        """Let only those commands be chosen that can do something now."""
        chosen = self._desk.board.selected
        player = self._desk.player(chosen)
        entries = {entry.id: entry for entry in self._desk.entries}
        for name in ("play", "jump_back", "jump_on", "frame_back", "frame_on", "slower", "faster", "begin"):
            actions[name].setEnabled(player is not None)
        actions["close"].setEnabled(chosen is not None and not entries[chosen].kept)
        for name in (
            "edit_zones",
            "snapshot",
            "export",
            "full",
            "whole",
            "after",
            "before",
            "page_on",
            "page_back",
        ):
            actions[name].setEnabled(chosen is not None)
        actions["keep_running"].setEnabled(self._window.tray.there)
        self.screens.enable(actions)

    # ---- cameras and recordings

    def edit(self, camera_id: str) -> None:
        """Open the dialog of a camera of the file."""
        camera = self._window.filing.snapshot.camera(camera_id)
        if camera is None:
            return
        if camera_id in self._dialogs:
            self._dialogs[camera_id].raise_()
            return
        taken = tuple(name for name in self._taken() if name != camera_id)
        dialog = self._dialogs[camera_id] = self._add(given_of(camera, taken))
        dialog.finished.connect(lambda _result: self._dialogs.pop(camera_id, None))

    def _add(self, given: Given) -> CameraDialog:
        dialog = CameraDialog(given, self._window.probing, self._window)
        dialog.given.connect(self._given)
        dialog.show()
        return dialog

    def _add_camera(self) -> None:
        self._add(Given(taken=self._taken()))

    def _add_webcam(self) -> None:
        dialog = self._add(Given(draft=Draft(name=tr("Webcam"), url="0"), taken=self._taken()))
        dialog.test.click()

    def _given(self, camera: Camera, password: str, new: bool) -> None:
        filing = self._window.filing
        if filing.workspace is None:
            whole = with_password(camera, password) if password else camera
            self._window.open([source_of(whole, Path.cwd() / "surveil.yaml", os.environ).text])
        elif new:
            filing.add(camera, password)
            self._window.show_panel("cameras")  # where it can be changed again
        else:
            filing.change(camera, password)

    def _look_after_dialogs(self) -> None:
        for camera_id, dialog in list(self._dialogs.items()):
            if self._window.filing.snapshot.camera(camera_id) is None:
                del self._dialogs[camera_id]
                dialog.camera_removed()

    def _taken(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self._desk.entries)

    def _open(self) -> None:
        memory = self._window.memory
        words = f"{tr('Videos')} ({VIDEOS});;{tr('All files')} (*)"
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Open recordings"), memory.now.folder, words)
        if paths:
            memory.note(folder=str(Path(paths[0]).parent))
            self._window.open(paths)

    def _demo(self) -> None:
        self._desk.open_demo()
        self._window.arrange()

    def _close(self) -> None:
        if self._desk.board.selected is not None:
            self._desk.close(self._desk.board.selected)
            self._window.arrange()

    def _snapshot(self) -> None:
        chosen = self._desk.board.selected
        result = None if chosen is None else self._desk.session.latest(chosen)
        if chosen is None or result is None:
            self._window.toasts.error(tr("There is no picture yet."))
            return
        title, style = self._desk.entry(chosen).title, self._desk.style
        camera = self._window.filing.snapshot.camera(chosen)
        shapes = () if camera is None else shapes_of(camera)
        self._window.parts.tasks.queue(
            lambda: save_snapshot(result, title, style, shapes, pictures_folder()),
            self._saved,
            lambda error: self._window.toasts.error(redact(str(error))),
        )

    def _saved(self, path: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

        self._window.toasts.note(tr("Saved {path}", path=path), action=(tr("Show"), show))

    def _export(self) -> None:
        chosen, window, desk = self._desk.board.selected, self._window, self._desk
        if chosen is None:
            return
        camera, title = desk.session.config(chosen), desk.entry(chosen).title
        if camera.source.kind in ("stream", "webcam"):
            words = tr("{name} is live: only recordings can be exported.", name=shortened(title))
            window.toasts.error(words)
            return

        def begin(order: Order) -> Export:
            recording = Recording(
                camera=camera, brain=desk.session.brain, options=window.parts.run_options(), style=desk.style
            )
            return Export(order, partial(plan_export, recording))

        dialog = ExportDialog(subject_of(camera, title), begin, window.parts.tasks, window)
        self.exports.append(dialog)
        dialog.finished.connect(lambda _result: self.exports.remove(dialog))
        dialog.show()

    def unsaved(self) -> list[Unsaved]:
        """What would be lost if the window were closed now."""
        exports = [
            Unsaved(words=tr("The export of {name}, which is still running.", name=dialog.title))
            for dialog in self.exports
            if dialog.running
        ]
        return [*self.tools.unsaved(), *exports]

    # ---- looking

    def _on_board(self, change: Callable[[], None]) -> None:
        change()
        self._window.arrange()

    def _size(self) -> tuple[int, int]:
        return self._window.grid.width(), self._window.grid.height()

    def _camera_number(self, number: str) -> None:
        ids = self._desk.board.ids
        if int(number) <= len(ids):
            self._on_board(lambda: self._desk.board.toggle_full(ids[int(number) - 1]))

    def _back(self) -> None:
        if self._desk.board.leave_full():
            self._window.arrange()
        elif self._window.isFullScreen():
            self._screen()

    def _whole(self) -> None:
        if self._desk.board.selected is not None:
            self._desk.wall.whole(self._desk.board.selected)

    def _screen(self) -> None:
        window, full = self._window, not self._window.isFullScreen()
        for part in (window.menuBar(), window.statusBar(), window.actions_.toolbar):
            if part is not None:
                part.setVisible(not full)
        if full:
            window.showFullScreen()
        else:
            window.showNormal()

    def _layout(self, name: str) -> None:
        if name == "custom":
            dialog = LayoutDialog(self._window)
            dialog.chosen.connect(self._layout)
            dialog.open()
            return
        layouts = self._window.actions_.layouts
        layouts.get(name, layouts["custom"]).setChecked(True)
        for other, action in layouts.items():
            action.setChecked(other == (name if name in layouts else "custom"))
        self._on_board(lambda: self._desk.board.arrange(name))

    def _theme(self, name: str) -> None:
        chosen = next(theme for theme in THEMES if theme == name)
        self._window.memory.note(theme=chosen)
        self._window.dress()

    def _switch(self, name: str) -> None:
        self._desk.switch(name, self._window.actions_.by_name[name].isChecked())

    def _all_of_overlay(self) -> None:
        on = not any(self._desk.switched(name) for name in SWITCHES)
        for name in SWITCHES:
            self._window.actions_.by_name[name].setChecked(on)
            self._desk.switch(name, on)

    def _play(self, command: Callable[[Player], None]) -> None:
        player = self._desk.player(self._desk.board.selected)
        if player is not None:
            command(player)

    def _keep_running(self) -> None:
        on = self._window.actions_.by_name["keep_running"].isChecked()
        self._window.memory.note(keep_running=on)
        self._window.tray.show(on=on)

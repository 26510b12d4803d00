"""One camera's zones being edited: glass on its tile, tools beside it, and the way to the file and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QIcon

from surveil.app.workspace import Snapshot, Workspace
from surveil.config.camera import Camera
from surveil.errors import UsageError
from surveil.gui.desk import Desk
from surveil.gui.filing import Filing
from surveil.gui.grid import Grid
from surveil.gui.text import shortened, tr
from surveil.gui.theme import Colours
from surveil.gui.toasts import Toasts
from surveil.gui.words import sentences
from surveil.gui.zones.dock import ZonesDock
from surveil.gui.zones.drafts import noted, restored
from surveil.gui.zones.editor import Editor
from surveil.gui.zones.keep import keep, kept_of
from surveil.gui.zones.overlay import ZoneOverlay
from surveil.gui.zones.sketch import Drawing, drawing_of
from surveil.redact import redact
from surveil.render.shapes import count_inside

if TYPE_CHECKING:
    from surveil.gui.window import MainWindow

LOOK_MS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What an edit works with."""

    window: MainWindow
    grid: Grid
    desk: Desk
    filing: Filing
    toasts: Toasts


class ZoneEditing(QObject):
    """Lives from the command to Done or Discard, or until its camera is gone.

    Signals:
        ended: it is over, and nothing of it is left on the window.
    """

    ended = pyqtSignal()

    def __init__(self, camera: Camera, around: Surroundings, draft: Any = None) -> None:
        """`draft`: what `noted` gave when this was left last; None: nothing was left."""
        super().__init__(around.window)
        self._around, self.camera_id, self.title = around, camera.id, shortened(camera.title)
        self._load(drawing_of(camera))
        self._news = ""
        drawn = None if draft is None else restored(draft, self._kept)
        if drawn is not None:
            self.editor.propose(drawn)
            self._news = tr("This was drawn last time and not kept: Done keeps it, Discard lets it go.")
        self._waiting = False
        self._over = False
        around.desk.bare = camera.id
        around.desk.refresh()
        self.dock = ZonesDock(self.editor, self._classes(), around.window)
        self.dock.setWindowTitle(tr("Zones of {name}", name=shortened(camera.title, 30)))
        self.dock.changed.connect(self._told)
        self.dock.applied.connect(self._apply)
        self.dock.done.connect(self._done)
        self.dock.left.connect(self.end)
        around.window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.overlay: ZoneOverlay | None = None
        around.filing.changed.connect(self._look_at_file)
        around.window.closed.connect(self.end)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(LOOK_MS)
        self.refresh()

    def _load(self, drawing: Drawing) -> None:
        self.editor = Editor(drawing)
        self._kept = drawing

    def dress(self, icons: Mapping[str, QIcon], colours: Colours) -> None:
        """Use these icons and colours."""
        self.dock.dress(icons, colours)

    @property
    def unsaved(self) -> bool:
        """Whether there is something that the file does not have."""
        return self.editor.drawing != self._kept or bool(self.editor.draft)

    def noted(self) -> dict[str, Any]:
        """The drawing as it stands, for another time."""
        if self.editor.draft:
            self.editor.finish()
        return noted(self._kept, self.editor.drawing)

    @property
    def fault(self) -> str:
        """Why it cannot be kept as it is; empty: it can."""
        if self.editor.draft:
            return tr("A shape is not finished yet: Enter ends it, Esc gives it up.")
        return next(iter(self.editor.faults.values()), "")

    def keep(self, then: Callable[[], None]) -> None:
        """Write it to the file, end, and go on with `then`; where that fails it is said, and this stays."""
        self._keep(ends=True, then=then)

    def _classes(self) -> tuple[str, ...]:
        result = None
        with suppress(UsageError):  # it is not in the session where it cannot be watched
            result = self._around.desk.session.latest(self.camera_id)
        return () if result is None else tuple(result.detections.labels.names)

    # ---- what is shown

    def refresh(self) -> None:
        """Lie on the camera's tile, wherever that is now, and count who stands where."""
        tile = self._around.grid.tiles.get(self.camera_id)
        if self.overlay is not None and self.overlay.tile is not tile:
            self.overlay = None  # it went with its tile
        if tile is not None and self.overlay is None:
            self.overlay = ZoneOverlay(
                self.editor, tile, lambda: self._around.desk.wall.region(self.camera_id)
            )
            self.overlay.changed.connect(self._show_tools)
        elsewhere = "" if tile is not None else tr("The camera is not on screen: choose it to go on drawing.")
        self._show_tools(elsewhere)

    def _told(self) -> None:
        self._news = ""
        if self.overlay is not None:
            self.overlay.refresh()
            if self.editor.tool is not None:
                self.overlay.setFocus()  # Enter and Esc are for what is being drawn
        self._show_tools()

    def _show_tools(self, elsewhere: str = "") -> None:
        news = elsewhere or self._news
        self.dock.refresh(self._inside(), self.unsaved and not self._waiting, news)

    def _inside(self) -> dict[int, int]:
        result = None
        with suppress(UsageError):  # the file may have taken the camera away a moment ago
            result = self._around.desk.session.latest(self.camera_id)
        if result is None:
            return {}
        return {
            sketch.key: count_inside(result.tracks, result.frame.size, sketch.points, sketch.classes)
            for sketch in self.editor.drawing
            if sketch.closed
        }

    # ---- to the file and back

    def _keep(self, *, ends: bool, then: Callable[[], None] = lambda: None) -> None:
        drawing, kept = self.editor.drawing, kept_of(self._kept)
        self._waiting = True

        def work(workspace: Workspace) -> Snapshot:
            return workspace.edit(lambda editor: keep(editor, self.camera_id, kept, drawing))

        def done() -> None:
            self._waiting = False
            self._kept = drawing
            if ends:
                self.end()
            elif not self._over:
                self._look_at_file()  # what was found there beside is shown, too
                self._told()
            then()

        def failed(error: Exception) -> None:
            self._waiting = False
            self._news = sentences(redact(str(error)).partition("\n")[0])
            self._around.toasts.error(
                tr("The zones were not kept. {why}", why=self._news), redact(str(error))
            )
            if not self._over:
                self._show_tools()

        self._around.filing.edit(work, done, failed)

    def _whole(self) -> bool:
        """End what is being drawn; whether all of it can be kept."""
        if self.editor.draft:
            self.editor.finish()
            self._told()
        return not self.fault

    def _apply(self) -> None:
        if self._whole():
            self._keep(ends=False)

    def _done(self) -> None:
        if not self._whole():
            return
        if self.unsaved:
            self._keep(ends=True)
        else:
            self.end()

    def _look_at_file(self) -> None:
        """The file may have been changed by somebody else meanwhile."""
        if self._over or self._waiting:
            return
        camera = self._around.filing.snapshot.camera(self.camera_id)
        if camera is None:
            self._around.toasts.error(
                tr("The camera “{name}” was removed; its zones went with it.", name=shortened(self.camera_id))
            )
            self.end()
            return
        there = drawing_of(camera)
        if _alike(there, self._kept):
            return
        if self.unsaved:
            self._news = tr("The zones were changed in the file meanwhile, too; Apply keeps both.")
        else:
            self._load(there)
            self.dock.use(self.editor)
            if self.overlay is not None:
                self.overlay.use(self.editor)
        self._show_tools()

    def end(self) -> None:
        """Leave the window as it was."""
        if self._over:
            return
        self._over = True
        self._timer.stop()
        desk = self._around.desk
        desk.bare = None
        desk.refresh()
        tile = self._around.grid.tiles.get(self.camera_id)
        if self.overlay is not None and self.overlay.tile is tile:
            self.overlay.hide()
            self.overlay.deleteLater()
            tile.setFocus()  # else a button of the toolbar would get the next Enter
        self.overlay = None
        self._around.window.removeDockWidget(self.dock)
        self.dock.deleteLater()
        self.ended.emit()
        self.deleteLater()


def _alike(one: Drawing, other: Drawing) -> bool:
    """Whether two drawings say the same; their order and keys do not matter."""

    def said(drawing: Drawing) -> set[tuple[object, ...]]:
        return {(one.kind, one.name, one.points, one.colour, one.classes, one.direction) for one in drawing}

    return said(one) == said(other)

"""Between the window and its file: commands go out to the tasks' thread, the file as it is now comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from surveil.app.workspace import Snapshot, Workspace
from surveil.config.camera import Camera
from surveil.config.references import write_keyring
from surveil.errors import ConfigError, OutputError, Problem, UsageError
from surveil.gui.desk import Desk, Entry
from surveil.gui.draft import with_password
from surveil.gui.tasks import Failed, Tasks
from surveil.gui.text import tr
from surveil.gui.toasts import Action, Toasts
from surveil.redact import redact

LOOK_MS = 1_000


class Filing(QObject):
    """The file's cameras for the window; without a workspace there is no file, and nothing is kept.

    Signals:
        changed: the cameras of the file are others, or otherwise.
    """

    changed = pyqtSignal()

    def __init__(
        self, workspace: Workspace | None, desk: Desk, tasks: Tasks, toasts: Toasts, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._workspace, self._desk, self._tasks, self._toasts = workspace, desk, tasks, toasts
        self._broken: tuple[Problem, ...] = ()
        self.snapshot = Snapshot(cameras=())
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    @property
    def workspace(self) -> Workspace | None:
        """The file; None where nothing is kept."""
        return self._workspace

    def start(self) -> None:
        """Show the file's cameras, have them watched, and look after changes from now on."""
        if self._workspace is None:
            return
        self._take(Snapshot(cameras=self._workspace.loaded.config.cameras))
        self._tasks.queue(self._workspace.apply, self._take, self._fail)
        self._timer.start(LOOK_MS)

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    # ---- commands

    def add(self, camera: Camera, password: str = "") -> None:
        """Keep one more camera."""
        self._with(lambda workspace: workspace.add(_kept(camera, password)))

    def change(self, camera: Camera, password: str = "") -> None:
        """Keep a camera otherwise."""
        self._with(lambda workspace: workspace.change(_kept(camera, password)))

    def duplicate(self, camera_id: str) -> None:
        """Keep a copy of a camera."""
        self._with(lambda workspace: workspace.duplicate(camera_id))

    def enable(self, camera_id: str, on: bool) -> None:
        """Switch a camera on or off."""
        self._with(lambda workspace: workspace.enable(camera_id, on))

    def order(self, ids: Sequence[str]) -> None:
        """Keep the cameras in this order."""
        self._with(lambda workspace: workspace.order(tuple(ids)))

    def remove(self, camera_id: str) -> None:
        """Keep a camera no longer; the message that says so can take it back."""
        camera = self.snapshot.camera(camera_id)
        if camera is None:
            return
        order = [one.id for one in self.snapshot.cameras]

        def restore() -> None:
            self.add(camera)
            self.order(order)

        def removed(snapshot: Snapshot) -> None:
            self._take(snapshot)
            self._toasts.note(tr("{name} was removed.", name=camera.title), action=(tr("Undo"), restore))

        if self._workspace is not None:
            workspace = self._workspace
            self._tasks.queue(lambda: workspace.remove(camera_id), removed, self._fail)

    def edit(self, work: Callable[[Workspace], Snapshot], done: Callable[[], None], failed: Failed) -> None:
        """Change the file in some other way; the answers come in the window's thread."""
        workspace = self._workspace
        if workspace is None:
            failed(UsageError(tr("Nothing is kept: surveil was started with sources of its own.")))
            return

        def finished(snapshot: Snapshot) -> None:
            self._take(snapshot)
            done()

        self._tasks.queue(lambda: work(workspace), finished, failed)

    def _with(self, work: Callable[[Workspace], Snapshot]) -> None:
        workspace = self._workspace
        if workspace is None:
            self._toasts.error(tr("Nothing is kept: surveil was started with sources of its own."))
            return
        again = tr("Try again"), lambda: self._with(work)
        # What was typed is in nobody's hands any more: where disk or file were at fault it is kept here.
        self._tasks.queue(lambda: work(workspace), self._take, lambda error: self._fail(error, again))

    # ---- what comes back

    def _look(self) -> None:
        workspace = self._workspace
        if workspace is not None and self._tasks.waiting == 0:
            self._tasks.queue(workspace.look, self._take_news, self._fail)

    def _take_news(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self._take(snapshot)
            if not snapshot.broken and not self._broken:
                self._toasts.note(tr("The configuration was changed and is in force."))

    def _take(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._desk.adopt(_entry(camera, snapshot.failed.get(camera.id)) for camera in snapshot.cameras)
        if snapshot.notes:
            head, *more = snapshot.notes
            words = tr("{first} (and {count} more)", first=head, count=len(more)) if more else head
            self._toasts.note(words, "\n".join(snapshot.notes) if more else "")
        if snapshot.broken and snapshot.broken != self._broken:
            first = snapshot.broken[0]
            self._toasts.error(
                tr("The configuration has mistakes; what was in force before goes on. {first}", first=first),
                "\n".join(map(str, snapshot.broken)),
            )
        self._broken = snapshot.broken
        self.changed.emit()

    def _fail(self, error: Exception, again: Action | None = None) -> None:
        detail = "\n".join(map(str, error.problems)) if isinstance(error, ConfigError) else ""
        words = redact(str(error)).partition("\n")[0] or repr(error)
        self._toasts.error(words, detail, again if isinstance(error, OutputError | ConfigError) else None)
        self.changed.emit()  # what was changed by hand in a list goes back


def _entry(camera: Camera, problem: Problem | None) -> Entry:
    return Entry(
        id=camera.id, title=camera.title, kept=True, problem="" if problem is None else problem.reason
    )


def _kept(camera: Camera, password: str) -> Camera:
    """The camera with its password in the keyring; where the machine has none, in the file (mode 0600).

    Reading the file then warns that a password stands in it.
    """
    if not password:
        return camera
    try:
        return with_password(camera, write_keyring(camera.id, password))
    except UsageError:
        return with_password(camera, password)

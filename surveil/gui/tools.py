"""The commands of the Tools menu: zones, models, settings. One of each is open at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from surveil.app.configured import overlay_style
from surveil.config.camera import Camera
from surveil.errors import UsageError
from surveil.gui.desk import SWITCHES, Entry
from surveil.gui.dialogs.closing import Unsaved
from surveil.gui.panels.base import Look
from surveil.gui.text import shortened, tr
from surveil.redact import redact

if TYPE_CHECKING:
    from surveil.gui.models.dialog import ModelsDialog
    from surveil.gui.settings.dialog import SettingsDialog
    from surveil.gui.window import MainWindow
    from surveil.gui.zones.editing import ZoneEditing


class Tools:
    """Opens them for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._look: Look | None = None
        self.zones: ZoneEditing | None = None
        self.settings: SettingsDialog | None = None
        self.models: ModelsDialog | None = None
        self._speeds: dict[str, str] = {}
        window.filing.changed.connect(self._go_on)
        window.filing.changed.connect(self._draw_as_the_file_says)
        self._drafts = set(window.memory.now.drafts)
        window.filing.changed.connect(self._offer_drafts)
        self._wanted: tuple[str, str] | None = None  # a guest that is being kept: its new id, its old one
        workspace = window.filing.workspace
        self._display = None if workspace is None else workspace.loaded.config.display

    def commands(self) -> dict[str, Callable[[], None]]:
        """What each command does, by its name."""
        return {
            "edit_zones": self._edit_zones,
            "models": self._models,
            "settings": self._settings,
            "yaml": self._yaml,
        }

    def dress(self, look: Look) -> None:
        """Use these icons and colours from now on."""
        self._look = look
        if self.zones is not None:
            self.zones.dress(look.icons, look.colours)
        if self.models is not None:
            self.models.dress(look.colours)

    # ---- zones

    def _edit_zones(self) -> None:
        chosen = self._window.desk.board.selected
        if self.zones is not None and self.zones.camera_id == chosen:
            self.zones.dock.raise_()
            return
        if chosen is None:
            return
        if self.zones is not None:
            self._window.toasts.error(tr("First end the zones of the other camera: Done or Discard."))
            return
        camera = self._window.filing.snapshot.camera(chosen)
        if camera is None:
            self._offer_to_keep(self._window.desk.entry(chosen))
        else:
            self._begin_zones(camera)

    def _begin_zones(self, camera: Camera) -> None:
        from surveil.gui.zones.editing import Surroundings, ZoneEditing

        window = self._window
        if len(window.desk.board.ids) > 1 and window.desk.board.full != camera.id:
            window.desk.board.toggle_full(camera.id)
            window.arrange()
        around = Surroundings(
            window=window,
            grid=window.grid,
            desk=window.desk,
            filing=window.filing,
            toasts=window.toasts,
        )
        drafts = dict(window.memory.now.drafts)
        self.zones = ZoneEditing(camera, around, drafts.pop(camera.id, None))
        window.memory.note(drafts=drafts)
        self.zones.ended.connect(self._zones_ended)
        if self._look is not None:
            self.zones.dress(self._look.icons, self._look.colours)

    def _zones_ended(self) -> None:
        self.zones = None

    def _offer_to_keep(self, guest: Entry) -> None:
        """Zones live in the configuration, and a source that was only opened does not stand there."""
        if self._window.filing.workspace is None:
            self._window.toasts.error(
                tr("Zones are kept in the configuration, and surveil was started without one.")
            )
            return
        self._window.toasts.note(
            tr("{name} was only opened to be looked at. To keep its zones, keep it.", name=guest.title),
            action=(tr("Keep"), lambda: self._keep(guest)),
        )

    def _keep(self, guest: Entry) -> None:
        from surveil.gui.draft import Draft, camera_of

        desk = self._window.desk
        if guest not in desk.entries:
            return
        path = Path(guest.source)  # as it was typed; in the file it would count from the file's folder
        url = str(path.resolve()) if path.is_file() else guest.source
        taken = tuple(entry.id for entry in desk.entries)
        try:
            camera, password = camera_of(Draft(name=shortened(guest.title, 44), url=url), taken)
        except UsageError as error:
            self._window.toasts.error(redact(str(error)))
            return
        self._wanted = camera.id, guest.id
        self._window.filing.add(camera, password)

    def _go_on(self) -> None:
        """What was to be kept first is kept now."""
        wanted, guest = self._wanted or ("", "")
        camera = self._window.filing.snapshot.camera(wanted)
        if camera is not None:
            self._wanted = None
            self._window.desk.close(guest)
            self._window.desk.board.select(camera.id)
            self._window.arrange()
            self._begin_zones(camera)

    def _offer_drafts(self) -> None:
        """Say once what was drawn and could not be kept when the window had to end."""
        window = self._window
        for camera_id in self._drafts & {camera.id for camera in window.filing.snapshot.cameras}:
            self._drafts.remove(camera_id)
            name = shortened(window.desk.entry(camera_id).title)
            action = tr("Go on"), partial(self._go_on_drawing, camera_id)
            window.toasts.note(tr("The zones of {name} were drawn and not kept.", name=name), action=action)

    def _go_on_drawing(self, camera_id: str) -> None:
        self._window.desk.board.select(camera_id)
        self._edit_zones()

    # ---- at the end

    def note_draft(self) -> None:
        """Remember for the next start what is drawn: nobody can be asked now."""
        if self.zones is not None and self.zones.unsaved:
            memory = self._window.memory
            memory.note(drafts={**memory.now.drafts, self.zones.camera_id: self.zones.noted()})

    def unsaved(self) -> Iterator[Unsaved]:
        """What would be lost if the window were closed now."""
        zones, settings = self.zones, self.settings
        if zones is not None and zones.unsaved:
            words = tr("The zones of {name}, as they are drawn now.", name=zones.title)
            yield Unsaved(words=words, fault=zones.fault, keep=zones.keep)
        if settings is not None and settings.form.unsaved:
            words = tr("Settings that were typed and not applied.")
            yield Unsaved(words=words, fault=settings.fault, keep=settings.keep)

    # ---- models

    def _models(self) -> None:
        from surveil.gui.models.dialog import Bench, ModelsDialog

        window = self._window
        if self.models is None:
            bench = Bench(
                desk=window.desk,
                filing=window.filing,
                tasks=window.parts.tasks,
                options=lambda: window.parts.run_options().model,
                speeds=self._speeds,
            )
            self.models = ModelsDialog(bench, window)
            self.models.finished.connect(self._models_closed)
            if self._look is not None:
                self.models.dress(self._look.colours)
        self.models.show()
        self.models.raise_()

    def _models_closed(self) -> None:
        self.models = None

    # ---- settings

    def _settings(self) -> None:
        from surveil.gui.settings.dialog import SettingsDialog

        workspace = self._window.filing.workspace
        if workspace is None:
            self._window.toasts.error(
                tr("Settings are kept in the configuration, and surveil was started without one.")
            )
            return
        if self.settings is None:
            self.settings = SettingsDialog(workspace, self._window.filing, self._window)
            self.settings.finished.connect(self._settings_closed)
        self.settings.show()
        self.settings.raise_()

    def _settings_closed(self) -> None:
        self.settings = None

    def _yaml(self) -> None:
        workspace = self._window.filing.workspace
        if workspace is None or not workspace.path.exists():
            self._window.toasts.error(tr("There is no configuration file yet; adding a camera makes one."))
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(workspace.path))):
            self._window.toasts.error(tr("No program could be opened for {path}", path=workspace.path))

    def _draw_as_the_file_says(self) -> None:
        """The display's settings were changed, here or by hand."""
        workspace = self._window.filing.workspace
        if workspace is None or workspace.loaded.config.display == self._display:
            return
        self._display = workspace.loaded.config.display
        self._window.desk.restyle(overlay_style(workspace.loaded.config))
        for name in SWITCHES:
            self._window.actions_.by_name[name].setChecked(self._window.desk.switched(name))

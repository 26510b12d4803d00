"""The desktop's file: cameras that come back at the next start, changed by the window and by hand alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic_core import PydanticUndefined

from surveil.app.applied import Applied
from surveil.app.service.watch import FileWatch
from surveil.config.camera import Camera
from surveil.config.edit import ConfigEditor
from surveil.config.load import Loaded, load_config
from surveil.config.models import Model, Thresholds
from surveil.detect.assets import find_model
from surveil.errors import ConfigError, ModelError, Problem, UsageError

Change = Callable[[ConfigEditor], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The file at one moment, after it was applied.

    Attributes:
        cameras: of the file, in its order.
        failed: those that cannot be watched, and why.
        notes: what people should know and have not been told yet.
        broken: why the file as it is now cannot be used; what was applied before goes on.
    """

    cameras: tuple[Camera, ...]
    failed: Mapping[str, Problem] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    broken: tuple[Problem, ...] = ()

    def camera(self, camera_id: str) -> Camera | None:
        """The camera of that id."""
        return next((camera for camera in self.cameras if camera.id == camera_id), None)


class Workspace:
    """Reads, watches and changes the file, and lets the session follow it.

    One thread, and not that of a window: files and models are waited for.

    Attributes:
        path: of the file; it need not be there yet.
    """

    def __init__(self, path: Path, loaded: Loaded, applied: Applied, broken: Sequence[Problem] = ()) -> None:
        """`loaded`: what is in force; `broken`: why that is not what the file says."""
        self.path, self._loaded, self._applied = path, loaded, applied
        self._broken = tuple(broken)
        self._watch = FileWatch(path)
        self._told: set[str] = set()

    @property
    def loaded(self) -> Loaded:
        """What is in force."""
        return self._loaded

    def apply(self) -> Snapshot:
        """Make the session what the file says."""
        notes = [*self._loaded.warnings, *self._applied.apply(self._loaded)]
        problem = self._applied.model_problem
        if problem is not None:
            notes.append(problem)
        texts = [str(note) for note in notes]
        fresh = tuple(text for text in texts if text not in self._told)
        self._told = set(texts)
        return Snapshot(
            cameras=self._loaded.config.cameras,
            failed=self._applied.failed,
            notes=fresh,
            broken=self._broken,
        )

    def look(self) -> Snapshot | None:
        """Take over what somebody changed in the file; None where nothing did."""
        if not self._watch.changed() or not self.path.exists():
            return None
        before = self._broken
        try:
            loaded = load_config(self.path)
        except ConfigError as error:
            self._broken = error.problems
            return None if before == error.problems else self.apply()
        self._broken = ()
        if loaded.digest == self._loaded.digest and not before:
            return None
        self._loaded = loaded
        return self.apply()

    def edit(self, change: Change) -> Snapshot:
        """Change the file and the session with it. Raises ConfigError, UsageError, OutputError."""
        editor = ConfigEditor(self.path)
        change(editor)
        notes = editor.save()
        self._loaded, self._broken = load_config(self.path), ()
        snapshot = self.apply()
        return Snapshot(cameras=snapshot.cameras, failed=snapshot.failed, notes=(*notes, *snapshot.notes))

    # ---- changes of cameras

    def add(self, camera: Camera) -> Snapshot:
        """Watch one more camera."""
        return self.edit(lambda editor: editor.add(("cameras",), camera))

    def change(self, camera: Camera) -> Snapshot:
        """Watch the camera of that id otherwise; keys that did not change keep their place and comments."""
        before = self._camera(camera.id)

        def apply(editor: ConfigEditor) -> None:
            for name, about in Camera.model_fields.items():
                old, new = getattr(before, name), getattr(camera, name)
                if new == old:
                    continue
                default: Any = None if about.default is PydanticUndefined else about.default
                if new == default:
                    editor.unset(("cameras", camera.id, name))
                else:
                    editor.set(("cameras", camera.id, name), new)

        return self.edit(apply)

    def duplicate(self, camera_id: str) -> Snapshot:
        """Watch a camera twice: a copy, switched off, stands right behind it."""
        original = self._camera(camera_id)
        cameras = self._loaded.config.cameras
        place = [camera.id for camera in cameras].index(camera_id)
        name = free_id(camera_id, [camera.id for camera in cameras])
        copy = original.model_copy(update={"id": name, "name": f"{original.title} (2)", "enabled": False})

        def apply(editor: ConfigEditor) -> None:
            editor.add(("cameras",), copy)
            editor.move(("cameras", name), place + 1)

        return self.edit(apply)

    def remove(self, camera_id: str) -> Snapshot:
        """Watch a camera no longer."""
        return self.edit(lambda editor: editor.unset(("cameras", camera_id)))

    def enable(self, camera_id: str, on: bool) -> Snapshot:
        """Switch a camera on or off."""
        return self.change(self._camera(camera_id).model_copy(update={"enabled": on}))

    def order(self, ids: Sequence[str]) -> Snapshot:
        """Put the cameras into this order; those that are not named follow."""

        def apply(editor: ConfigEditor) -> None:
            now = [camera.id for camera in self._loaded.config.cameras]
            for place, camera_id in enumerate(name for name in ids if name in now):
                if now[place] != camera_id:
                    now.remove(camera_id)
                    now.insert(place, camera_id)
                    editor.move(("cameras", camera_id), place)

        return self.edit(apply)

    # ---- the model

    def use_model(self, name: str) -> Snapshot:
        """Detect with another model; the card, input size and thresholds of the one before are let go.

        Raises:
            ModelError: it cannot be used; the one before goes on, and stands in the file as before.
            ConfigError, UsageError, OutputError: as `edit`.
        """
        find_model(name)
        before = self._loaded.config.model
        kept = {key: getattr(before, key) for key in OF_ONE_MODEL}
        given = {key: part.default for key, part in Model.model_fields.items() if key in kept}
        snapshot = self.edit(partial(_write_model, values={**given, "name": name}))
        problem = self._applied.model_problem
        if problem is None:
            return snapshot
        self.edit(partial(_write_model, values=kept))
        raise ModelError(problem.reason)

    def use_thresholds(self, thresholds: Thresholds) -> Snapshot:
        """Detect with other thresholds; those that are None are the card's. Raises as `edit`."""
        return self.edit(partial(_write_model, values={"thresholds": thresholds}))

    def _camera(self, camera_id: str) -> Camera:
        camera = self._loaded.config.camera(camera_id)
        if camera is None:
            raise UsageError(f"camera {camera_id!r} is not in {self.path} any more")
        return camera


OF_ONE_MODEL = ("name", "card", "input_size_px", "thresholds")
"""Settings that make no sense with another model."""


def _write_model(editor: ConfigEditor, values: Mapping[str, Any]) -> None:
    now = editor.check().config.model
    for key, value in values.items():
        if value == getattr(now, key):
            continue
        if value == Model.model_fields[key].default:
            editor.unset(("model", key))
        else:
            editor.set(("model", key), value)


def free_id(wanted: str, taken: Sequence[str]) -> str:
    """`wanted`, or with a number behind it where others have it; no longer than ids may be.

    >>> free_id("door", ["Door", "door-2"])
    'door-3'
    """
    used = {name.casefold() for name in taken}
    names = (wanted if n == 1 else f"{wanted[:44]}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name.casefold() not in used)

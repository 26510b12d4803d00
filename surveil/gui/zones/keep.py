"""From a drawing to the file: only what was changed is written, so that comments stay. No Qt here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surveil.config.camera import Camera
from surveil.config.edit import ConfigEditor
from surveil.config.reader import Key
from surveil.config.shapes import Area, Line, Shape, Zone
from surveil.errors import UsageError
from surveil.gui.text import tr
from surveil.gui.zones.sketch import KINDS, Drawing, Kind, Sketch, shape_of, sketch_of

Kept = Mapping[int, Sketch]
"""What the file holds, by the keys of the drawing."""


def kept_of(drawing: Drawing) -> Kept:
    """A drawing that the file holds."""
    return {sketch.key: sketch for sketch in drawing}


def keep(editor: ConfigEditor, camera_id: str, kept: Kept, drawing: Drawing) -> None:
    """Write what differs between `kept` and `drawing`.

    What somebody else added to the file meanwhile stays there; what is not found there any more is added
    again where it was changed here, and let go where it was not.

    Args:
        editor: of the file, without changes yet.
        camera_id: whose drawing it is.
        kept: what the file had when the drawing began.
        drawing: without faults.

    Raises:
        UsageError: the camera is not in the file any more.
        ConfigError: the file was left broken meanwhile.
    """
    camera = editor.check().config.camera(camera_id)
    if camera is None:
        raise UsageError(tr("The camera “{name}” is not in the configuration any more.", name=camera_id))
    for kind in KINDS:
        places = _Places(camera, kind)
        there = {sketch.key for sketch in drawing}
        gone = [places.of(one) for one in kept.values() if one.kind == kind and one.key not in there]
        new: list[Sketch] = []
        for sketch in (one for one in drawing if one.kind == kind):
            before = kept.get(sketch.key)
            if before == sketch:
                continue
            place = None if before is None else places.of(before)
            if before is None or place is None:
                new.append(sketch)
            else:
                _change(editor, (*places.key, place), places.shapes[place], (before, sketch))
        for place in sorted((place for place in gone if place is not None), reverse=True):
            editor.unset((*places.key, place))
        for sketch in new:
            editor.add(places.key, shape_of(sketch))


class _Places:
    """Where the entries of one kind stand in the file."""

    def __init__(self, camera: Camera, kind: Kind) -> None:
        below: dict[Kind, tuple[Key, tuple[Shape, ...]]] = {
            "zone": (("zones",), camera.zones),
            "line": (("lines",), camera.lines),
            "privacy": (("masks", "privacy"), camera.masks.privacy),
            "detection": (("masks", "detection"), camera.masks.detection),
        }
        path, self.shapes = below[kind]
        self.key: Key = ("cameras", camera.id, *path)
        self._sketches = [sketch_of(-1, kind, shape) for shape in self.shapes]

    def of(self, sketch: Sketch) -> int | None:
        """The place of the entry that the sketch was made of; None: it is gone."""
        for place, one in enumerate(self._sketches):
            if (one.name, one.points) == (sketch.name, sketch.points):
                return place
        named = [place for place, one in enumerate(self._sketches) if one.name and one.name == sketch.name]
        return named[0] if named else None


def _change(editor: ConfigEditor, key: Key, there: Shape, change: tuple[Sketch, Sketch]) -> None:
    before, after = change
    shape = shape_of(after)
    if not isinstance(shape, Zone | Line):
        editor.set(key, shape)  # a mask may stand there as a bare list of points
        return
    if before.points != after.points:
        if there.size_px is not None:
            editor.unset((*key, "size_px"))
        editor.set((*key, "points"), shape.points)
    for name in _changed_words(before, after, shape):
        value = getattr(shape, name)
        if value == type(shape).model_fields[name].default:
            editor.unset((*key, name))
        else:
            editor.set((*key, name), value)


def _changed_words(before: Sketch, after: Sketch, shape: Area | Zone | Line) -> Iterator[str]:
    for name in ("name", "colour", "classes", "direction"):
        if name in type(shape).model_fields and getattr(before, name) != getattr(after, name):
            yield name

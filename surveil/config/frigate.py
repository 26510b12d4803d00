"""Cameras out of a configuration of Frigate: what can be taken over, and a line for all that cannot.

Written from the documentation of Frigate's configuration (https://docs.frigate.video/configuration/reference).
Its object masks are our detection masks: they drop objects by the middle of the box's lower edge, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from surveil.capture.spec import safe_name
from surveil.config.camera import Camera
from surveil.config.reader import Document, Key, in_words, read_yaml
from surveil.config.tree import commented, write_tree
from surveil.errors import ConfigError, Problem
from surveil.redact import redact

ROLES = {"detect": "detect", "record": "record"}
_VARIABLE = re.compile(r"\{(FRIGATE_[A-Za-z0-9_]+)\}")
_RESTREAM = re.compile(r"rtsp://(?:127\.0\.0\.1|localhost):8554/(?P<name>[^/?#]+)")
_TAKEN_GLOBALLY = {"version", "cameras", "objects", "detect", "go2rtc"}


@dataclass(kw_only=True, slots=True)
class Imported:
    """What came of it.

    Attributes:
        text: a configuration of ours.
        cameras: how many it has.
        left_out: what was not taken over, each with its line and why.
    """

    text: str = field(repr=False)
    cameras: int
    left_out: tuple[Problem, ...]


def import_frigate(path: Path, labels: frozenset[str]) -> Imported:
    """Take the cameras over.

    Args:
        path: Frigate's `config.yml`.
        labels: the classes that our models know.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or holds no cameras.
    """
    try:
        document = read_yaml(path.read_bytes(), str(path))
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(file=str(path), reason=f"cannot be read: {error}")]) from error
    if document.problems:
        raise ConfigError(document.problems)
    cameras = document.data.get("cameras") if isinstance(document.data, dict) else None
    if not isinstance(cameras, dict) or not cameras:
        raise ConfigError([document.problem((), "this is no configuration of Frigate: it has no cameras")])
    importer = _Importer(document, labels)
    made = [one for name, data in cameras.items() if (one := importer.camera(name, data)) is not None]
    importer.rest((), document.data, _TAKEN_GLOBALLY)
    tree = commented({"version": 1, "cameras": made})
    notes = sorted(set(importer.notes), key=lambda note: (note.line, note.column))
    return Imported(text=write_tree(tree, ""), cameras=len(made), left_out=tuple(notes))


class _Importer:
    def __init__(self, document: Document, labels: frozenset[str]) -> None:
        self._document, self._labels = document, labels
        self.notes: list[Problem] = []
        root = document.data
        self._objects = _mapping(root.get("objects"))
        self._detect = _mapping(root.get("detect"))
        self._streams = _mapping(_mapping(root.get("go2rtc")).get("streams"))
        self.rest(("objects",), self._objects, {"track"})
        self.rest(("detect",), self._detect, {"width", "height", "fps", "enabled"})
        self.rest(("go2rtc",), _mapping(root.get("go2rtc")), {"streams"})

    def note(self, key: Key, reason: str) -> None:
        self.notes.append(self._document.problem(key, redact(reason)))

    def rest(self, key: Key, data: Mapping[str, Any], taken: set[str]) -> None:
        """Say what nobody asked for."""
        for name in data:
            if name not in taken:
                self.note((*key, name), "not taken over")

    def camera(self, name: str, data: Any) -> dict[str, Any] | None:
        """One camera as a mapping of ours; None, with a note, where it cannot be one."""
        key: Key = ("cameras", name)
        if not isinstance(data, dict):
            self.note(key, "not taken over: it has no settings")
            return None
        self.rest(key, data, {"enabled", "friendly_name", "ffmpeg", "detect", "objects", "motion", "zones"})
        made: dict[str, Any] = {"id": safe_name(name)}
        if made["id"] != name:
            made["name"] = name
        if isinstance(data.get("friendly_name"), str):
            made["name"] = data["friendly_name"]
        if data.get("enabled") is False:
            made["enabled"] = False
        ffmpeg = _mapping(data.get("ffmpeg"))
        made["inputs"] = self._inputs((*key, "ffmpeg"), ffmpeg)
        if "preset-rtsp-udp" in str(ffmpeg.get("input_args")):
            made["rtsp_transport"] = "udp"
        detect, size = self._detection((*key, "detect"), _mapping(data.get("detect")))
        classes = self._classes(key, _mapping(data.get("objects")))
        made |= {"detect": found} if (found := {**detect, **classes}) else {}
        made |= self._masks(key, data, size)
        if zones := list(self._zones((*key, "zones"), _mapping(data.get("zones")), size)):
            made["zones"] = zones
        return self._sound(key, made)

    def _sound(self, key: Key, made: dict[str, Any]) -> dict[str, Any] | None:
        """What our own reading would refuse is left out, and said."""
        while True:
            try:
                Camera.model_validate(_frozen(made))
            except ValidationError as error:
                fault = error.errors(include_url=False)[0]
                where = fault["loc"]
                reason = str(fault.get("ctx", {}).get("error", fault["msg"]))
                if where[:1] in (("zones",), ("masks",)) and len(where) > 1:
                    self.note((*key, *map(str, where[:2])), f"not taken over: {reason}")
                    _cut(made, where)
                    continue
                self.note(key, f"not taken over: {in_words(where)}: {reason}")
                return None
            return made

    def _inputs(self, key: Key, ffmpeg: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.rest(key, ffmpeg, {"inputs", "input_args"})
        inputs = ffmpeg.get("inputs")
        made: list[dict[str, Any]] = []
        for number, one in enumerate(inputs if isinstance(inputs, tuple) else ()):
            place: Key = (*key, "inputs", number)
            path = one.get("path") if isinstance(one, dict) else None
            if not isinstance(path, str):
                self.note(place, "not taken over: it has no path")
                continue
            self.rest(place, one, {"path", "roles"})
            asked = one.get("roles") if isinstance(one.get("roles"), tuple) else ()
            roles = [ROLES[role] for role in asked if role in ROLES]
            if other := [str(role) for role in asked if role not in ROLES]:
                self.note((*place, "roles"), f"not taken over: the role {', '.join(other)}")
            if roles:
                made.append({"url": self._address((*place, "path"), path), "roles": roles})
        if len(made) == 1:
            made[0].pop("roles")  # it serves all
        elif recorder := next((one for one in made if "record" in one["roles"]), None):
            recorder["roles"].append("live")
        return made

    def _address(self, key: Key, path: str) -> str:
        restream = _RESTREAM.fullmatch(path)
        streams = self._streams.get(restream["name"]) if restream else None
        first = streams[0] if isinstance(streams, tuple) and streams else streams
        if restream and isinstance(first, str) and re.match(r"(rtsps?|https?)://", first):
            address, _, options = first.partition("#")
            if options:
                self.note(key, "go2rtc's options after # are not taken over")
            path = address
        elif restream:
            self.note(key, "is served by Frigate's go2rtc: write the camera's own address")
        return _VARIABLE.sub(r"${\1}", path)

    def _detection(
        self, key: Key, detect: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[int, int] | None]:
        self.rest(key, detect, {"width", "height", "fps", "enabled"})
        whole = {**self._detect, **detect}
        if whole.get("enabled") is False:
            self.note(key, "not taken over: a camera can be switched off, not its detection alone")
        rate = whole.get("fps")
        width, height = whole.get("width"), whole.get("height")
        size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
        usable = isinstance(rate, int | float) and not isinstance(rate, bool)
        return ({"max_rate_hz": rate} if usable else {}), size

    def _classes(self, key: Key, objects: Mapping[str, Any]) -> dict[str, Any]:
        self.rest((*key, "objects"), objects, {"track", "mask"})
        own = "track" in objects
        asked = objects.get("track") if own else self._objects.get("track")
        where: Key = (*key, "objects", "track") if own else ("objects", "track")
        names = [str(name) for name in asked] if isinstance(asked, tuple) else ["person"]  # Frigate's default
        for name in names:
            if name not in self._labels:
                self.note(where, f"not taken over: no model here knows the class {name!r}")
        return {"classes": [name for name in names if name in self._labels]}

    def _masks(self, key: Key, data: Mapping[str, Any], size: tuple[int, int] | None) -> dict[str, Any]:
        motion = _mapping(data.get("motion"))
        self.rest((*key, "motion"), motion, set())
        where: Key = (*key, "objects", "mask")
        texts = _mapping(data.get("objects")).get("mask")
        if texts is None or texts == "":
            return {}
        areas = [
            area
            for text in (texts if isinstance(texts, tuple) else (texts,))
            if (area := self._area(where, text, size)) is not None
        ]
        return {"masks": {"detection": areas}} if areas else {}

    def _zones(
        self, key: Key, zones: Mapping[str, Any], size: tuple[int, int] | None
    ) -> Iterator[dict[str, Any]]:
        for name, data in zones.items():
            zone = _mapping(data)
            self.rest((*key, name), zone, {"coordinates", "objects"})
            area = self._area((*key, name, "coordinates"), zone.get("coordinates"), size)
            if area is not None:
                objects = zone.get("objects")
                names = objects if isinstance(objects, tuple) else (objects,) if objects else ()
                classes = [str(one) for one in names]
                yield {"name": name, **area, **({"classes": classes} if classes else {})}

    def _area(self, key: Key, text: Any, size: tuple[int, int] | None) -> dict[str, Any] | None:
        """`x,y,x,y,…`, in 0-1 or in pixels of the picture that Frigate detects on."""
        try:
            numbers = [float(part) for part in str(text).split(",")]
        except ValueError:
            self.note(key, "not taken over: expected numbers with commas")
            return None
        if len(numbers) % 2:
            self.note(key, "not taken over: an odd count of numbers")
            return None
        points = [[x, y] for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        if max(numbers) <= 1:
            return {"points": points}
        if size is None:
            self.note(key, "not taken over: pixels of a picture whose detect.width and height are not given")
            return None
        inner = [[min(x, float(size[0])), min(y, float(size[1]))] for x, y in points]
        return {"size_px": list(size), "points": inner}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _frozen(value: Any) -> Any:
    """Lists as tuples, as our reader gives them."""
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _cut(made: dict[str, Any], where: tuple[Any, ...]) -> None:
    """Remove the entry of a list of shapes that a way leads into."""
    node: Any = made
    for part in where:
        if isinstance(node, list):
            del node[part]
            return
        node = node[part]

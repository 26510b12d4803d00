"""What the desktop remembers between runs: a small JSON file, written whole or not at all. No Qt here."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from surveil.files import write_atomic
from surveil.gui.board import CAROUSEL_S
from surveil.gui.layouts import is_layout

log = logging.getLogger(__name__)

Theme = Literal["system", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """How the user left the desktop.

    Attributes:
        layout: of the tiles.
        theme: of the window.
        switches: parts of the overlay that were turned on or off.
        carousel: whether the wall goes on by itself; `carousel_s`: how long it stays.
        monitors: the further windows, see `gui.monitors.plan`.
        keep_running: whether closing the window leaves the session running in the tray.
        folder: where the last file was opened.
        drafts: drawings that could not be kept at the end, by camera, see `gui.zones.drafts`.
        geometry: Qt's own description of the window's place, base64; `state`: of its panels.
    """

    layout: str = "auto"
    theme: Theme = "dark"
    switches: Mapping[str, bool] = field(default_factory=dict)
    carousel: bool = False
    carousel_s: int = 10
    monitors: Sequence[Mapping[str, Any]] = ()
    keep_running: bool = False
    folder: str = ""
    drafts: Mapping[str, Any] = field(default_factory=dict)
    geometry: str = ""
    state: str = ""


class Memory:
    """The file and what it holds; a file that makes no sense is as good as none.

    Attributes:
        now: what is remembered; replaced by `note`.
    """

    def __init__(self, path: Path | None) -> None:
        """`path`: None remembers nothing."""
        self._path = path
        self.now = Remembered() if path is None else _read(path)

    def note(self, **changes: Any) -> None:
        """Remember something else from now on, in memory."""
        self.now = replace(self.now, **changes)

    def save(self) -> None:
        """Write it. Raises OSError."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._path, json.dumps(asdict(self.now), indent=2).encode())


def _read(path: Path) -> Remembered:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read (%s): the desktop starts as if it were new", path, error)
        return Remembered()
    kept = {
        one.name: data[one.name] for one in fields(Remembered) if isinstance(data, dict) and one.name in data
    }
    usable: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value  # JSON has no tuples
        for name, value in kept.items()
        if _fits(name, value)
    }
    return Remembered(**usable)


def _fits(name: str, value: Any) -> bool:
    match name:
        case "layout":
            return isinstance(value, str) and is_layout(value)
        case "theme":
            return value in THEMES
        case "switches":
            return isinstance(value, dict) and all(isinstance(on, bool) for on in value.values())
        case "drafts":
            return isinstance(value, dict)
        case "keep_running" | "carousel":
            return isinstance(value, bool)
        case "carousel_s":
            return isinstance(value, int) and value in CAROUSEL_S
        case "monitors":
            return isinstance(value, list)
        case _:
            return isinstance(value, str)

"""All settings as rows: what was typed, what is wrong with it, and the way to the file. No Qt here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from surveil.config.describe import REQUIRED, Setting, settings
from surveil.config.edit import ConfigEditor
from surveil.config.load import check_values
from surveil.config.models import Config
from surveil.config.reader import Key, in_words
from surveil.errors import Problem, UsageError
from surveil.gui.settings.fields import Raw, raw_of, title_of, value_of
from surveil.gui.text import tr

PageName = Literal["cameras", "detection", "tracking", "display"]
SECTIONS: Mapping[PageName, tuple[str, ...]] = {
    "cameras": ("cameras",),
    "detection": ("model", "load"),
    "tracking": ("tracking",),
    "display": ("display",),
}
ELSEWHERE = ("id", "inputs", "zones", "lines", "masks")
"""Of a camera: what the camera's dialog and the editor of zones are for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One setting of the file, e.g. of one camera.

    Attributes:
        key: its way in the file; cameras are named by their ids.
        page: where it is shown.
        group: the help of the section that it stands in; empty at the top of a page.
    """

    key: Key
    setting: Setting
    page: PageName
    group: str = ""

    @property
    def title(self) -> str:
        """Its words."""
        return title_of(self.setting)


def page_title(page: PageName) -> str:
    """The words of a page."""
    return {
        "cameras": tr("Cameras"),
        "detection": tr("Detection"),
        "tracking": tr("Tracking"),
        "display": tr("Display"),
    }[page]


def _templates() -> Iterator[Row]:
    """The rows of every page, those of cameras for any camera."""
    groups: dict[Key, str] = {}
    for setting in settings():
        page = next((page for page, names in SECTIONS.items() if setting.key[0] in names), None)
        if page is None or (page == "cameras" and {*setting.key} & {*ELSEWHERE}):
            continue
        if setting.kind in ("section", "sections"):
            deep = len(setting.key) > 1 or setting.key[0] not in ("cameras", "model", "tracking", "display")
            groups[setting.key] = setting.help if deep else ""
            continue
        yield Row(key=setting.key, setting=setting, page=page, group=groups.get(setting.key[:-1], ""))


class Form:
    """The settings of one file while they are being changed.

    Attributes:
        config: what the file says.
    """

    def __init__(self, config: Config) -> None:
        self._rows = tuple(_templates())
        self.config = config
        self._typed: dict[Key, Raw] = {}
        self._refused: dict[Key, str] = {}

    # ---- what is shown

    def rows(self, page: PageName, camera_id: str = "") -> tuple[Row, ...]:
        """Of a page; those of cameras for one camera."""
        return tuple(_of_camera(row, camera_id) for row in self._rows if row.page == page)

    def found(self, text: str, camera_id: str = "") -> tuple[Row, ...]:
        """All rows with these words in their title, key or help; those of cameras for one camera."""
        words = text.casefold().split()
        rows = [_of_camera(row, camera_id) for row in self._rows if camera_id or row.page != "cameras"]
        return tuple(row for row in rows if all(word in _haystack(row) for word in words))

    def raw(self, row: Row) -> Raw:
        """What stands in the field."""
        return self._typed.get(row.key, raw_of(row.setting, self._value(row.key)))

    def is_default(self, row: Row) -> bool:
        """Whether a reset would change nothing."""
        if row.key in self._typed:
            return self._typed[row.key] == raw_of(row.setting, _default(row.setting))
        return bool(self._value(row.key) == _default(row.setting))

    def has_secret(self, row: Row) -> bool:
        """Whether the file has a value that is not shown."""
        return row.setting.secret and self._value(row.key) is not None

    @property
    def unsaved(self) -> bool:
        """Whether there is something to keep."""
        return bool(self._typed)

    # ---- what is typed

    def enter(self, row: Row, raw: Raw) -> None:
        """Something stands in a field now."""
        self._refused.pop(row.key, None)
        if raw == raw_of(row.setting, self._value(row.key)):
            self._typed.pop(row.key, None)
        else:
            self._typed[row.key] = raw

    def reset(self, row: Row) -> None:
        """Let the default hold again."""
        self.enter(row, raw_of(row.setting, _default(row.setting)))

    def forget(self) -> None:
        """As the file has it."""
        self._typed.clear()
        self._refused.clear()

    def rebase(self, config: Config) -> None:
        """The file is another now; what was typed stays, but for cameras that are gone."""
        self.config = config
        there = {camera.id for camera in config.cameras}
        for key in [key for key in self._typed if key[0] == "cameras" and key[1] not in there]:
            del self._typed[key]
        for row in self._typed_rows():
            self.enter(row, self._typed[row.key])

    # ---- what is wrong

    def faults(self) -> dict[Key, str]:
        """By key what is wrong with what was typed; problems of a section stand at a row of it."""
        found = dict(self._refused)
        values: dict[Key, Any] = {}
        for row in self._typed_rows():
            try:
                values[row.key] = self._meant(row)
            except UsageError as error:
                found[row.key] = str(error)
        data = self.config.model_dump()
        for key, value in values.items():
            _place(data, self._by_number(key), value)
        for where, words in check_values(data).items():
            found.setdefault(self._row_key(where), words)
        return found

    def refuse(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Show at their rows what was found wrong when the file was written; what belongs to none."""
        rest = []
        by_words = {in_words(self._by_number(row.key)): row.key for row in self._typed_rows()}
        for problem in problems:
            if problem.key in by_words:
                self._refused[by_words[problem.key]] = problem.reason
            else:
                rest.append(problem)
        return tuple(rest)

    # ---- to the file

    def write(self, editor: ConfigEditor) -> None:
        """Change in the file what was typed, and nothing else. Raises UsageError."""
        for row in self._typed_rows():
            value = self._meant(row)
            if value == _default(row.setting) and not row.setting.secret:
                if self._value(row.key) != value:
                    editor.unset(row.key)
            elif row.setting.secret and value is None:
                continue  # an empty field of a secret leaves it as it is
            else:
                editor.set(row.key, value)

    def _typed_rows(self) -> list[Row]:
        rows = [row for page in SECTIONS if page != "cameras" for row in self.rows(page)]
        for camera in self.config.cameras:
            rows += self.rows("cameras", camera.id)
        return [row for row in rows if row.key in self._typed]

    def _meant(self, row: Row) -> Any:
        value = value_of(row.setting, self._typed[row.key])
        return self._value(row.key) if row.setting.secret and value is None else value

    def _value(self, key: Key) -> Any:
        node: Any = self.config
        for part in key:
            if isinstance(node, tuple):
                node = next((camera for camera in node if camera.id == part), None)
            elif node is not None:
                node = getattr(node, str(part))
        return node

    def _by_number(self, key: Key) -> Key:
        """With the camera's place instead of its id."""
        if key[0] != "cameras":
            return key
        ids = [camera.id for camera in self.config.cameras]
        return ("cameras", ids.index(str(key[1])), *key[2:])

    def _row_key(self, where: Key) -> Key:
        """The row that a mistake at `where` is shown at: that very one, or one of the same section."""
        rows = self._typed_rows()
        by_number = {self._by_number(row.key): row.key for row in rows}
        for length in range(len(where), 0, -1):
            for numbered, key in by_number.items():
                if numbered[:length] == where[:length]:
                    return key
        return where


def _of_camera(row: Row, camera_id: str) -> Row:
    if row.page != "cameras":
        return row
    return Row(key=("cameras", camera_id, *row.key[2:]), setting=row.setting, page=row.page, group=row.group)


def _default(setting: Setting) -> Any:
    return None if setting.default is REQUIRED else setting.default


def _haystack(row: Row) -> str:
    return f"{row.title} {row.setting.path} {row.setting.help} {page_title(row.page)}".casefold()


def _place(data: Any, key: Key, value: Any) -> None:
    for part in key[:-1]:
        data = data[part]
    data[key[-1]] = value

"""A file that is changed by program and by hand: comments stay, and nobody's changes are lost.

    editor = ConfigEditor(path)
    editor.set(("cameras", "door", "name"), "Front door")
    editor.add(("cameras",), Camera(id="yard", inputs=(Input(url="rtsp://10.0.0.8/1"),)))
    for note in editor.save():
        ...

Entries of a list are named by their `id` or `name`, or by their place. `save` checks the whole file before it
touches anything, keeps the one before as FILE.bak, and takes over what somebody else changed meanwhile, or
refuses where both changed the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from surveil.config.camera import expand_camera
from surveil.config.load import Loaded, parse_config
from surveil.config.models import VERSION
from surveil.config.reader import Key, in_words, read_yaml
from surveil.config.tree import (
    commented,
    drop,
    hang_after,
    insert,
    plain,
    put,
    read_tree,
    take_last,
    write_tree,
)
from surveil.errors import ConfigError, OutputError, Problem, UsageError
from surveil.files import write_atomic

NEW = "version: 1\n"


@dataclass(frozen=True, slots=True)
class _Edit:
    """One change, and what it takes for granted: what stands at `touched`."""

    apply: Callable[[CommentedMap], None]
    touched: Key


class ConfigEditor:
    """Changes to one file; nothing is written before `save`. Not for several threads."""

    def __init__(self, path: Path) -> None:
        """Read it; one that does not exist is made by `save`. Raises ConfigError: mend it by hand first."""
        self._path = path
        self._begin(self._read())

    def _begin(self, content: bytes | None) -> None:
        self._before = content
        self._text = _text(content, self._path)
        self._tree = read_tree(self._text)
        self._edits: list[_Edit] = []

    # ---- changes

    def set(self, key: Key, value: Any) -> None:
        """Give a key a value (plain, or a section); mappings on the way are made. Raises UsageError."""

        def apply(tree: CommentedMap) -> None:
            _put_at(tree, key, value)

        self._do(apply, key)

    def unset(self, key: Key) -> None:
        """Take a key or an entry of a list away, so that the default holds. Raises UsageError."""

        def apply(tree: CommentedMap) -> None:
            _remove(tree, key)

        self._do(apply, key)

    def add(self, key: Key, value: Any) -> None:
        """Add an entry to the list at `key`, which is made where there is none. Raises UsageError."""

        def apply(tree: CommentedMap) -> None:
            node, rest = _reach_far(tree, key)
            if rest or not node:  # an empty list is written anew, in lines
                _put_at(tree, key, [commented(value)])
            elif isinstance(node, CommentedSeq):
                insert(node, len(node), commented(value))
            else:
                raise UsageError(f"{in_words(key)} is no list")

        self._do(apply, ())

    def move(self, key: Key, place: int) -> None:
        """Put an entry of a list at another place (0 is the first). Raises UsageError."""

        def apply(tree: CommentedMap) -> None:
            node, name = _reach(tree, key)
            if not isinstance(node, CommentedSeq):
                raise UsageError(f"{in_words(key)} is no entry of a list")
            rest = take_last(node)
            entry = node[name]
            drop(node, name)
            insert(node, max(0, min(place, len(node))), entry)
            hang_after(node, len(node) - 1, rest)

        self._do(apply, key[:-1])

    def _do(self, apply: Callable[[CommentedMap], None], touched: Key) -> None:
        edit = _Edit(apply, touched)
        apply(self._tree)
        self._edits.append(edit)

    # ---- the end

    @property
    def text(self) -> str:
        """The file as it would be written."""
        return write_tree(self._tree, self._text)

    def check(self) -> Loaded:
        """The file as it would be written, read. Raises ConfigError."""
        return parse_config(self.text.encode(), self._path)

    def save(self) -> tuple[str, ...]:
        """Write the file; what people should know of it, e.g. that it had been changed meanwhile.

        Raises:
            ConfigError: the changes would make it unusable; or somebody else changed the same meanwhile, or
                left it broken. Nothing is written then.
            OutputError: it cannot be written.
        """
        notes = []
        now = self._read()
        if now != self._before:
            self._rebase(now)
            notes.append(f"{self._path} was changed meanwhile; those changes are kept")
        if not self._edits and now is not None:
            return tuple(notes)
        content = self.text.encode()
        parse_config(content, self._path)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if now is not None:
                write_atomic(backup_of(self._path), now)
            write_atomic(self._path, content)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._begin(content)
        return tuple(notes)

    def _rebase(self, now: bytes | None) -> None:
        """Apply the changes to the file as it is now."""
        edits, before = self._edits, _spelt_out(plain(read_tree(self._text)))
        text = _text(now, self._path)
        after = _spelt_out(plain(read_tree(text)))
        clashes = sorted({in_words(edit.touched) for edit in edits if _differs(before, after, edit.touched)})
        if clashes:
            raise ConfigError(
                [
                    Problem(
                        file=str(self._path),
                        key=key,
                        reason="was changed in the file meanwhile; nothing was written: read it again",
                    )
                    for key in clashes
                ]
            )
        self._begin(now)
        for edit in edits:
            self._do(edit.apply, edit.touched)

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigError([Problem(file=str(self._path), reason=f"cannot be read: {error}")]) from error


def backup_of(path: Path) -> Path:
    """Where the file before the last change is kept."""
    return path.with_name(f"{path.name}.bak")


def digest(path: Path) -> str | None:
    """Of a file's bytes; None where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _text(content: bytes | None, path: Path) -> str:
    """A file's text, once it is known to be sound YAML."""
    if content is None:
        return NEW
    document = read_yaml(content, str(path))
    problems = list(document.problems)
    if not problems and not isinstance(document.data, dict):
        problems.append(document.problem((), "expected keys such as cameras:"))
    if problems:
        raise ConfigError(problems)
    return content.decode("utf-8-sig")


def _reach(tree: CommentedMap, key: Key) -> tuple[Any, Any]:
    """The mapping or list that holds the last part of a way, and that part as its key or place."""
    node, rest = _reach_far(tree, key[:-1])
    if rest or not key:
        raise UsageError(f"{in_words(key)} is not in the file")
    name = _name_in(node, key)
    if isinstance(node, CommentedMap) and name not in node:
        raise UsageError(f"{in_words(key)} is not in the file")
    return node, name


def _reach_far(tree: CommentedMap, key: Key) -> tuple[Any, Key]:
    """What stands at the end of a way, or as far as the file has it, and the parts that it lacks."""
    node: Any = tree
    for number in range(len(key)):
        name = _name_in(node, key[: number + 1])
        if isinstance(node, CommentedMap) and node.get(name) is None:
            return node, key[number:]
        node = node[name]
    return node, ()


def _name_in(node: Any, key: Key) -> Any:
    """The last part of a way as a key or place of `node`; short forms there are written out."""
    if isinstance(node, CommentedSeq):
        place = _place(node, key[-1], key)
        _lengthen(node, place, key[:-1])
        return place
    if not isinstance(node, CommentedMap):
        raise UsageError(f"{in_words(key[:-1])} has nothing below it")
    return key[-1]


def _put_at(tree: CommentedMap, key: Key, value: Any) -> None:
    """Set a key; what is missing on the way is made around the value first, so that comments stay behind."""
    node, rest = _reach_far(tree, key)
    if not rest:
        put(*_reach(tree, key), value)
        return
    for part in reversed(rest[1:]):
        if isinstance(part, int):
            raise UsageError(f"{in_words(key)}: there is no list yet")
        value = {part: value}
    put(node, rest[0], value)


def _remove(tree: CommentedMap, key: Key) -> None:
    """Take an entry away, and with it what would be left empty."""
    node, name = _reach(tree, key)
    if node is tree and len(tree) == 1:
        put(tree, "version", VERSION)
    rest = drop(node, name)
    if not node:
        hang_after(*_reach(tree, key[:-1]), rest)
        _remove(tree, key[:-1])


def _place(items: CommentedSeq, part: str | int, key: Key) -> int:
    if isinstance(part, int):
        if not 0 <= part < len(items):
            raise UsageError(f"{in_words(key)}: the list has {len(items)} entries")
        return part
    entries = plain(items)
    if key[:-1] == ("cameras",):
        entries = _spelt_out({"cameras": entries})["cameras"]
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and part in (entry.get("id"), entry.get("name")):
            return number
    raise UsageError(f"{in_words(key[:-1])} holds no {part!r}")


def _lengthen(items: CommentedSeq, place: int, key: Key) -> None:
    """Write the short form of a camera or input out, and the id that its address gave it."""
    if key == ("cameras",):
        entry = _spelt_out({"cameras": plain(items)})["cameras"][place]
        if isinstance(items[place], CommentedMap):
            if "id" not in items[place] and isinstance(entry, dict):
                items[place].insert(0, "id", entry["id"])
        elif isinstance(entry, dict):
            put(items, place, entry)
    elif key[:1] == ("cameras",) and key[-1:] == ("inputs",) and isinstance(items[place], str):
        put(items, place, {"url": items[place]})


def _spelt_out(data: dict[str, Any]) -> dict[str, Any]:
    cameras = data.get("cameras")
    if not isinstance(cameras, tuple):
        return data
    taken = {str(one["id"]).casefold() for one in cameras if isinstance(one, dict) and "id" in one}
    return {**data, "cameras": tuple(expand_camera(one, taken) for one in cameras)}


def _differs(before: Any, after: Any, key: Key) -> bool:
    """Whether what stands at `key` is another; places in lists mean the whole list."""
    for part in key:
        if isinstance(part, int):
            break
        before, after = _entry(before, part), _entry(after, part)
    return bool(before != after) and key != ()


def _entry(data: Any, part: str) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, tuple):
        return next(
            (one for one in data if isinstance(one, dict) and part in (one.get("id"), one.get("name"))), None
        )
    return None

"""Strict reading of JSON objects: every problem is noted with its path, and none stops the reading."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any


class Fields:
    """One JSON object while it is being read.

    A getter returns a usable value even where the file holds a wrong one, and notes the problem; whoever
    reads looks at `problems` once at the end. Objects within share the list.
    """

    def __init__(self, values: Mapping[str, Any], path: str, problems: list[str]) -> None:
        self.path, self.problems = path, problems
        self._values = values
        self._known: list[str] = []

    def wrong(self, where: str, expected: str, got: object) -> None:
        """Note that at `where` something else was expected."""
        self.problems.append(f"{where}: expected {expected}, got {_shown(got)}")

    def close(self) -> None:
        """Note every key that nobody asked for, with the nearest one that exists."""
        for key in self._values:
            if key not in self._known:
                near = get_close_matches(key, self._known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._known)}"
                self.problems.append(f"{self._at(key)}: unknown key, {hint}")

    def child(self, key: str) -> Fields:
        """The object behind `key`."""
        value = self._take(key)
        # What is missing, or no object at all, is one problem: its keys are not named as well.
        if isinstance(value, dict):
            return Fields(value, self._at(key), self.problems)
        if value is not None:
            self.wrong(self._at(key), "an object", value)
        return Fields({}, self._at(key), [])

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._take(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            self.wrong(self._at(key), "a text that is not empty", value)
            return ""
        return value

    def choice(self, key: str, options: Sequence[str], default: str | None = None) -> str:
        """One of `options`; the key may be left out where there is a default."""
        if default is not None and key not in self._values:
            self._known.append(key)
            return default
        value = self._take(key)
        if value is not None and value not in options:
            self.wrong(self._at(key), " or ".join(repr(option) for option in options), value)
        return value if value in options else options[0]

    def number(self, key: str, low: float, high: float) -> float:
        """A finite number from `low` to `high`."""
        value = self._take(key)
        return low if value is None else self._number(self._at(key), value, low, high)

    def numbers(self, key: str, count: int, low: float, high: float) -> tuple[float, ...]:
        """A list of `count` numbers from `low` to `high`."""
        values = self._items(key, f"a list of {count} numbers", count)
        return tuple(self._number(f"{self._at(key)}[{k}]", v, low, high) for k, v in enumerate(values))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, possibly an empty one."""
        values = self._items(key, "a list of texts")
        for k, value in enumerate(values):
            if not isinstance(value, str) or not value:
                self.wrong(f"{self._at(key)}[{k}]", "a text that is not empty", value)
        return tuple(str(value) for value in values)

    def sizes(self, key: str, low: int, high: int) -> tuple[tuple[int, int], ...]:
        """A list of at least one pair of whole numbers from `low` to `high`."""
        found = []
        values = self._items(key, "a list of [height, width]")
        for k, pair in enumerate(values):
            if isinstance(pair, list) and len(pair) == 2 and all(_whole(v, low, high) for v in pair):
                found.append((pair[0], pair[1]))
            else:
                self.wrong(
                    f"{self._at(key)}[{k}]", f"[height, width], whole numbers from {low} to {high}", pair
                )
        if not values and key in self._values:
            self.wrong(self._at(key), "at least one [height, width]", values)
        return tuple(found)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """An object of free form."""
        value = self._take(key)
        if value is not None and not isinstance(value, dict):
            self.wrong(self._at(key), "an object", value)
        return value if isinstance(value, dict) else {}

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _take(self, key: str) -> Any:
        """The value, or None where it is missing (JSON's null counts as missing)."""
        self._known.append(key)
        value = self._values.get(key)
        if value is None:
            self.problems.append(f"{self._at(key)}: missing")
        return value

    def _items(self, key: str, expected: str, count: int | None = None) -> list[Any]:
        value = self._take(key)
        if isinstance(value, list) and count in (None, len(value)):
            return value
        if value is not None:
            self.wrong(self._at(key), expected, value)
        return []

    def _number(self, where: str, value: object, low: float, high: float) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if fits and math.isfinite(value) and low <= value <= high:  # type: ignore[arg-type,operator]
            return float(value)  # type: ignore[arg-type]
        self.wrong(where, f"a number from {low:g} to {high:g}", value)
        return low


def parse_json(text: str) -> Any:
    """JSON without its traps: a key that stands twice, NaN and Infinity are errors.

    Raises:
        ValueError: the text is not such JSON; the message says where and why.
    """
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."

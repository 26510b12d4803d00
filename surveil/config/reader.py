"""YAML with the place of every key and value, and without anything that could do harm.

Only the text's structure is taken from the parser; values are made here: mappings, tuples, texts, numbers,
true, false and nothing. Other types, objects and endless or exploding references are mistakes with a place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from surveil.errors import Problem
from surveil.redact import redact

LARGEST_BYTES = 128 * 1024  # a hundred cameras take a third of it
MOST_VALUES = 50_000
DEEPEST = 40
_LONGEST_NUMBER = 18
_NAMED = re.compile(r"'[^'<]{2,}'")  # what the parser quotes of a file may have been meant as a password
_TAGGED = "a value with a tag (!NAME) is not used here; put a text that begins with ! in quotes"

Key = tuple[str | int, ...]
"""The way to a value: keys of mappings, places in lists."""
Place = tuple[int, int]
"""Line and column, from 1."""

_TAG = "tag:yaml.org,2002:"
_BASES = {"0x": 16, "0o": 8, "0b": 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What a file says.

    Attributes:
        data: dicts, tuples, str, int, float, bool, None.
        places: where each value stands, by its key; for values of mappings: where their key stands.
        problems: what is wrong; `data` lacks these parts.
    """

    file: str
    data: Any = None
    places: dict[Key, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, key: Key, reason: str) -> Problem:
        """A mistake at a key, or at the nearest part of its way that the file has."""
        known = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in self.places), ())
        line, column = self.places.get(known, (1, 1))
        return Problem(file=self.file, line=line, column=column, key=in_words(key), reason=reason)


def in_words(key: Key) -> str:
    """A key for people.

    >>> in_words(("cameras", 0, "inputs", 1, "url"))
    'cameras[0].inputs[1].url'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in key)
    return text.removeprefix(".")


def _shown(key: str) -> str:
    """A key that may be anything, an address with its password, too: 60 printable characters at most."""
    text = redact("".join(c if c.isprintable() else "?" for c in key))
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_yaml(content: bytes, file: str) -> Document:
    """The one document in `content`; whatever is wrong with it is in its `problems`."""
    if len(content) > LARGEST_BYTES:
        return _failed(file, f"{len(content)} bytes are too many; at most {LARGEST_BYTES}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        return _failed(file, f"byte 0x{content[error.start]:02x} is no UTF-8 text", place)
    if _brackets(text) > DEEPEST:  # the parser would take minutes to find out
        return _failed(file, "lists or mappings stand too deep in one another")
    yaml = YAML(typ="rt", pure=True)
    yaml.composer.warn_double_anchors = False  # it would say them on stderr, and they may be passwords
    try:
        node = yaml.compose(text)
    except RecursionError:
        return _failed(file, "lists or mappings stand too deep in one another")
    except MarkedYAMLError as error:
        return _failed(file, _syntax(error), _place_of(error))
    except YAMLError as error:  # characters that YAML does not allow
        position = getattr(error, "position", 0)
        before_text = text[: position if isinstance(position, int) else 0]
        place = before_text.count("\n") + 1, len(before_text) - before_text.rfind("\n")
        return _failed(file, "a character here is not allowed in YAML", place)
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        # The parser's own faults on nonsense, e.g. %YAML directives without numbers.
        return _failed(file, f"this is not YAML ({type(error).__name__})")
    return _Builder(file).document(node)


def _brackets(text: str) -> int:
    """How deep brackets stand in one another, about: those in quotes and comments count, too."""
    depth = deepest = 0
    for sign in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if sign in "[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _failed(file: str, reason: str, place: Place = (1, 1)) -> Document:
    return Document(file=file, problems=(Problem(file=file, line=place[0], column=place[1], reason=reason),))


def _place_of(error: MarkedYAMLError) -> Place:
    mark = error.problem_mark or error.context_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _syntax(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "this is not YAML")
    if "'\\t'" in problem:
        return "a tab: YAML is indented with blanks"
    if "single document" in str(error.context):
        return "a second document begins (---): one is expected"
    if "undefined alias" in problem:
        return "an alias (*NAME) that stands for nothing; put a text that begins with * in quotes"
    problem = _NAMED.sub("'...'", problem)
    context = f" {error.context}" if error.context and error.problem else ""
    return re.sub(r"\s+", " ", f"not YAML{context}: {problem}")


class _Builder:
    """Makes values of nodes; counts them, because aliases may name the same node again and again."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._places: dict[Key, Place] = {}
        self._problems: list[Problem] = []
        self._count = 0
        self._merging: list[Node] = []  # mappings that are being taken over, the outermost first

    def document(self, node: Node | None) -> Document:
        data = {} if node is None else self._value(node, ())
        return Document(file=self._file, data=data, places=self._places, problems=tuple(self._problems))

    def _wrong(self, node: Node, key: Key, reason: str) -> None:
        mark = node.start_mark
        self._problems.append(
            Problem(
                file=self._file, line=mark.line + 1, column=mark.column + 1, key=in_words(key), reason=reason
            )
        )

    def _value(self, node: Node, key: Key) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or len(key) > DEEPEST:
            if self._count <= MOST_VALUES or self._count == MOST_VALUES + 1:
                what = "too deep in one another" if len(key) > DEEPEST else "too many values"
                self._wrong(node, key[:3], f"{what}; does an alias (*NAME) repeat itself?")
                self._count = MOST_VALUES + 1
            return None
        self._places.setdefault(key, (node.start_mark.line + 1, node.start_mark.column + 1))
        tag = str(node.tag or "").removeprefix(_TAG)
        match node:
            case MappingNode() if tag == "map":
                return self._mapping(node, key)
            case SequenceNode() if tag == "seq":
                return tuple(self._value(item, (*key, n)) for n, item in enumerate(node.value))
            case ScalarNode():
                return self._scalar(node, tag, key)
        self._wrong(node, key, _TAGGED)
        return None

    def _mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[tuple[Node, Key]] = []
        for name_node, value_node in node.value:
            if not isinstance(name_node, ScalarNode):
                self._wrong(name_node, key, "a key must be a word")
                continue
            name = name_node.value
            place = name_node.start_mark.line + 1, name_node.start_mark.column + 1
            if name == "<<" and name_node.style is None:
                merged.append((value_node, key))
            elif name in found:
                first = self._places.get((*key, name), place)[0]
                self._wrong(name_node, (*key, name), f"given twice; the first is in line {first}")
            else:
                self._places[(*key, name)] = place
                found[name] = self._value(value_node, (*key, name))
        for value_node, where in merged:
            self._merge(found, value_node, where)
        return found

    def _merge(self, found: dict[str, Any], node: Node, key: Key) -> None:
        """`<<: *NAME`: what is not given here comes from there."""
        for part in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(part, MappingNode):
                self._wrong(part, key, "<< takes over a mapping, and this is none")
                continue
            for name, value in self._mapping_apart(part, key).items():
                found.setdefault(name, value)

    def _mapping_apart(self, node: MappingNode, key: Key) -> dict[str, Any]:
        """A mapping that is taken over: its keys do not clash with those that stand here."""
        self._count += 1
        if self._count > MOST_VALUES or any(node is one for one in self._merging):
            self._wrong(node, key, "an alias (*NAME) repeats itself")
            return {}
        kept, self._places = self._places, {}
        self._merging.append(node)
        values = self._mapping(node, key)
        self._merging.pop()
        self._places = {**self._places, **kept}
        return values

    def _scalar(self, node: ScalarNode, tag: str, key: Key) -> Any:
        text = str(node.value)
        match tag:
            case "null":
                return None
            case "bool":
                return text.lower() in ("true", "yes", "on", "y")
            case "int" | "float":
                return self._number(node, text, tag, key)
            case "str" | "timestamp" | "value" | "merge":
                if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
                    self._wrong(node, key, "line breaks and control characters are not allowed")
                    return ""
                return text
        self._wrong(node, key, _TAGGED)
        return None

    def _number(self, node: ScalarNode, text: str, tag: str, key: Key) -> int | float | None:
        plain = text.replace("_", "").lower()
        sign = -1 if plain.startswith("-") else 1
        digits = plain.lstrip("+-")
        try:
            if tag == "float":
                return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
            if len(digits) <= _LONGEST_NUMBER:
                base = _BASES.get(digits[:2], 10)
                return sign * int(digits[2:] if digits[:2] in _BASES else digits, base)
            self._wrong(node, key, "the number is too large")
        except ValueError:
            self._wrong(node, key, f"{_shown(text)!r} is not a number")
        return None

"""From a file to the configuration, or to every mistake in it at once."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import stat
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from surveil.config.models import Config
from surveil.config.reader import Document, Key, read_yaml
from surveil.config.references import is_reference
from surveil.errors import ConfigError, Problem
from surveil.redact import redact

HINTS = {  # keys that people bring along, and where they belong here
    "url": "write inputs: [ADDRESS]",
    "source": "write inputs: [ADDRESS]",
    "ffmpeg": "this is Frigate's: see `surveil config import-frigate --help`",
    "go2rtc": "this is Frigate's: see `surveil config import-frigate --help`",
    "mqtt": "this is Frigate's: see `surveil config import-frigate --help`",
    "mask": "write privacy: or detection: below masks",
    "fps": "write max_rate_hz",
}
_SECRET_KEYS = {"url", "username", "password", "token"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A file that can be used.

    Attributes:
        path: where it lies; relative paths in it count from its folder.
        digest: of its bytes: whether it was changed since.
        warnings: what works, but should be put right.
        document: the file's places, for messages about what is found out later.
    """

    config: Config
    path: Path
    digest: str
    warnings: tuple[Problem, ...] = ()
    document: Document = field(repr=False)

    def problem(self, key: Key, reason: str) -> Problem:
        """A mistake that was found out later, with its place."""
        return self.document.problem(key, reason)


def load_config(path: Path) -> Loaded:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, or holds mistakes; all of them are in `problems`.
    """
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        reason = f"the file cannot be read ({said}); `surveil config init` makes one"
        raise ConfigError([Problem(file=str(path), reason=reason)]) from error
    loaded = parse_config(content, path)
    if stat.S_ISREG(mode) and mode & 0o077 and any(_plain_secrets(loaded.config)):
        reason = f"holds passwords and can be read by others: chmod 600 {path}"
        warning = Problem(file=str(path), reason=reason)
        return replace(loaded, warnings=(*loaded.warnings, warning))
    return loaded


def parse_config(content: bytes, path: Path) -> Loaded:
    """As `load_config`, from the bytes that `path` holds or will hold. Raises ConfigError."""
    document = read_yaml(content, str(path))
    config: Config | None = None
    problems = list(document.problems)
    if isinstance(document.data, dict):
        problems += _repeated_ids(document)
        try:
            config = Config.model_validate(document.data)
        except ValidationError as error:
            problems += [_problem(document, fault) for fault in _first_hand(error)]
    elif not problems:
        problems.append(document.problem((), f"expected keys such as cameras:, got {_kind(document.data)}"))
    if problems or config is None:
        raise ConfigError(sorted(set(problems), key=lambda problem: (problem.line, problem.column)))
    warnings = [
        document.problem(key, "stands here in plain text; better: keyring:NAME or ${VARIABLE}")
        for key in _plain_secrets(config)
    ]
    digest = hashlib.sha256(content).hexdigest()
    return Loaded(config=config, path=path, digest=digest, warnings=tuple(warnings), document=document)


def check_values(data: Mapping[str, Any]) -> dict[Key, str]:
    """What is wrong with values that are in no file yet, in the words that a file's mistakes have."""
    try:
        Config.model_validate(data)
    except ValidationError as error:
        faults = [(tuple(fault["loc"]), fault) for fault in _first_hand(error)]
        return {key: redact(_reason(key, fault)) for key, fault in faults}
    return {}


def _plain_secrets(config: Config) -> Iterable[Key]:
    for number, camera in enumerate(config.cameras):
        if camera.password and not is_reference(camera.password):
            yield ("cameras", number, "password")
        for place, one in enumerate(camera.inputs):
            if redact(one.url) != one.url and "${" not in one.url:
                yield ("cameras", number, "inputs", place, "url")
    token = config.service.metrics.token
    if token and not is_reference(token):
        yield ("service", "metrics", "token")


def _repeated_ids(document: Document) -> list[Problem]:
    """Looked for beside the validation, which leaves this out where anything else is wrong."""
    cameras = document.data.get("cameras")
    seen: dict[str, int] = {}
    problems = []
    for number, camera in enumerate(cameras if isinstance(cameras, tuple) else ()):
        name = camera.get("id") if isinstance(camera, dict) else None
        if not isinstance(name, str):
            continue
        first = seen.setdefault(name.casefold(), number)
        if first != number:
            reason = f"{name!r} is the id of cameras[{first}] already (case does not count)"
            problems.append(document.problem(("cameras", number, "id"), reason))
    return problems


def _first_hand(error: ValidationError) -> Iterable[Any]:
    """All findings but lists that are "too short" because entries of theirs are wrong."""
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    for fault in faults:
        where = fault["loc"]
        if fault["type"] != "too_short" or not any(
            len(place) > len(where) and place[: len(where)] == where for place in places
        ):
            yield fault


def _problem(document: Document, fault: Any) -> Problem:
    """Pydantic's finding, with its place and in the words of the house."""
    key: Key = tuple(fault["loc"])
    return document.problem(key, redact(_reason(key, fault)))


_EXPECTED = {  # by pydantic's names of faults
    "model_type": "keys with values below it",
    "dict_type": "keys with values below it",
    "tuple_type": "a list",
    "string_type": "a text; put it in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
}


def _reason(key: Key, fault: Any) -> str:
    context: Mapping[str, Any] = fault.get("ctx") or {}
    got = "" if _SECRET_KEYS & set(map(str, key[-1:])) else f", got {_kind(fault['input'])}"
    match fault["type"]:
        case "extra_forbidden":
            return _unknown(key)
        case "missing":
            return "is missing"
        case "value_error":
            return str(context.get("error", fault["msg"]))
        case "literal_error":
            return f"expected {context['expected']}{got}{_near(fault['input'], context['expected'])}"
        case "string_pattern_mismatch":
            return f"does not fit{got}; {_help(key)}"
        case "too_short" | "too_long":
            limit = context.get("min_length", context.get("max_length"))
            entries = "entry" if limit == 1 else "entries"
            return f"expected {_bound(fault['type'])} {limit} {entries}, got {context['actual_length']}"
        case kind if kind in _EXPECTED:
            return f"expected {_EXPECTED[kind]}{got}"
        case _:
            message = str(fault["msg"])
            return f"{message[:1].lower()}{message[1:]}{got}"


def _bound(kind: str) -> str:
    return "at least" if kind == "too_short" else "at most"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case str():
            text = redact(value)  # before it is cut: afterwards nobody sees where its password ends
            return repr(text if len(text) <= 40 else f"{text[:37]}...")
        case tuple() | list():
            return f"a list of {len(value)}"
        case _:
            return "keys with values"


def _unknown(key: Key) -> str:
    name = str(key[-1])
    fields = sorted(_model_at(key[:-1]).model_fields)
    if hint := HINTS.get(name):
        return f"unknown key; {hint}"
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.6)
    return (
        f"unknown key; did you mean {near[0]!r}?" if near else f"unknown key; known are {', '.join(fields)}"
    )


def _near(value: Any, expected: str) -> str:
    choices = expected.replace("' or '", "', '").strip("'").split("', '")
    near = difflib.get_close_matches(value, choices, n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _help(key: Key) -> str:
    field = _model_at(key[:-1]).model_fields.get(str(key[-1]))
    return "" if field is None else str(field.description)


def _model_at(key: Key) -> type[BaseModel]:
    """The section that a way leads to."""
    model: type[BaseModel] = Config
    for part in key:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        found = None if field is None else section_in(field.annotation)
        model = found or model
    return model


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The section behind a field's type, be it in a list or optional; None for plain values."""
    if inspect.isclass(annotation) and typing.get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    parts = (section_in(part) for part in typing.get_args(annotation))
    return next((part for part in parts if part is not None), None)

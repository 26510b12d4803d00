"""Everything that can be set, as rows: of them the desktop draws its settings, the documentation its tables.

A key's unit is the end of its name: `_s` seconds, `_hz` times a second, `_px` pixels.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from surveil.config.load import section_in
from surveil.config.models import Config

Kind = Literal[
    "switch", "choice", "whole", "number", "text", "size", "texts", "numbers", "section", "sections"
]
REQUIRED = object()
UNITS = {"s": "s", "hz": "1/s", "px": "px"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One key.

    Attributes:
        key: its way from the root; `[]` stands for the entries of a list.
        kind: how it is shown and edited.
        help: what it is for.
        default: None where nothing is set; `REQUIRED` where it must be given.
        optional: whether it may be empty (null).
        choices: of a choice, or of the entries of `texts`.
        least, most: limits of a number; `above`: whether `least` itself is excluded.
        unit: of numbers.
        secret: never shown.
        references: may hold `${VAR}`.
    """

    key: tuple[str, ...]
    kind: Kind
    help: str
    default: Any = None
    optional: bool = False
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None
    above: bool = False
    unit: str = ""
    secret: bool = False
    references: bool = False

    @property
    def path(self) -> str:
        """The key in words, e.g. `cameras[].inputs[].url`."""
        return ".".join(self.key).replace(".[]", "[]")


def settings(section: type[BaseModel] = Config, start: tuple[str, ...] = ()) -> Iterator[Setting]:
    """All keys below a section, in the order of the file."""
    for name, field in section.model_fields.items():
        setting = _setting((*start, name), field)
        yield setting
        below = section_in(field.annotation)
        if below is not None:
            listed = setting.kind == "sections"
            yield from settings(below, (*setting.key, "[]") if listed else setting.key)


def _setting(key: tuple[str, ...], field: FieldInfo) -> Setting:
    plain, optional = _without_none(field.annotation)
    limits = _limits(plain, field)
    least = limits.get("gt", limits.get("ge"))
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = field.default
    return Setting(
        key=key,
        kind=_kind(plain),
        help=str(field.description),
        default=REQUIRED if default is PydanticUndefined else default,
        optional=optional,
        choices=_choices(plain),
        least=least,
        most=limits.get("le", limits.get("lt")),
        above="gt" in limits,
        unit=UNITS.get(key[-1].rpartition("_")[2], "") if "_" in key[-1] else "",
        secret=bool(extra.get("secret")),
        references=bool(extra.get("references")),
    )


def _bare(annotation: Any) -> Any:
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def _without_none(annotation: Any) -> tuple[Any, bool]:
    annotation_bare = _bare(annotation)
    if typing.get_origin(annotation_bare) not in (typing.Union, types.UnionType):
        return annotation, False
    parts = [part for part in typing.get_args(annotation_bare) if part is not type(None)]
    return parts[0], True


def _limits(annotation: Any, field: FieldInfo) -> dict[str, float]:
    found: dict[str, float] = {}
    layers = [*field.metadata]
    while typing.get_origin(annotation) is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        layers += more
    for layer in layers:
        for part in layer.metadata if isinstance(layer, FieldInfo) else [layer]:
            found |= {name: getattr(part, name) for name in ("gt", "ge", "lt", "le") if hasattr(part, name)}
    return found


def _choices(annotation: Any) -> tuple[Any, ...]:
    bare = _bare(annotation)
    if typing.get_origin(bare) is tuple:
        return _choices(typing.get_args(bare)[0])
    return typing.get_args(bare) if typing.get_origin(bare) is Literal else ()


def _kind(annotation: Any) -> Kind:
    bare = _bare(annotation)
    if typing.get_origin(bare) is Literal:
        return "choice"
    if typing.get_origin(bare) is tuple:
        return _kind_of_list(bare)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return "section"
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number", str: "text"}
    return kinds[bare]


def _kind_of_list(bare: Any) -> Kind:
    parts = typing.get_args(bare)
    if section_in(bare) is not None:
        return "sections"
    if len(parts) == 2 and parts[1] is not Ellipsis:
        return "size"
    return "texts" if _bare(parts[0]) is str or _choices(parts[0]) else "numbers"


def schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors that check while one writes."""
    made = Config.model_json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    camera = made["$defs"]["Camera"]
    camera["required"] = [name for name in camera["required"] if name != "id"]  # made from the address
    cameras = made["properties"]["cameras"]
    cameras["items"] = {"anyOf": [cameras["items"], {"type": "string"}]}
    return made

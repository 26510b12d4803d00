"""The configuration as it is understood, defaults and all, with or without its secrets."""

from __future__ import annotations

import io
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from surveil.config.models import Config
from surveil.config.references import is_reference
from surveil.config.tree import WIDTH, commented
from surveil.redact import MASK, redact


def show(config: Config, *, redacted: bool = True) -> str:
    """YAML of everything; `redacted` without passwords (references to them stay: they tell nothing)."""
    values = _values(config, redacted=redacted)
    yaml = YAML(typ="rt", pure=True)
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(commented(values), stream)
    return stream.getvalue()


def _values(section: BaseModel, *, redacted: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if redacted and extra.get("secret") and value and not is_reference(value):
            found[name] = MASK
        else:
            found[name] = _value(value, redacted=redacted)
    return found


def _value(value: Any, *, redacted: bool) -> Any:
    match value:
        case BaseModel():
            return _values(value, redacted=redacted)
        case tuple():
            return [_value(part, redacted=redacted) for part in value]
        case str():
            return redact(value) if redacted else value
        case _:
            return value

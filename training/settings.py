"""Configurations as JSON values: what a run's checkpoints and results must share to go on."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""`field(default=…, metadata=LATER)`: an option that came when runs had been made already."""


def told(value: Any) -> Any:
    """A configuration as `dataclasses.asdict` gives it, without later options that stand at their default.

    So a run that was begun before an option was known goes on.
    """
    if is_dataclass(value):
        held = [(field, getattr(value, field.name)) for field in fields(value)]
        return {field.name: told(own) for field, own in held if not _left_out(field, own)}
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    return value


def _left_out(field: Field[Any], value: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(field.metadata.get("later")) and value == default

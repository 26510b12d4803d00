"""Configurations as JSON values: what a run's caches, checkpoints and results must share to go on."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""`field(default=…, metadata=LATER)`: an option that came when runs had been made already."""

SHOWN = 6  # differences that an error lists


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


def differences(there: Any, here: Any, where: str = "") -> Iterator[str]:
    """Where two JSON values differ, in words.

    >>> list(differences({"a": [{"rate": 1, "seed": 0}]}, {"a": [{"rate": 2, "seed": 0}]}))
    ['a[0].rate is 1 there and 2 here']
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            name = f"{where}.{key}" if where else str(key)
            yield from differences(there.get(key, "not set"), here.get(key, "not set"), name)
    elif _parts(there) and _parts(here) and len(there) == len(here):
        for k, (one, other) in enumerate(zip(there, here, strict=True)):
            yield from differences(one, other, f"{where}[{k}]")
    elif there != here:
        yield f"{where} is {there} there and {here} here"


def _parts(value: Any) -> bool:
    """Whether it is a list of parts with names of their own."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def in_words(found: Iterator[str]) -> str:
    """The first of what `differences` finds, and how many more there are; empty where nothing differs."""
    different = list(found)
    more = f" and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    return "; ".join(different[:SHOWN]) + more

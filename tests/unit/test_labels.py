"""Class names and numbers."""

from __future__ import annotations

import dataclasses

import pytest

from surveil.errors import DataError, UsageError
from surveil.labels import SURVEIL_6, LabelMap


def test_names_and_ids_are_inverse() -> None:
    assert [SURVEIL_6[SURVEIL_6.id_of(name)] for name in SURVEIL_6.names] == list(SURVEIL_6.names)
    assert SURVEIL_6.ids_of(["truck", "person"]) == (5, 0)
    assert len(SURVEIL_6) == 6


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown class 'Persn': did you mean 'person'.* model: person, "):
        SURVEIL_6.id_of("Persn")
    with pytest.raises(UsageError, match="unknown class 'giraffe': known to this model"):
        SURVEIL_6.ids_of(["car", "giraffe"])


@pytest.mark.parametrize("names", [(), ("car", "car")])
def test_names_are_distinct(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="expected distinct class names"):
        LabelMap("bad", names)


def test_maps_are_values() -> None:
    assert LabelMap("a", ("x",)) == LabelMap("a", ("x",))
    with pytest.raises(dataclasses.FrozenInstanceError):
        SURVEIL_6.name = "other"  # type: ignore[misc]

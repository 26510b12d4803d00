"""The names behind class numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from surveil.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class LabelMap:
    """An ordered list of class names with a name of its own.

    Attributes:
        name: identifies the map (models with equal maps share it), e.g. `surveil-6` or `coco-80`.
        names: lower-case class names; class id k is `names[k]`.
    """

    name: str
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names):
            raise DataError(f"label map {self.name!r}: expected distinct class names, got {self.names!r}")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, class_id: int) -> str:
        return self.names[class_id]

    def id_of(self, label: str) -> int:
        """The class id of a name.

        Raises:
            UsageError: the name is unknown; the message holds the nearest known ones.
        """
        if label in self.names:
            return self.names.index(label)
        near = get_close_matches(label.lower(), self.names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"unknown class {label!r}: {hint}known to this model: {', '.join(self.names)}")

    def ids_of(self, labels: Iterable[str]) -> tuple[int, ...]:
        """The class ids of several names, in their order. Raises UsageError as `id_of`."""
        return tuple(self.id_of(label) for label in labels)


SURVEIL_6 = LabelMap("surveil-6", ("person", "bicycle", "car", "motorcycle", "bus", "truck"))
"""The classes of the project's own detectors."""

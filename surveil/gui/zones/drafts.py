"""A drawing that nobody could be asked about when the window had to end, for the next start. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from surveil.gui.zones.sketch import KINDS, Drawing, Sketch

_DIRECTIONS = ("both", "to_left", "to_right")


def noted(kept: Drawing, drawing: Drawing) -> dict[str, Any]:
    """As JSON has it: what the file held, and what was drawn."""
    return {"kept": [asdict(one) for one in kept], "drawing": [asdict(one) for one in drawing]}


def restored(note: Any, kept: Drawing) -> Drawing | None:
    """The drawing of a note; None where the note makes no sense.

    `kept`: what the file holds now. Where that is another than it was, every sketch counts as a new one.
    """
    try:
        before, drawing = (tuple(_sketch(one) for one in note[name]) for name in ("kept", "drawing"))
    except (KeyError, TypeError, ValueError):
        return None
    if before == kept:
        return drawing
    first = 1 + max((sketch.key for sketch in kept), default=-1)
    return tuple(replace(sketch, key=first + number) for number, sketch in enumerate(drawing))


def _sketch(data: Mapping[str, Any]) -> Sketch:
    points = tuple((float(x), float(y)) for x, y in data["points"])
    kind, direction, colour = data["kind"], data["direction"], data["colour"]
    whole = all(0 <= value <= 1 for point in points for value in point)
    if kind not in KINDS or direction not in _DIRECTIONS or not whole:
        raise ValueError("no sketch")
    return Sketch(
        key=int(data["key"]),
        kind=kind,
        points=points,
        name=str(data["name"]),
        colour=None if colour is None else str(colour),
        classes=tuple(str(name) for name in data["classes"]),
        direction=direction,
    )

"""The table of output layouts: a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from surveil.detect.layouts.layout import Layout, OutputShapes
from surveil.detect.layouts.nanodet import NanodetLayout
from surveil.detect.layouts.picodet import PicodetLayout
from surveil.detect.layouts.surveil import SurveilLayout
from surveil.errors import ModelError

LAYOUTS: Final[Mapping[str, Callable[[OutputShapes, tuple[int, int], int], Layout]]] = MappingProxyType(
    {
        "surveil": SurveilLayout,
        "nanodet": NanodetLayout,
        "picodet": PicodetLayout,
    }
)
"""By the name in a card's `output`: makes a layout for the outputs' shapes, the input's (height, width) and
the number of classes; raises ModelError where they do not fit."""


def open_layout(name: str, outputs: OutputShapes, shape: tuple[int, int], classes: int) -> Layout:
    """The layout of that name, checked against the graph. Raises ModelError."""
    make = LAYOUTS.get(name)
    if make is None:
        near = get_close_matches(name, LAYOUTS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelError(f"unknown output layout {name!r}: {hint}known: {', '.join(LAYOUTS)}")
    return make(outputs, shape, classes)

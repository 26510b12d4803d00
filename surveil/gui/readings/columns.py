"""A table as values: its columns, and rows in the order of one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column(Generic[R]):
    """One column.

    Attributes:
        text: what is written in it; comes from anywhere, so it is never read as HTML.
        order: what rows are sorted by.
        number: whether it stands at the right.
        widest: a text as wide as the column should be; empty: it takes a share of the room.
        level: how it is coloured: `good`, `alarm`, `faint`, or plain.
    """

    title: str
    text: Callable[[R], str]
    order: Callable[[R], Any]
    number: bool = False
    widest: str = ""
    level: Callable[[R], str] = lambda _row: ""


def ordered(
    rows: Sequence[R], column: Column[R], *, descending: bool, settled: Callable[[R], Any]
) -> list[R]:
    """Rows by one column; equal ones by `settled`, so that they do not change places for nothing."""
    return sorted(sorted(rows, key=settled), key=column.order, reverse=descending)

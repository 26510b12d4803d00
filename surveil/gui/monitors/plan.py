"""What a further window shows and where it stands, as it is remembered. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from surveil.gui.board import CAROUSEL_S
from surveil.gui.layouts import is_layout

MOST = 8
"""Windows; more than screens that anybody has, so that a broken file cannot open hundreds."""
GRIP_PX = 64
"""So much of a window must be on a screen, in both directions, to take hold of it."""
Area = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the desktop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One further window.

    Attributes:
        everything: whether it shows all cameras, as they come and go.
        cameras: the ids of those that it shows, in their order; with `everything` those that come first.
        layout: of its tiles.
        carousel_s: how long it stays at a page or camera; 0: it does not go on by itself.
        geometry: Qt's own description of its place, base64; empty: wherever there is room.
    """

    everything: bool = True
    cameras: tuple[str, ...] = ()
    layout: str = "auto"
    carousel_s: int = 0
    geometry: str = ""

    def of(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of the cameras `ids` that it shows, in its order."""
        first = tuple(name for name in self.cameras if name in ids)
        return (*first, *(name for name in ids if name not in first)) if self.everything else first

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


def read_plans(data: object) -> tuple[Plan, ...]:
    """The windows of a file; those that make no sense are left out."""
    rows = data if isinstance(data, list | tuple) else ()
    return tuple(_plan(row) for row in rows[:MOST] if isinstance(row, Mapping))


def placed(window: Area, screens: Sequence[Area]) -> Area:
    """Where a window stands so that it can be seen: as it was, or in the middle of the first screen.

    Args:
        window: with its frame.
        screens: the room on each; the first one is the main screen.

    >>> placed((2000, 100, 800, 600), [(0, 0, 1920, 1080)])
    (560, 240, 800, 600)
    """
    if not screens or any(_seen(window, screen) for screen in screens):
        return window
    left, top, width, height = screens[0]
    w, h = min(window[2], width), min(window[3], height)
    return left + (width - w) // 2, top + (height - h) // 2, w, h


def _seen(window: Area, screen: Area) -> bool:
    """Whether enough of its upper edge is on the screen."""
    across = min(window[0] + window[2], screen[0] + screen[2]) - max(window[0], screen[0])
    down = min(window[1] + window[3], screen[1] + screen[3]) - max(window[1], screen[1])
    return across >= GRIP_PX and down >= GRIP_PX and window[1] >= screen[1] - GRIP_PX // 2


def _plan(row: Mapping[str, Any]) -> Plan:
    cameras, layout = row.get("cameras", ()), row.get("layout")
    seconds, geometry = row.get("carousel_s"), row.get("geometry")
    names = [name for name in cameras if isinstance(name, str)] if isinstance(cameras, list | tuple) else []
    return Plan(
        everything=row.get("everything") is not False or not names,
        cameras=tuple(dict.fromkeys(names)),
        layout=layout if isinstance(layout, str) and is_layout(layout) else "auto",
        carousel_s=seconds if seconds in CAROUSEL_S else 0,
        geometry=geometry if isinstance(geometry, str) else "",
    )

"""Which part of a frame a tile shows: wheel and drag as arithmetic. No Qt here."""

from __future__ import annotations

from surveil.pipeline.present import WHOLE, Region

MOST = 10.0
"""How far one can go in."""
STEP = 1.25
"""By one notch of the wheel."""


def zoomed(region: Region, factor: float, at: tuple[float, float]) -> Region:
    """The part seen after going in by `factor` (below 1: out), with the point under the mouse held.

    Args:
        region: what is seen now.
        factor: how much larger things become.
        at: the mouse in 0-1 of what is seen.

    >>> zoomed(WHOLE, 2.0, (0.5, 0.5)), zoomed((0.25, 0.25, 0.75, 0.75), 0.5, (0.0, 0.0))
    ((0.25, 0.25, 0.75, 0.75), (0.0, 0.0, 1.0, 1.0))
    """
    side = min(1.0, max(1 / MOST, (region[2] - region[0]) / factor))
    change = side - (region[2] - region[0])
    return _inside(region[0] - change * at[0], region[1] - change * at[1], side)


def panned(region: Region, by: tuple[float, float]) -> Region:
    """The part seen after the picture was dragged by `by`, in 0-1 of what is seen.

    >>> panned((0.25, 0.25, 0.75, 0.75), (0.5, -2.0))
    (0.0, 0.5, 0.5, 1.0)
    """
    side = region[2] - region[0]
    return _inside(region[0] - by[0] * side, region[1] - by[1] * side, side)


def _inside(left: float, top: float, side: float) -> Region:
    left, top = (min(max(0.0, edge), 1.0 - side) for edge in (left, top))
    return (left, top, left + side, top + side) if side < 1.0 else WHOLE

"""What the mouse and the keys do to a drawing: a small state machine with a history. No Qt here.

    looking ──press on a corner, side or body──> dragging ──release──> looking   (one step of the history)
       │ begin(kind)                                │ cancel: as before
       └──> drawing ──press: one corner more──> finish (double click, Enter, first corner) ──> looking

All places are in 0-1 of the picture; `reach` is how far the mouse may be off, in the same unit by axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from surveil.config.shapes import MOST_CORNERS, Point
from surveil.gui.text import tr
from surveil.gui.zones.history import History
from surveil.gui.zones.sketch import DIGITS, Drawing, Kind, Sketch, faults_of, free_colour, free_name
from surveil.gui.zones.touch import Touch, clipped, near, touched


@dataclass(frozen=True, slots=True)
class _Drag:
    """What is held.

    Attributes:
        before: the sketch as it was; with one corner more where a side is dragged out by its middle.
        corner: that is dragged; None: the whole sketch.
        made: whether the drag makes that corner.
    """

    before: Sketch
    corner: int | None
    start: Point
    reach: Point
    made: bool = False
    moved: bool = False


class Editor:
    """A camera's drawing while it is being changed.

    Attributes:
        selected: the key of the sketch that the properties belong to.
        corner: the corner of it that keys act on.
        tool: what is being drawn; None: nothing, the mouse takes hold of what there is.
        draft: the corners so far of what is being drawn.
        pointer: where the mouse is, while something is being drawn.
        notice: why the last thing that was tried did not happen; empty: it did.
    """

    def __init__(self, drawing: Drawing) -> None:
        self._history: History[Drawing] = History(drawing)
        self._next_key = 1 + max((sketch.key for sketch in drawing), default=-1)
        self._held: _Drag | None = None
        self._live: Sketch | None = None
        self.selected: int | None = None
        self.corner: int | None = None
        self.tool: Kind | None = None
        self.draft: tuple[Point, ...] = ()
        self.pointer: Point | None = None
        self.notice = ""

    def propose(self, drawing: Drawing) -> None:
        """Go on with another drawing, as one step that can be undone."""
        self._history.do(drawing)
        self._next_key = max([self._next_key, *(1 + sketch.key for sketch in drawing)])

    # ---- what is there

    @property
    def drawing(self) -> Drawing:
        """As it stands, with what is being dragged."""
        if self._live is None:
            return self._history.now
        live = self._live
        return tuple(live if sketch.key == live.key else sketch for sketch in self._history.now)

    @property
    def faults(self) -> dict[int, str]:
        """What is wrong, by key."""
        return faults_of(self.drawing)

    @property
    def sketch(self) -> Sketch | None:
        """The one that is selected."""
        return next((sketch for sketch in self.drawing if sketch.key == self.selected), None)

    @property
    def can_undo(self) -> bool:
        """Whether `undo` does something."""
        return bool(self.draft) or self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether `redo` does something."""
        return not self.draft and self._history.can_redo

    @property
    def holding(self) -> bool:
        """Whether something is being dragged."""
        return self._held is not None

    # ---- the mouse

    def press(self, at: Point, reach: Point) -> bool:
        """Take hold of what is there, or add a corner; False where there is nothing to take hold of."""
        self.notice = ""
        at = clipped(at)
        if self.tool is not None:
            self._add_corner(at, reach)
            return True
        touch = touched(self.drawing, self.selected, at, reach)
        if touch is None:
            self.select(None)
            return False
        self.selected, self.corner = touch.key, touch.corner if touch.what == "corner" else None
        sketch = self.sketch
        assert sketch is not None
        made = touch.what == "middle" and len(sketch.points) < MOST_CORNERS
        if made:
            sketch, self.corner = _with_corner(sketch, touch, at), touch.corner + 1
        self._held = _Drag(sketch, self.corner, at, reach, made)
        return True

    def move(self, at: Point) -> None:
        """The mouse is there now."""
        if self.tool is not None:
            self.pointer = clipped(at)
            return
        held = self._held
        if held is None:
            return
        if not held.moved and near(at, held.start, (held.reach[0] / 2, held.reach[1] / 2)):
            return  # a click that trembles moves nothing
        self._held = replace(held, moved=True)
        if held.corner is None:
            self._live = _shifted(held.before, (at[0] - held.start[0], at[1] - held.start[1]))
        else:
            self._live = held.before.with_point(held.corner, clipped(at))

    def release(self, at: Point) -> None:
        """Let go: what was dragged stays there. A line may be drawn by dragging, too."""
        if self.tool == "line" and len(self.draft) == 1 and not near(at, self.draft[0], self._reach):
            self._add_corner(clipped(at), self._reach)
            return
        held, live = self._held, self._live
        self._held = self._live = None
        if held is not None and live is not None:
            self._put(live)
        elif held is not None and held.made:
            self.corner = None

    def double(self, at: Point, reach: Point) -> None:
        """Twice on the picture: ends what is being drawn; on a side, makes a corner there."""
        if self.tool is not None:
            self.finish()
            return
        self._held = self._live = None
        touch = touched(self.drawing, self.selected, clipped(at), reach)
        if touch is None or touch.what not in ("side", "middle"):
            return
        sketch = next(one for one in self.drawing if one.key == touch.key)
        if len(sketch.points) >= MOST_CORNERS:
            self.notice = tr("{most} corners are the most.", most=MOST_CORNERS)
            return
        self._put(_with_corner(sketch, touch, clipped(at)))
        self.selected, self.corner = touch.key, touch.corner + 1

    # ---- drawing something new

    def begin(self, kind: Kind | None) -> None:
        """Draw one of this kind from the next press on; None: draw no more."""
        self.tool, self.draft, self.pointer, self.notice = kind, (), None, ""
        if kind is not None:
            self.select(None)

    def finish(self) -> None:
        """What is being drawn is whole; what lacks corners goes on being drawn, and that is said."""
        kind, points = self.tool, self.draft
        if kind is None:
            return
        made = Sketch(
            key=self._next_key,
            kind=kind,
            points=_rounded(points),
            name=free_name(self.drawing, kind),
            colour=free_colour(self.drawing, kind),
        )
        if len(points) < made.least:
            words = (
                tr("An area has at least 3 corners, this one has {count}.", count=len(points))
                if made.closed
                else tr("A line has at least 2 points, this one has {count}.", count=len(points))
            )
            self.notice = words
            return
        self._next_key += 1
        self.begin(None)
        self._history.do((*self._history.now, made))
        self.selected, self.corner = made.key, None

    def _add_corner(self, at: Point, reach: Point) -> None:
        self._reach = reach
        if len(self.draft) >= 3 and near(at, self.draft[0], reach):
            self.finish()
        elif not self.draft or not near(at, self.draft[-1], (reach[0] / 3, reach[1] / 3)):
            self.draft = (*self.draft, at)
            self.pointer = at
            if len(self.draft) >= (2 if self.tool == "line" else MOST_CORNERS):
                self.finish()

    _reach: Point = (0.0, 0.0)

    # ---- commands

    def select(self, key: int | None) -> None:
        """Let commands go to this one."""
        self.selected, self.corner = key, None

    def change(self, **fields: Any) -> None:
        """Give the one that is selected another name, colour, direction or other classes."""
        sketch = self.sketch
        if sketch is not None:
            self._put(replace(sketch, **fields))

    def reverse(self) -> None:
        """Let a line go the other way, so that its sides change places."""
        sketch = self.sketch
        if sketch is not None:
            self._put(replace(sketch, points=sketch.points[::-1]))
            self.corner = None

    def nudge(self, by: Point) -> None:
        """Move the corner that is selected, or the whole sketch."""
        sketch = self.sketch
        if sketch is None:
            return
        if self.corner is None:
            self._put(_shifted(sketch, by))
        else:
            x, y = sketch.points[self.corner]
            self._put(sketch.with_point(self.corner, clipped((x + by[0], y + by[1]))))

    def step_corner(self, by: int) -> None:
        """Select the next corner, or the one before, round and round."""
        sketch = self.sketch
        if sketch is not None:
            here = self.corner if self.corner is not None else (-1 if by > 0 else 0)
            self.corner = (here + by) % len(sketch.points)

    def delete(self) -> None:
        """Take the selected corner away; without one, or where too few would be left, the whole sketch."""
        sketch, corner = self.sketch, self.corner
        if self.draft:
            self.draft = self.draft[:-1]
        elif sketch is None:
            return
        elif corner is not None and len(sketch.points) > sketch.least:
            self._put(replace(sketch, points=sketch.points[:corner] + sketch.points[corner + 1 :]))
            self.corner = None
        elif corner is not None:
            self.notice = tr("It needs these corners; without one selected, the whole of it is deleted.")
            self.corner = None
        else:
            self._history.do(tuple(one for one in self._history.now if one.key != sketch.key))
            self.select(None)

    def cancel(self) -> bool:
        """Let go of what is dragged, give up what is drawn, select nothing; False: there was none of it."""
        if self._held is not None:
            self._held = self._live = self.corner = None
        elif self.tool is not None:
            self.begin(None)
        elif self.selected is not None:
            self.select(None)
        else:
            return False
        return True

    def undo(self) -> None:
        """One step back; of what is being drawn, one corner."""
        if self.draft:
            self.draft = self.draft[:-1]
        else:
            self._travel(self._history.undo)

    def redo(self) -> None:
        """One step forward again."""
        if not self.draft:
            self._travel(self._history.redo)

    def _travel(self, step: Callable[[], Drawing]) -> None:
        self._held = self._live = None
        there = step()
        self.corner = None
        if all(sketch.key != self.selected for sketch in there):
            self.selected = None

    def _put(self, changed: Sketch) -> None:
        before = next(sketch for sketch in self._history.now if sketch.key == changed.key)
        if changed.points != before.points:
            changed = replace(changed, points=_rounded(changed.points))
        self._history.do(
            tuple(changed if sketch.key == changed.key else sketch for sketch in self._history.now)
        )


def _with_corner(sketch: Sketch, touch: Touch, at: Point) -> Sketch:
    """With one more corner on a side."""
    place = touch.corner + 1
    return replace(sketch, points=(*sketch.points[:place], at, *sketch.points[place:]))


def _rounded(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return tuple((round(x, DIGITS), round(y, DIGITS)) for x, y in points)


def _shifted(sketch: Sketch, by: Point) -> Sketch:
    """Moved as a whole, but not out of the picture."""
    dx, dy = (
        max(-min(values), min(1 - max(values), amount))
        for values, amount in zip(zip(*sketch.points, strict=True), by, strict=True)
    )
    if math.isclose(dx, 0, abs_tol=1e-12) and math.isclose(dy, 0, abs_tol=1e-12):
        return sketch
    return replace(sketch, points=tuple(clipped((x + dx, y + dy)) for x, y in sketch.points))

"""Areas and lines while they are drawn: what is wrong with them is said in words. No Qt here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from pydantic import ValidationError

from surveil.config.camera import Camera
from surveil.config.shapes import MOST_CORNERS, Area, Line, Point, Shape, Zone
from surveil.gui.draft import words_of
from surveil.gui.text import tr
from surveil.render.palette import OKABE_ITO

Kind = Literal["zone", "line", "privacy", "detection"]
KINDS: tuple[Kind, ...] = ("zone", "line", "privacy", "detection")
Direction = Literal["both", "to_left", "to_right"]
DIGITS = 4
"""Of coordinates in the file: a fifth of a pixel of a picture 2,000 pixels wide."""
MASK_COLOURS = {"privacy": "#ff5c5c", "detection": "#b8c0c9"}
PALETTE = tuple(f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in OKABE_ITO)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sketch:
    """One area or line.

    Attributes:
        key: by which it stays itself while everything else of it changes.
        points: corners in 0-1 of the picture.
        name: what people call it; masks need none.
        colour: #rrggbb; None: one is chosen for it. Masks have none.
        classes: that count; empty: all. Masks have none.
        direction: which crossings of a line count.
    """

    key: int
    kind: Kind
    points: tuple[Point, ...]
    name: str = ""
    colour: str | None = None
    classes: tuple[str, ...] = ()
    direction: Direction = "both"

    @property
    def closed(self) -> bool:
        """Whether the last corner is joined to the first."""
        return self.kind != "line"

    @property
    def is_mask(self) -> bool:
        """Whether it hides something; otherwise it means something."""
        return self.kind in MASK_COLOURS

    @property
    def least(self) -> int:
        """How many corners it has at least."""
        return 3 if self.closed else 2

    def sides(self) -> Iterator[tuple[int, Point, Point]]:
        """Every side, with the place of the corner that it begins at."""
        ends = self.points[1:] + (self.points[:1] if self.closed and len(self.points) > 2 else ())
        for number, end in enumerate(ends):
            yield number, self.points[number], end

    def with_point(self, place: int, point: Point) -> Sketch:
        """With a corner elsewhere."""
        return replace(self, points=(*self.points[:place], point, *self.points[place + 1 :]))


Drawing = tuple[Sketch, ...]
"""All of a camera, those below first."""


def drawing_of(camera: Camera) -> Drawing:
    """What the file has: masks below, then zones, then lines, in its order."""
    shapes: list[tuple[Kind, Shape]] = [
        *(("privacy", area) for area in camera.masks.privacy),
        *(("detection", area) for area in camera.masks.detection),
        *(("zone", zone) for zone in camera.zones),
        *(("line", line) for line in camera.lines),
    ]
    return tuple(sketch_of(key, kind, shape) for key, (kind, shape) in enumerate(shapes))


def sketch_of(key: int, kind: Kind, shape: Shape) -> Sketch:
    """An entry of the file as a sketch."""
    points = tuple((float(x), float(y)) for x, y in shape.relative)
    sketch = Sketch(key=key, kind=kind, points=points, name=shape.name)
    if isinstance(shape, Zone | Line):
        sketch = replace(sketch, colour=shape.colour, classes=shape.classes)
    return replace(sketch, direction=shape.direction) if isinstance(shape, Line) else sketch


def shape_of(sketch: Sketch) -> Area | Zone | Line:
    """A sketch as an entry of the file. Raises ValidationError."""
    points = sketch.points
    match sketch.kind:
        case "zone":
            return Zone(name=sketch.name, points=points, colour=sketch.colour, classes=sketch.classes)
        case "line":
            return Line(
                name=sketch.name,
                points=points,
                colour=sketch.colour,
                classes=sketch.classes,
                direction=sketch.direction,
            )
        case _:
            return Area(name=sketch.name, points=points)


@lru_cache(maxsize=1024)
def fault_of(sketch: Sketch) -> str:
    """Why it cannot be kept, in words; empty: it can."""
    if not sketch.name and not sketch.is_mask:
        return tr("It has no name.")
    if len(sketch.points) > MOST_CORNERS:
        return tr("It has {count} corners; {most} are the most.", count=len(sketch.points), most=MOST_CORNERS)
    try:
        shape_of(sketch)
    except ValidationError as error:
        words = words_of(error)
        return f"{words[:1].upper()}{words[1:]}."
    return ""


def faults_of(drawing: Drawing) -> dict[int, str]:
    """What is wrong with each that cannot be kept, by key."""
    found = {sketch.key: fault_of(sketch) for sketch in drawing}
    for sketch in drawing:
        twins = [one for one in drawing if one.kind == sketch.kind and one.name == sketch.name]
        if len(twins) > 1 and not sketch.is_mask and not found[sketch.key]:
            found[sketch.key] = tr("Another one has the name “{name}”, too.", name=sketch.name)
    return {key: words for key, words in found.items() if words}


def colour_in(drawing: Drawing, sketch: Sketch) -> str:
    """How it is drawn: its colour, or the one that its place gives it, as in the tiles."""
    if sketch.kind in MASK_COLOURS:
        return MASK_COLOURS[sketch.kind]
    if sketch.colour is not None:
        return sketch.colour
    order = [one.key for kind in ("zone", "line") for one in drawing if one.kind == kind]
    return PALETTE[(order.index(sketch.key) + 3) % len(PALETTE)] if sketch.key in order else PALETTE[0]


def title_of(drawing: Drawing, sketch: Sketch) -> str:
    """What it is called in lists: its name, or kind and number."""
    if sketch.name:
        return sketch.name
    alike = [one.key for one in drawing if one.kind == sketch.kind]
    return f"{kind_in_words(sketch.kind)} {alike.index(sketch.key) + 1}"


def kind_in_words(kind: Kind) -> str:
    """A kind for people."""
    return {
        "zone": tr("Zone"),
        "line": tr("Line"),
        "privacy": tr("Privacy mask"),
        "detection": tr("Detection mask"),
    }[kind]


def free_name(drawing: Sequence[Sketch], kind: Kind) -> str:
    """A name that no other of its kind has, e.g. `Zone 2`; masks go without."""
    if kind in MASK_COLOURS:
        return ""
    used = {sketch.name for sketch in drawing if sketch.kind == kind}
    names = (f"{kind_in_words(kind)} {number}" for number in range(1, len(used) + 2))
    return next(name for name in names if name not in used)


def free_colour(drawing: Drawing, kind: Kind) -> str | None:
    """The colour that is used least; masks have none."""
    if kind in MASK_COLOURS:
        return None
    used = [colour_in(drawing, sketch) for sketch in drawing]
    return min(PALETTE, key=lambda colour: (used.count(colour), PALETTE.index(colour)))

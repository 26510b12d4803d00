"""What is drawn, and how large: the overlay's switches, and sizes that follow from the picture's height."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from surveil.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayStyle:
    """The switches of the overlay.

    Attributes:
        boxes: rectangles around the tracks; dashed and paler where the last look did not find the object.
        labels: a plate above each box: class, id, score.
        ids: the id on the plate.
        scores: the score on the plate.
        trails: the way of each track's bottom centre over the last `trail_s`.
        zones: areas and lines of the camera.
        hud: the line at the top left (name, time, fps, age, device).
        tentative: also draw tracks that are not confirmed yet.
        lost: also draw tracks that are lost, where they are predicted to be.
        smoothed: draw the filter's boxes; otherwise the matched detections, which tremble.
        trail_s: length of the trails in seconds of media time.
    """

    boxes: bool = True
    labels: bool = True
    ids: bool = True
    scores: bool = True
    trails: bool = True
    zones: bool = True
    hud: bool = True
    tentative: bool = False
    lost: bool = False
    smoothed: bool = True
    trail_s: float = 2.0

    def __post_init__(self) -> None:
        if not self.trail_s > 0:
            raise UsageError(f"OverlayStyle.trail_s: expected seconds above 0, got {self.trail_s}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Lengths in pixels of the picture that is drawn on.

    Attributes:
        line: thickness of boxes and trails.
        text: height of the letters' body (em).
        pad: room left and right of a text on its plate.
        plate: height of a plate.
        dash: length of a dash, and of the gap after it.
    """

    line: int
    text: int
    pad: int
    plate: int
    dash: int


@lru_cache(maxsize=16)
def sizes_for(height: int) -> Sizes:
    """Sizes that look alike on every picture of `height` pixels; the smallest letters can still be read.

    >>> sizes_for(240).text, sizes_for(720).text, sizes_for(2160).text
    (11, 16, 48)
    """
    text = max(11, round(height / 45))
    return Sizes(
        line=max(1, round(height / 400)),
        text=text,
        pad=max(3, round(text * 0.35)),
        plate=round(text * 1.3),
        dash=max(3, round(height / 110)),
    )

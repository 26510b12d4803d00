"""What names a scene: its options, their ranges, and the address `test://street?seed=1&size=640x360`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from surveil.errors import UsageError

SCENES = ("street",)
DEFAULT_SECONDS = 20.0
"""How long a scene runs as a recording when its address names no length."""

_RANGES: dict[str, tuple[float, float, str]] = {
    "seed": (0, 2**31 - 1, ""),
    "fps": (1.0, 120.0, " frames a second"),
    "seconds": (0.1, 86_400.0, " seconds"),
    "shake": (0.0, 20.0, " pixels"),
    "pan": (0.0, 20.0, " degrees"),
    "people": (0, 200, ""),
}
_SIDES = (64, 3840)
_KNOWN = ("seed", "size", "fps", "seconds", "shake", "pan", "people")
_WHOLE = ("seed", "people")


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneConfig:
    """One scene; equal configs give equal pictures on one machine.

    Attributes:
        seed: chooses people, cars, their ways, and the texture of the street.
        size: (width, height) of the pictures in pixels, 64 to 3840 each.
        fps: frames a second, 1 to 120.
        seconds: length in media time; None is 20 s as a recording and without end as a camera.
        shake: how far wind moves the picture's middle at most, in pixels, 0 to 20.
        pan: how far the camera turns slowly to each side, in degrees, 0 to 20.
        people: how many set out in a minute, as far as they find room, 0 to 200.

    Raises:
        UsageError: a value outside its range; the message names it.
    """

    seed: int = 1
    size: tuple[int, int] = (640, 360)
    fps: float = 10.0
    seconds: float | None = None
    shake: float = 0.0
    pan: float = 0.0
    people: int = 26

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:  # NaN fails every comparison
                raise UsageError(f"scene parameter {name!r}: expected {low:g} to {high:g}{unit}, got {value}")
        if not all(_SIDES[0] <= side <= _SIDES[1] for side in self.size):
            raise UsageError(
                f"scene parameter 'size': expected {_SIDES[0]} to {_SIDES[1]} pixels a side, "
                f"got {self.size[0]}x{self.size[1]}"
            )

    @property
    def frame_count(self) -> int:
        """How many frames the scene has as a recording."""
        seconds = DEFAULT_SECONDS if self.seconds is None else self.seconds
        return max(1, round(seconds * self.fps))

    @property
    def moving(self) -> bool:
        """Whether the camera moves."""
        return self.shake > 0 or self.pan > 0


def parse_scene_url(text: str) -> SceneConfig:
    """The scene that an address names, e.g. `test://street?seed=1&size=640x360&fps=10&seconds=20&shake=2&pan=8`.

    Raises:
        UsageError: no known scene, or a parameter that is unknown, twice there, or out of range.

    >>> parse_scene_url("test://street?size=320x180").size
    (320, 180)
    """
    parts = urlsplit(text)
    name = parts.netloc + parts.path.rstrip("/")
    if parts.scheme != "test" or name not in SCENES:
        raise UsageError(f"{text!r} is no scene: expected test://street, with parameters {', '.join(_KNOWN)}")
    options: dict[str, Any] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _KNOWN:
            near = get_close_matches(key.lower(), _KNOWN, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"unknown scene parameter {key!r}: {hint}known: {', '.join(_KNOWN)}")
        if key in options:
            raise UsageError(f"scene parameter {key!r}: expected once, got twice")
        options[key] = _value(key, value)
    return SceneConfig(**options)


def _value(key: str, text: str) -> int | float | tuple[int, int]:
    if key == "size":
        match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
        if not match:
            raise UsageError(f"scene parameter 'size': expected WIDTHxHEIGHT such as 640x360, got {text!r}")
        return int(match[1]), int(match[2])
    low, high, unit = _RANGES[key]
    try:
        number = int(text) if key in _WHOLE else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        kind = "a whole number" if key in _WHOLE else "a number"
        raise UsageError(f"scene parameter {key!r}: expected {kind} {low:g} to {high:g}{unit}, got {text!r}")
    return number

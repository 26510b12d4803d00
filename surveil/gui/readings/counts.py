"""How many objects of each class there were over the last minutes and the last hour, in bins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveil.gui.text import tr
from surveil.render.palette import OKABE_ITO, Colour, contrast
from surveil.types import FrameResult, TrackState

LEAST_CONTRAST = 2.4
"""Of a curve on its ground; less cannot be followed by the eye."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A length of time that can be looked at.

    Attributes:
        bin_s: samples so close together become one point of the curve.
        bins: how many points there are.
    """

    title: str
    bin_s: float
    bins: int


def spans() -> tuple[Span, ...]:
    """All of them, the shortest first."""
    return (
        Span(title=tr("5 minutes"), bin_s=2.0, bins=151),
        Span(title=tr("1 hour"), bin_s=15.0, bins=241),
    )


def count(result: FrameResult) -> Counter[str]:
    """Confirmed objects by class."""
    tracks = result.tracks
    seen = tracks.class_ids[tracks.states == TrackState.CONFIRMED].tolist()
    return Counter(tracks.labels[k] for k in seen)


class History:
    """Means over bins of time, as a ring: memory is bounded by cameras x classes seen in the span.

    `now_s` is of the monotonic clock and never steps back.
    """

    def __init__(self, span: Span) -> None:
        self.span = span
        self._bin: int | None = None
        self._samples: dict[str, NDArray[np.int32]] = {}  # camera -> (bins,)
        self._sums: dict[str, dict[str, NDArray[np.int32]]] = {}  # camera -> class -> (bins,)

    def add(self, now_s: float, counts: Mapping[str, Mapping[str, int]]) -> None:
        """One sample of cameras: objects by class of each that is well; of the others nothing is known."""
        place = self._advance(now_s)
        for camera, classes in counts.items():
            self._samples.setdefault(camera, self._zeros())[place] += 1
            sums = self._sums.setdefault(camera, {})
            for label, number in classes.items():
                sums.setdefault(label, self._zeros())[place] += number

    def keep(self, cameras: Iterable[str]) -> None:
        """Forget all other cameras."""
        for gone in self._samples.keys() - set(cameras):
            del self._samples[gone], self._sums[gone]

    def curves(self, now_s: float, cameras: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Objects at a time by class, of these cameras together: (bins,) each, the newest bin last.

        NaN where none of the cameras could tell.
        """
        place = self._advance(now_s)
        known = [name for name in cameras if name in self._samples]
        if not known:
            return {}
        there = np.any([self._samples[name] > 0 for name in known], axis=0)
        curves: dict[str, NDArray[np.float64]] = {}
        for name in known:
            samples = np.maximum(self._samples[name], 1)
            for label, sums in self._sums[name].items():
                curves[label] = curves.get(label, 0.0) + sums / samples
        return {
            label: np.roll(np.where(there, curve, np.nan), -place - 1)
            for label, curve in sorted(curves.items())
        }

    def times(self) -> NDArray[np.float64]:
        """When the bins of a curve ended, in seconds from now: (bins,), rising, the last is 0."""
        return np.asarray(np.arange(1 - self.span.bins, 1) * self.span.bin_s, np.float64)

    def _zeros(self) -> NDArray[np.int32]:
        return np.zeros(self.span.bins, np.int32)

    def _advance(self, now_s: float) -> int:
        """Empty the bins that time has passed over; the place of the one that is filled now."""
        now = int(now_s // self.span.bin_s)
        passed = 0 if self._bin is None else min(now - self._bin, self.span.bins)
        self._bin = now
        if passed > 0:
            places = np.arange(now - passed + 1, now + 1) % self.span.bins
            for samples in self._samples.values():
                samples[places] = 0
            for sums in self._sums.values():
                for label in list(sums):
                    sums[label][places] = 0
                    if not sums[label].any():
                        del sums[label]  # not seen in all the span
        return now % self.span.bins


class Palette:
    """One colour for each class, given in the order in which classes are seen first."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, label: str) -> int:
        """The number of a class; from 7 on colours come again, and another dash tells them apart."""
        return self._places.setdefault(label, len(self._places))

    def colour(self, label: str, ground: str) -> str:
        """#rrggbb that can be seen on `ground` (#rrggbb)."""
        colour, below = OKABE_ITO[self.place(label) % len(OKABE_ITO)], _bgr(ground)
        while contrast(colour, below) < LEAST_CONTRAST:
            colour = _nearer(colour, 0 if sum(below) > 382 else 255)
        return f"#{colour[2]:02x}{colour[1]:02x}{colour[0]:02x}"

    def dashed(self, label: str) -> bool:
        """Whether its curve is dashed."""
        return self.place(label) // len(OKABE_ITO) % 2 == 1


def ago_text(seconds: float, *, minutes: bool) -> str:
    """A place on the axis of time.

    >>> ago_text(-90, minutes=False), ago_text(-1800, minutes=True), ago_text(0, minutes=True)
    ('-1:30', '-30 min', 'now')
    """
    if seconds > -0.5:
        return tr("now")
    if minutes:
        return tr("-{count} min", count=f"{-seconds / 60:g}")
    return f"-{int(-seconds) // 60}:{int(-seconds) % 60:02d}"


def _bgr(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return blue, green, red


def _nearer(colour: Colour, to: int) -> Colour:
    """A tenth of the way to black (0) or white (255)."""
    blue, green, red = (round(0.9 * channel + 0.1 * to) for channel in colour)
    return blue, green, red

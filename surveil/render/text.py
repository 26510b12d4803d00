"""Text in any script on a picture.

OpenCV 5 brings a TrueType engine with built-in fonts: Latin, Cyrillic, Greek, Hebrew, Arabic, Chinese,
Japanese and Korean are covered, and no font has to be shipped. OpenCV 4 has Hershey's ASCII strokes: letters
lose their accents there. What a font lacks is shown as an empty box.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.render.palette import WHITE, Colour, ink_on

BOX = "\u25a1"  # white square: stands for what cannot be drawn
_WEIGHT = 500  # of the variable font: a little bolder than regular, as letters on coloured ground need it
_PROBE_PX = 24
_CACHED_PLATES = 1024


class TextEngine(Protocol):
    """A way to draw a line of text. All lengths in pixels; `em` is the height of the letters' body."""

    def readable(self, text: str) -> str:
        """`text` with every character that cannot be drawn replaced by `BOX`, in the order of drawing."""

    def width(self, text: str, em: int) -> int:
        """Width of a readable text."""

    def draw(self, image: NDArray[np.uint8], text: str, at: tuple[int, int], em: int, colour: Colour) -> None:
        """Draw a readable text on `image` (H, W, 3) BGR, its base line beginning at `at` (x, y)."""


def open_text_engine() -> TextEngine:
    """The best engine that the installed OpenCV has."""
    return TrueTypeEngine() if hasattr(cv2, "FontFace") else HersheyEngine()


def clean(text: str) -> str:
    r"""One line of drawable characters: composed, without controls, marks of format and broken surrogates.

    >>> clean("a\tb\u200bc\ud800") == "a bc\u25a1"
    True
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_clean_character(c) for c in unicodedata.normalize("NFC", text))


def _clean_character(character: str) -> str:
    if "\ufe00" <= character <= "\ufe0f":  # variation selectors choose between forms that we do not have
        return ""
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf":
            return ""
        case "Cs":  # half of a pair, as undecodable file names hold; OpenCV's engine crashes on it
            return BOX
    return character


class TrueTypeEngine:
    """The engine of OpenCV 5 with its built-in fonts."""

    def __init__(self) -> None:
        self._face: Any = cv2.FontFace("sans")
        self._known: dict[str, bool] = {}
        self._lacking = self._picture("?")  # the engine draws a question mark for what it lacks
        # OpenCV 5.0 draws right-to-left scripts from the left. Wide shin before narrow vav: who stands left?
        shin = self._picture("\u05e9")[:, : self.width("\u05e9", _PROBE_PX)]
        self._turn = bool(np.array_equal(self._picture("\u05e9\u05d5")[:, : shin.shape[1]], shin))

    def _picture(self, text: str) -> NDArray[np.uint8]:
        image = np.zeros((2 * _PROBE_PX, 3 * _PROBE_PX, 3), np.uint8)
        self.draw(image, text, (0, round(1.4 * _PROBE_PX)), _PROBE_PX, (255, 255, 255))
        return image

    def _has(self, character: str) -> bool:
        if character == "?" or " " <= character <= "~":
            return True
        if character not in self._known:
            self._known[character] = not np.array_equal(self._picture(character), self._lacking)
        return self._known[character]

    def readable(self, text: str) -> str:
        """See `TextEngine`."""
        text = clean(text)
        if text.isascii():
            return text
        if self._turn:
            text = turn_right_to_left(text)
        return "".join(c if self._has(c) else BOX for c in text)

    def width(self, text: str, em: int) -> int:
        """See `TextEngine`."""
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._face, em, _WEIGHT)[2])

    def draw(self, image: NDArray[np.uint8], text: str, at: tuple[int, int], em: int, colour: Colour) -> None:
        """See `TextEngine`."""
        cv2.putText(image, text, at, colour, self._face, em, _WEIGHT)


class HersheyEngine:
    """The strokes of OpenCV 4: ASCII; accents are dropped, everything else is a box."""

    _FONT = cv2.FONT_HERSHEY_SIMPLEX
    _UNITS = 30.0  # its capitals are 21 units high: 0.7 em, as in the TrueType font

    def readable(self, text: str) -> str:
        """See `TextEngine`."""
        return "".join(self._nearest(c) for c in clean(text))

    @staticmethod
    def _nearest(character: str) -> str:
        if character.isascii():
            return character
        plain = "".join(c for c in unicodedata.normalize("NFKD", character) if c.isascii())
        return plain if plain.isprintable() and plain else BOX

    def width(self, text: str, em: int) -> int:
        """See `TextEngine`."""
        return sum(self._part_width(part, em) for part in _parts(text))

    def _part_width(self, part: str, em: int) -> int:
        if part == BOX:
            return round(0.8 * em)
        (width, _), _ = cv2.getTextSize(part, self._FONT, em / self._UNITS, 1)
        return int(width)

    def draw(self, image: NDArray[np.uint8], text: str, at: tuple[int, int], em: int, colour: Colour) -> None:
        """See `TextEngine`."""
        (x, y), thickness = at, max(1, round(em / 18))
        for part in _parts(text):
            width = self._part_width(part, em)
            if part == BOX:
                cv2.rectangle(image, (x + 1, y - round(0.6 * em)), (x + width - 2, y), colour, 1)
            else:
                cv2.putText(image, part, (x, y), self._FONT, em / self._UNITS, colour, thickness, cv2.LINE_AA)
            x += width


def _parts(text: str) -> list[str]:
    """Runs of ASCII and single boxes."""
    runs = text.split(BOX)
    return [part for run in runs for part in (run, BOX) if part][:-1]


def turn_right_to_left(text: str) -> str:
    r"""Hebrew and Arabic runs in the order in which an engine without bidirectional text has to draw them.

    A run reaches from its first to its last right-to-left letter; the rest keeps its place (a simple form of
    Unicode's annex 9: no embedding, Latin stays the base direction).

    >>> turn_right_to_left("2 \u05d0\u05d1 \u05d2!") == "2 \u05d2 \u05d1\u05d0!"
    True
    """
    out: list[str] = []
    run: list[str] = []
    tail: list[str] = []  # neutral characters after a run: part of it only when another letter follows
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            run += [*tail, character]
            tail = []
        elif run and kind in ("WS", "ON", "NSM"):
            tail.append(character)
        else:
            out += [*reversed(run), *tail, character]
            run, tail = [], []
    return "".join([*out, *reversed(run), *tail])


class TextRenderer:
    """Texts on pictures, with a memory for plates that come again. Not safe for threads."""

    def __init__(self, engine: TextEngine | None = None) -> None:
        self._engine = engine or open_text_engine()
        self._plates: Callable[..., NDArray[np.uint8]] = lru_cache(_CACHED_PLATES)(self._make_plate)

    def plate(self, text: str, em: int, pad: int, ground: Colour) -> NDArray[np.uint8]:
        """A picture (1.3 em, W, 3) uint8 BGR, read-only, of a line of text on its ground."""
        return self._plates(text, em, pad, ground)

    def _make_plate(self, text: str, em: int, pad: int, ground: Colour) -> NDArray[np.uint8]:
        text = self._engine.readable(text)
        image = np.empty((round(1.3 * em), self._engine.width(text, em) + 2 * pad, 3), np.uint8)
        image[:] = ground
        self._engine.draw(image, text, (pad, em), em, ink_on(ground))
        image.flags.writeable = False
        return image

    def line(self, image: NDArray[np.uint8], text: str, em: int, pad: int) -> None:
        """A white line on darkened ground at the top left of `image` (H, W, 3) BGR, cut to its width."""
        text, room = self._engine.readable(text), image.shape[1] - 4 * pad
        while len(text) > 1 and self._engine.width(text, em) > room:
            text = text[:-2] + "."
        ground = image[pad : 2 * pad + round(1.3 * em), pad : 3 * pad + self._engine.width(text, em)]
        if ground.size:
            ground >>= 2
            self._engine.draw(image, text, (2 * pad, round(1.5 * pad) + em), em, WHITE)

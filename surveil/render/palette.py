"""Colours that the colour-blind can tell apart, one for each track id, always the same."""

from __future__ import annotations

Colour = tuple[int, int, int]
"""Blue, green, red in 0-255."""

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)

# M. Okabe and K. Ito, "Color Universal Design" (2008), without its black; neighbours differ most.
OKABE_ITO: tuple[Colour, ...] = (
    (233, 180, 86),  # sky blue
    (0, 159, 230),  # orange
    (115, 158, 0),  # bluish green
    (66, 228, 240),  # yellow
    (167, 121, 204),  # reddish purple
    (178, 114, 0),  # blue
    (0, 94, 213),  # vermilion
)


def colour_of(track_id: int) -> Colour:
    """The colour of a track, by its id alone."""
    return OKABE_ITO[(track_id - 1) % len(OKABE_ITO)]


def pale(colour: Colour) -> Colour:
    """The same colour half way to white.

    >>> pale((0, 100, 200))
    (127, 177, 227)
    """
    blue, green, red = ((channel + 255) // 2 for channel in colour)
    return blue, green, red


def ink_on(ground: Colour) -> Colour:
    """Black or white, whichever has the greater contrast (WCAG 2.1 relative luminance) on `ground`.

    >>> ink_on((66, 228, 240)), ink_on((178, 114, 0))
    ((0, 0, 0), (255, 255, 255))
    """
    return BLACK if contrast(BLACK, ground) >= contrast(WHITE, ground) else WHITE


def contrast(a: Colour, b: Colour) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    blue, green, red = (_linear(channel / 255) for channel in colour)
    return 0.0722 * blue + 0.7152 * green + 0.2126 * red


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

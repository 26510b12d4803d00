"""Pictures to look at: out of folders and tars, or drawn streets where none are at hand."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.scene import Scene
from training.data.decode import picture_files
from training.errors import ConfigError, DataError

Picture = NDArray[np.uint8]
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
DRAWN = SceneConfig(seed=7, size=(640, 360), seconds=3600.0, people=30)
APART = 70  # frames between drawn pictures: 7 seconds
FIRST = "street-{:02}"


def spread(names: Sequence[str], count: int) -> list[str]:
    """So many of the names, evenly from first to last.

    >>> spread(["a", "b", "c", "d", "e"], 3)
    ['a', 'c', 'e']
    """
    if count >= len(names):
        return list(names)
    places = np.linspace(0, len(names) - 1, count).round().astype(int)
    return [names[k] for k in dict.fromkeys(places.tolist())]


def drawn_pictures(count: int) -> dict[str, Picture]:
    """Frames of a drawn street by name, (H, W, 3) uint8 BGR; always the same ones."""
    scene = Scene(DRAWN)
    return {FIRST.format(k): np.asarray(scene.frame(APART * k)[0], np.uint8) for k in range(1, count + 1)}


def some_pictures(places: Sequence[Path], count: int) -> dict[str, Picture]:
    """Some pictures by file name, evenly spread over the sorted names, (H, W, 3) uint8 BGR.

    Args:
        places: Folders and tars; none: drawn streets.
        count: How many; fewer where there are fewer.

    Raises:
        ConfigError: The count is below one.
        DataError: There are no pictures, or one does not decode.
    """
    if count < 1:
        raise ConfigError(f"expected one picture or more, got {count}")
    if not places:
        return drawn_pictures(count)
    names = sorted({name for name, _ in picture_files(places) if Path(name).suffix.lower() in SUFFIXES})
    if not names:
        raise DataError(f"{', '.join(map(str, places))}: no pictures ({', '.join(sorted(SUFFIXES))})")
    found: dict[str, Picture] = {}
    for name, raw in picture_files(places, set(spread(names, count))):
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
        if image is None:
            raise DataError(f"{name}: the picture does not decode (in {', '.join(map(str, places))})")
        found[name] = np.asarray(image, np.uint8)
    return dict(sorted(found.items()))

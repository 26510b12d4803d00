"""Pictures with boxes, whatever format they came in."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True, kw_only=True)
class Box:
    """An object: class name, xyxy in pixels of the picture; `difficult` ones are ignored in all figures."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    difficult: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture file, its size in pixels, and everything that is annotated in it."""

    file: Path
    width: int
    height: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Pictures by split (`train`, `val`), and the names of all classes in their order."""

    labels: tuple[str, ...]
    splits: dict[str, list[Picture]]


def picture_size(file: Path) -> tuple[int, int] | None:
    """Width and height of a picture; None if it is missing or does not decode."""
    try:
        raw = np.fromfile(file, np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    return None if image is None else (image.shape[1], image.shape[0])


def find_picture(folder: Path, stem: str) -> Path | None:
    """The picture `stem` with any of the usual suffixes in a folder."""
    for suffix in SUFFIXES:
        for file in (folder / f"{stem}{suffix}", folder / f"{stem}{suffix.upper()}"):
            if file.exists():
                return file
    return None

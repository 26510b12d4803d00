"""The annotation file that a model is judged by: COCO format, read strictly.

An image's `labelled` names the classes whose objects are all annotated in it ("all", also where it is left
out: every class of the file). Problems are named with the file and the entry. What makes the file ambiguous
ends the reading; a box that is empty or lies outside its picture is left out, and that is said.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.records import read_json
from training.errors import DataError

log = logging.getLogger(__name__)

_SHOWN = 8
_LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Images and their boxes.

    Attributes:
        path: The file.
        images: Entries with `id`, `file_name`, `width`, `height`, `labelled` and `source`.
        annotations: Entries with `id`, `image_id`, `category_id`, `bbox` (x, y, width, height in pixels),
            `area` and `iscrowd`.
        categories: Id by name.
    """

    path: Path
    images: tuple[dict[str, Any], ...]
    annotations: tuple[dict[str, Any], ...]
    categories: Mapping[str, int]

    def indices(self) -> dict[str, int]:
        """Index of an image by its file name without folders."""
        return {Path(image["file_name"]).name: k for k, image in enumerate(self.images)}


class _Reader:
    """Collects what is wrong, so that a user sees it at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.left_out: list[str] = []

    def entry(self, where: str, entry: Any, keys: Mapping[str, type | tuple[type, ...]]) -> bool:
        """Whether an entry is an object that holds values of these types."""
        if not isinstance(entry, dict):
            self.problems.append(f"{where}: expected an object, got {type(entry).__name__}")
            return False
        before = len(self.problems)
        for key, kind in keys.items():
            value = entry.get(key)
            if not isinstance(value, kind) or isinstance(value, bool):
                self.problems.append(f"{where}.{key}: missing or of a wrong type ({value!r})")
        return len(self.problems) == before

    def once(self, where: str, value: Any, seen: dict[Any, str]) -> None:
        """Note a value that stands twice."""
        if value in seen:
            self.problems.append(f"{where}: {value!r} stands at {seen[value]} already")
        seen.setdefault(value, where)

    def categories(self, entries: list[Any]) -> dict[str, int]:
        found: dict[str, int] = {}
        ids: dict[Any, str] = {}
        names: dict[Any, str] = {}
        for k, entry in enumerate(entries):
            if self.entry(f"categories[{k}]", entry, {"id": int, "name": str}):
                self.once(f"categories[{k}].id", entry["id"], ids)
                self.once(f"categories[{k}].name", entry["name"], names)
                found[entry["name"]] = entry["id"]
        return found

    def images(self, entries: list[Any], categories: Mapping[str, int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        ids: dict[Any, str] = {}
        files: dict[Any, str] = {}
        for k, entry in enumerate(entries):
            where = f"images[{k}]"
            kinds: dict[str, type] = {"id": int, "file_name": str, "width": int, "height": int}
            if not self.entry(where, entry, kinds):
                continue
            self.once(f"{where}.id", entry["id"], ids)
            self.once(f"{where}.file_name", Path(entry["file_name"]).name, files)
            labelled = entry.get("labelled", "all")
            unknown = [] if labelled == "all" else [n for n in labelled if n not in categories]
            if unknown or not isinstance(labelled, str | list):
                self.problems.append(f"{where}.labelled: no such category: {unknown or labelled!r}")
            found[entry["id"]] = {**entry, "labelled": labelled, "source": entry.get("source", "")}
        return found

    def annotations(
        self, entries: list[Any], images: Mapping[int, dict[str, Any]], categories: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        found = []
        ids: dict[Any, str] = {}
        known = set(categories.values())
        for k, entry in enumerate(entries):
            where = f"annotations[{k}]"
            kinds: dict[str, type] = {"id": int, "image_id": int, "category_id": int, "bbox": list}
            if not self.entry(where, entry, kinds):
                continue
            self.once(f"{where}.id", entry["id"], ids)
            if entry["image_id"] not in images:
                self.problems.append(f"{where}.image_id: no image {entry['image_id']}")
            elif entry["category_id"] not in known:
                self.problems.append(f"{where}.category_id: unknown category {entry['category_id']}")
            elif not _numbers(entry["bbox"]):
                self.problems.append(f"{where}.bbox: expected x, y, width, height, got {entry['bbox']}")
            elif not _seen(entry["bbox"], images[entry["image_id"]]):
                self.left_out.append(f"{where} (image {entry['image_id']}, {entry['bbox']})")
            else:
                size = {"area": entry["bbox"][2] * entry["bbox"][3], "iscrowd": 0}
                found.append({**size, **entry})
        return found


def _numbers(box: list[Any]) -> bool:
    return len(box) == 4 and all(isinstance(v, int | float) and math.isfinite(v) for v in box)


def _seen(box: list[float], image: Mapping[str, Any]) -> bool:
    """Whether a part of the box, x, y, width, height, lies in the picture."""
    x, y, w, h = box
    inside = x < image["width"] and y < image["height"] and x + w > 0 and y + h > 0
    return inside and w > 0 and h > 0


def load_truth(path: Path) -> Truth:
    """Read an annotation file.

    Raises:
        DataError: It cannot be read, is empty, holds duplicate ids, unknown categories, …: the message
            names the entries.
    """
    data = read_json(path)
    missing = [key for key in _LISTS if not isinstance(data, dict) or not isinstance(data.get(key), list)]
    if missing:
        raise DataError(f"{path}: not COCO annotations: no list {', '.join(missing)}")
    empty = [key for key in _LISTS if not data[key]]
    if empty:
        raise DataError(f"{path}: nothing to judge by: {', '.join(empty)} is empty")
    reader = _Reader()
    categories = reader.categories(data["categories"])
    images = reader.images(data["images"], categories)
    annotations = reader.annotations(data["annotations"], images, categories)
    if reader.problems:
        more = [f"… and {len(reader.problems) - _SHOWN} more"] if len(reader.problems) > _SHOWN else []
        raise DataError("\n  ".join([f"{path}: cannot be judged by:", *reader.problems[:_SHOWN], *more]))
    for name in reader.left_out:
        log.warning("%s: %s: no part of this box lies in its picture: left out", path.name, name)
    return Truth(
        path=path, images=tuple(images.values()), annotations=tuple(annotations), categories=categories
    )

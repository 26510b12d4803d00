"""The annotation file that a model is judged by: COCO format, read strictly.

An image's `labelled` names the classes whose objects are all annotated in it ("all", also where it is left
out: every class of the file). Problems are named with the file and the entry. What makes the file ambiguous
ends the reading; a box that is empty or lies outside its picture is left out, and that is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Any

from training.data.coco import UNSEEN, Coco, Problems, fault_of, is_number, read_coco
from training.data.complaints import Complaints
from training.errors import DataError

WHAT = "cannot be judged by"


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
    images: tuple[Mapping[str, Any], ...]
    annotations: tuple[dict[str, Any], ...]
    categories: Mapping[str, int]

    def indices(self) -> dict[str, int]:
        """Index of an image by its file name without folders."""
        return {Path(image["file_name"]).name: k for k, image in enumerate(self.images)}


def load_truth(path: Path) -> Truth:
    """Read an annotation file.

    Raises:
        DataError: It cannot be read, is empty, holds duplicate ids, unknown categories, …: the message
            names the entries.
    """
    coco, problems, complaints = read_coco(path, WHAT), Problems(path, WHAT), Complaints()
    if not coco.annotations:
        raise DataError(f"{path}: nothing to judge by: annotations is empty")
    annotations = _annotations(coco, problems, complaints)
    problems.check()
    complaints.sum_up()
    if not annotations:
        raise DataError(f"{path}: nothing to judge by: none of its boxes can be seen")
    return Truth(
        path=path,
        images=tuple(coco.images.values()),
        annotations=tuple(annotations),
        categories=coco.categories,
    )


def _annotations(coco: Coco, problems: Problems, complaints: Complaints) -> list[dict[str, Any]]:
    """Those that count, with an area each; problems and complaints hear of the others."""
    found: list[dict[str, Any]] = []
    ids: dict[Any, str] = {}
    names = coco.names
    for k, entry in enumerate(coco.annotations):
        where, fault = f"annotations[{k}]", fault_of(entry, coco.images, names)
        if fault and fault[0] not in UNSEEN:
            problems.add(where, f"{fault[0]} ({fault[1]})")
            continue
        if problems.entry(where, entry, {"id": int}):
            problems.once(f"{where}.id", entry["id"], ids)
        if fault:
            complaints.add(f"{fault[0]}, left out", f"{coco.path}: {where} ({fault[1]})")
            continue
        area = entry.get("area", entry["bbox"][2] * entry["bbox"][3])
        if not is_number(area) or area < 0:
            problems.add(f"{where}.area", f"expected square pixels, got {short(area)}")
        found.append({**entry, "area": area, "iscrowd": int(entry.get("iscrowd", 0))})
    return found

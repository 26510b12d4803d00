"""COCO annotation files, read alike for training and for judging: faults are named with file and entry.

What makes a file ambiguous (its images, its categories) ends the reading. What is wrong with one annotation
the reader is told as a `Fault`: training leaves that annotation out, judging refuses most of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from reprlib import repr as short
from typing import Any

from training.data.complaints import Complaints
from training.errors import DataError

LISTS = ("images", "annotations", "categories")
SHOWN = 8  # problems that an error lists
SIDE = 2**16  # pixels: no picture is wider or higher
SEEN = 0.01  # pixels of a box that must lie in its picture: less is lost in float32
FARTHEST = 1e10  # no number of an annotation is larger


class Fault(StrEnum):
    """What may be wrong with an annotation."""

    ENTRY = "not an object"
    IMAGE = "its image_id is of no image in the file"
    CATEGORY = "its category_id is of no category in the file"
    NUMBERS = "its bbox is not x, y, width, height: four finite numbers"
    CROWD = "its iscrowd is neither 0 nor 1"
    INVERTED = "its bbox is inverted or empty: width and height must be above 0"
    OUTSIDE = "no part of its bbox lies in the picture"


UNSEEN = (
    Fault.INVERTED,
    Fault.OUTSIDE,
)  # of boxes that nobody could see: judging leaves them out as well


@dataclass(frozen=True, kw_only=True)
class Coco:
    """A file whose images and categories are in order.

    Attributes:
        path: The file.
        content: All that it holds, as it stands there.
        images: Entries by id, in the file's order, with `id`, `file_name`, `width`, `height`, `labelled`
            ("all" or names of categories) and `source`.
        categories: Id by name, in the file's order.
    """

    path: Path
    content: Mapping[str, Any]
    images: Mapping[int, Mapping[str, Any]]
    categories: Mapping[str, int]

    @property
    def annotations(self) -> Sequence[Any]:
        """As they stand in the file; see `fault_of`."""
        entries: Sequence[Any] = self.content["annotations"]
        return entries

    @property
    def names(self) -> dict[int, str]:
        """Name of a category by its id."""
        return {number: name for name, number in self.categories.items()}


class Problems:
    """Collects what is wrong with a file, so that a user sees it at once."""

    def __init__(self, path: Path, what: str) -> None:
        """`what`: the error in a word or two, before the list of problems."""
        self.path, self.what = path, what
        self.found: list[str] = []

    def add(self, where: str, text: str) -> None:
        """One more: `where` is the entry."""
        self.found.append(f"{where}: {text}")

    def entry(self, where: str, entry: Any, kinds: Mapping[str, type]) -> bool:
        """Whether an entry is an object that holds values of these types."""
        if not isinstance(entry, dict):
            self.add(where, f"expected an object, got {type(entry).__name__}")
            return False
        wrong = [key for key, kind in kinds.items() if not is_of(entry.get(key), kind)]
        for key in wrong:
            what = f"of a wrong type ({short(entry[key])})" if key in entry else "missing"
            self.add(f"{where}.{key}", f"{what}, expected {kinds[key].__name__}")
        return not wrong

    def once(self, where: str, value: Any, seen: dict[Any, str]) -> None:
        """Note a value that stands twice."""
        if value in seen:
            self.add(where, f"{short(value)} stands at {seen[value]} already")
        seen.setdefault(value, where)

    def check(self) -> None:
        """Raise a DataError that lists what was found, if anything was."""
        if len(self.found) == 1:
            raise DataError(f"{self.path}: {self.found[0]}")
        if self.found:
            more = [f"… and {len(self.found) - SHOWN} more"] if len(self.found) > SHOWN else []
            raise DataError("\n  ".join([f"{self.path}: {self.what}:", *self.found[:SHOWN], *more]))


def is_of(value: Any, kind: type) -> bool:
    """Whether a JSON value is of a type; true and false are no numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number that a pixel or a score can have."""
    return (is_of(value, int) or is_of(value, float)) and -FARTHEST <= value <= FARTHEST


def is_labelled(image: Mapping[str, Any], name: str) -> bool:
    """Whether every object of class `name` is annotated in the image."""
    labelled = image.get("labelled", "all")
    return labelled == "all" or name in labelled


def read_json(path: Path) -> Any:
    """Contents of a JSON file; a `DataError` names it when it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON (line {error.lineno}: {error.msg})") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, numbers of thousands of digits, endless lists
        raise DataError(f"{path}: not JSON ({error})") from error


def read_coco(path: Path, what: str = "cannot be used") -> Coco:
    """Read a COCO file.

    Args:
        path: The file.
        what: What an error says of it before it lists the entries.

    Raises:
        DataError: It is missing or broken, has no images, or its images or categories are ambiguous: the
            message names the entries.
    """
    content = read_json(path)
    missing = [
        key for key in LISTS if not isinstance(content, dict) or not isinstance(content.get(key), list)
    ]
    if missing:
        raise DataError(f"{path}: not COCO, it has no list `{'`, `'.join(missing)}`")
    if not content["images"]:
        raise DataError(f"{path}: no images")
    problems = Problems(path, what)
    categories = _categories(content["categories"], problems)
    images = _images(content["images"], categories, problems)
    problems.check()
    return Coco(path=path, content=content, images=images, categories=categories)


def _categories(entries: Sequence[Any], problems: Problems) -> dict[str, int]:
    found: dict[str, int] = {}
    ids: dict[Any, str] = {}
    names: dict[Any, str] = {}
    for k, entry in enumerate(entries):
        if problems.entry(f"categories[{k}]", entry, {"id": int, "name": str}):
            problems.once(f"categories[{k}].id", entry["id"], ids)
            problems.once(f"categories[{k}].name", entry["name"], names)
            found[entry["name"]] = entry["id"]
    return found


def _images(
    entries: Sequence[Any], categories: Mapping[str, int], problems: Problems
) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    ids: dict[Any, str] = {}
    files: dict[Any, str] = {}
    kinds: Mapping[str, type] = {"id": int, "file_name": str, "width": int, "height": int}
    for k, entry in enumerate(entries):
        where = f"images[{k}]"
        if not problems.entry(where, entry, kinds):
            continue
        problems.once(f"{where}.id", entry["id"], ids)
        problems.once(f"{where}.file_name", Path(entry["file_name"]).name, files)
        if not Path(entry["file_name"]).name:
            problems.add(f"{where}.file_name", f"names no file ({short(entry['file_name'])})")
        for key in ("width", "height"):
            if not 1 <= entry[key] <= SIDE:
                problems.add(f"{where}.{key}", f"expected 1 to {SIDE} pixels, got {short(entry[key])}")
        full = {**entry, "labelled": entry.get("labelled", "all"), "source": entry.get("source", "")}
        if not isinstance(full["source"], str):
            problems.add(f"{where}.source", f"expected a text, got {short(full['source'])}")
        _check_labelled(f"{where}.labelled", full["labelled"], categories, problems)
        found[entry["id"]] = full
    return found


def _check_labelled(where: str, labelled: Any, categories: Mapping[str, int], problems: Problems) -> None:
    if labelled == "all":
        return
    if not isinstance(labelled, list):
        problems.add(where, f'expected "all" or a list of categories, got {short(labelled)}')
        return
    unknown = [name for name in labelled if not isinstance(name, str) or name not in categories]
    if unknown:
        problems.add(where, f"no such category: {short(unknown)}")


def fault_of(
    entry: Any, images: Mapping[int, Mapping[str, Any]], categories: Mapping[int, str]
) -> tuple[Fault, str] | None:
    """What is wrong with an annotation, and the value that is; None if nothing is.

    Args:
        entry: The annotation as it stands in the file.
        images: By id.
        categories: Names by id.
    """
    if not isinstance(entry, dict):
        return Fault.ENTRY, type(entry).__name__
    number, category, box = (entry.get(key) for key in ("image_id", "category_id", "bbox"))
    crowd = entry.get("iscrowd", 0)
    if not is_of(number, int) or number not in images:
        return Fault.IMAGE, short(number)
    if not is_of(category, int) or category not in categories:
        return Fault.CATEGORY, short(category)
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        return Fault.NUMBERS, short(box)
    if not isinstance(crowd, int | float) or crowd not in (0, 1):
        return Fault.CROWD, short(crowd)
    x, y, width, height = box
    image = images[number]
    if width <= 0 or height <= 0:
        return Fault.INVERTED, f"image {number}, {short(box)}"
    if (
        min(x + width, image["width"]) - max(x, 0) < SEEN
        or min(y + height, image["height"]) - max(y, 0) < SEEN
    ):
        return Fault.OUTSIDE, f"image {number}, {image['width']}x{image['height']}, {short(box)}"
    return None


def usable(coco: Coco, complaints: Complaints) -> list[tuple[int, dict[str, Any]]]:
    """Annotations that can be learned from, with their places in the file; the others are left out and named.

    Equal annotations of one id count once. Different ones may share an id: training does not need it, and the
    file is only said to be odd.
    """
    found: list[tuple[int, dict[str, Any]]] = []
    ids: dict[Any, int] = {}
    names = coco.names
    for k, entry in enumerate(coco.annotations):
        where = f"{coco.path}: annotations[{k}]"
        fault = fault_of(entry, coco.images, names)
        if fault:
            complaints.add(f"{fault[0]}, left out", f"{where} ({fault[1]})")
            continue
        number = entry.get("id")
        first = ids.setdefault(number, k) if is_of(number, int) else k
        if first != k and _same(entry, coco.annotations[first]):
            complaints.add("stands in the file twice, counted once", f"{where} (as annotations[{first}])")
            continue
        if first != k:
            complaints.add("another annotation has its id, both are kept", f"{where} (annotations[{first}])")
        found.append((k, entry))
    return found


def _same(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    return all(one[key] == two[key] for key in ("image_id", "category_id", "bbox"))

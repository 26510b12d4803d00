"""Annotations of partly labelled images, merged with a teacher's detections.

An image's `labelled` names the classes whose objects are all annotated in it ("all": every class of the file
except the undivided groups). A class outside it is never background: the teacher's sure detections become
boxes, its doubtful ones regions where that class is ignored. Files without `labelled` are plain COCO:
everything is labelled.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

log = logging.getLogger(__name__)

MAX_CLASSES = 8  # the ignore map holds one bit a class in a byte


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """What the boxes of an annotation file mean for the detector.

    Attributes:
        labels: The detector's classes, in the order of its outputs.
        groups: Undivided categories and the classes they may be. Members of a group exclude each other.
        weak_sources: Values of an image's `source` whose annotations miss objects.
        sure: A teacher's detection of an unlabelled class from this score on is a box.
        doubtful: In weak sources, a detection of a labelled class above this score that hits no box is
            ignored.
        same_iou: Two boxes that overlap by more show the same object.
    """

    labels: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (("vehicle_any", ("car", "bus", "truck")),)
    weak_sources: tuple[str, ...] = ()
    sure: float = 0.4
    doubtful: float = 0.3
    same_iou: float = 0.45

    def __post_init__(self) -> None:
        """Check that the classes fit the ignore map."""
        if not 0 < len(self.labels) <= MAX_CLASSES:
            raise DataError(f"labels: expected 1 to {MAX_CLASSES} classes, got {len(self.labels)}")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One image and what is known about it; boxes are xyxy float32 in pixels of the image.

    Attributes:
        image_id: Its id in the annotation file.
        file_name: Name without folders.
        source: Where the image came from ("" if the file does not say).
        width: Pixels.
        height: Pixels.
        boxes: (G, 4) objects.
        classes: (G,) int64 index into the labels.
        ignore: (R, 4) regions.
        ignore_bits: (R,) uint8, bit c set where class c is to be ignored in that region.
    """

    image_id: int
    file_name: str
    source: str
    width: int
    height: int
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignore: NDArray[np.float32]
    ignore_bits: NDArray[np.uint8]


@dataclass(frozen=True)
class Seen:
    """One detection of the teacher: class index, box (4,) xyxy, score."""

    label: int
    box: NDArray[np.float32]
    score: float


def box_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU (A, B) of boxes (A, 4) and (B, 4), xyxy."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(1) for x in (a, b))
    return np.asarray(inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9), np.float32)


def is_labelled(image: dict[str, Any], name: str) -> bool:
    """Whether every object of class `name` is annotated in the image."""
    labelled = image.get("labelled", "all")
    return labelled == "all" or name in labelled


def data_hash(*files: Path) -> str:
    """Short sha256 over the bytes of annotation files: the card names the data by it."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def read_json(path: Path) -> Any:
    """Contents of a JSON file; a `DataError` names it when it is missing or broken."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON (line {error.lineno}: {error.msg})") from error


class Labeller:
    """Turns the annotations and detections of one image into a `Record`."""

    def __init__(self, config: LabelConfig, names: dict[int, str]) -> None:
        """`names`: category id to category name of the annotation file."""
        self.config = config
        self.names = names
        self.index = {name: c for c, name in enumerate(config.labels)}
        self.groups = {
            group: [self.index[m] for m in members if m in self.index] for group, members in config.groups
        }
        self.exclusive = {c for members in self.groups.values() for c in members}

    def seen(self, rows: Sequence[Sequence[float]]) -> list[Seen]:
        """The teacher's rows [image, category, x, y, width, height, score] of our classes."""
        found = []
        for _, category, x, y, w, h, score in rows:
            label = self.index.get(self.names.get(int(category), ""))
            if label is not None:
                found.append(Seen(label, np.array([x, y, x + w, y + h], np.float32), score))
        return found

    def record(
        self, image: dict[str, Any], annotations: Sequence[dict[str, Any]], rows: Sequence[Sequence[float]]
    ) -> Record:
        """Merge one image's annotations with the teacher's detections (rows as in `seen`)."""
        seen = self.seen(rows)
        boxes: list[tuple[NDArray[np.float32], int]] = []
        ignore: list[tuple[NDArray[np.float32], int]] = []
        truth: list[NDArray[np.float32]] = []
        for annotation in annotations:
            self._annotation(image, annotation, seen, boxes, ignore)
        truth = [box for box, _ in boxes] + [box for box, bits in ignore if bits.bit_count() == 1]
        self._fill(image, seen, _stack(truth), boxes, ignore)
        return Record(
            image_id=image["id"],
            file_name=Path(image["file_name"]).name,
            source=image.get("source", ""),
            width=image["width"],
            height=image["height"],
            boxes=_stack([box for box, _ in boxes]),
            classes=np.array([c for _, c in boxes], np.int64),
            ignore=_stack([box for box, _ in ignore]),
            ignore_bits=np.array([bits for _, bits in ignore], np.uint8),
        )

    def _annotation(
        self,
        image: dict[str, Any],
        annotation: dict[str, Any],
        seen: list[Seen],
        boxes: list[tuple[NDArray[np.float32], int]],
        ignore: list[tuple[NDArray[np.float32], int]],
    ) -> None:
        """Add one annotation to the boxes or to the regions to ignore."""
        name = self.names.get(annotation["category_id"], "")
        x, y, w, h = annotation["bbox"]
        box = np.array([x, y, x + w, y + h], np.float32)
        box[0::2] = box[0::2].clip(0, image["width"])
        box[1::2] = box[1::2].clip(0, image["height"])
        if not (box[2] - box[0] > 0 and box[3] - box[1] > 0):
            log.warning(
                "annotation %s of image %s has an empty box: left out", annotation.get("id"), image["id"]
            )
        elif name in self.groups:  # undivided: the teacher names it, the other members are left open
            members = self.groups[name]
            near = [(s.score, s.label) for s in seen if s.label in members and self._same(box, s.box)]
            label = max(near)[1] if near else members[0]
            boxes.append((box, label))
            ignore.append((box, sum(1 << c for c in members if c != label)))
        elif name in self.index and is_labelled(image, name):
            label = self.index[name]
            if annotation.get("iscrowd"):
                ignore.append((box, 1 << label))
            else:
                boxes.append((box, label))

    def _same(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
        return bool(box_iou(a[None], b[None])[0, 0] > self.config.same_iou)

    def _fill(
        self,
        image: dict[str, Any],
        seen: list[Seen],
        truth: NDArray[np.float32],
        boxes: list[tuple[NDArray[np.float32], int]],
        ignore: list[tuple[NDArray[np.float32], int]],
    ) -> None:
        """Let the teacher speak for the classes that nobody labelled, and veto background in weak sources."""
        known = {c for name, c in self.index.items() if is_labelled(image, name)}
        labelled = image.get("labelled", "all")
        for group, members in self.groups.items():
            if labelled != "all" and group in labelled:
                known.update(members)
        weak = image.get("source", "") in self.config.weak_sources
        for s in seen:
            hit = len(truth) > 0 and box_iou(s.box[None], truth).max() > self.config.same_iou
            if s.label not in known:
                if s.score >= self.config.sure and not (hit and s.label in self.exclusive):
                    boxes.append((s.box, s.label))
                else:
                    ignore.append((s.box, 1 << s.label))
            elif weak and s.score > self.config.doubtful and not hit:
                ignore.append((s.box, 1 << s.label))


def _stack(boxes: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


def load_records(annotations: Path, config: LabelConfig, teacher: Path | None = None) -> list[Record]:
    """Read a COCO-format file (and a teacher's detections) into records, in the order of its `images`.

    Args:
        annotations: COCO JSON; `labelled` and `source` of an image are optional.
        config: The classes and how labels are merged.
        teacher: JSON list of [image_id, category_id, x, y, width, height, score], or None.

    Raises:
        DataError: A file is broken, an image id occurs twice, or none of the classes is in the file.
    """
    data = read_json(annotations)
    names = {c["id"]: c["name"] for c in data["categories"]}
    if not set(config.labels) & set(names.values()):
        raise DataError(f"{annotations}: none of the classes {', '.join(config.labels)} among its categories")
    truth: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for a in data["annotations"]:
        truth[a["image_id"]].append(a)
    rows: dict[int, list[Sequence[float]]] = defaultdict(list)
    for row in read_json(teacher) if teacher else []:
        rows[int(row[0])].append(row)
    labeller, records, ids = Labeller(config, names), [], set()
    for image in data["images"]:
        k = image["id"]
        if k in ids:
            raise DataError(f"{annotations}: image id {k} occurs twice")
        ids.add(k)
        records.append(labeller.record(image, truth[k], rows[k]))
    if not records:
        raise DataError(f"{annotations}: no images")
    return records

"""Annotations of partly labelled images, merged with a teacher's detections.

An image's `labelled` names the classes whose objects are all annotated in it ("all": every class of the file
except the undivided groups). A class outside it is never background: the teacher's sure detections become
boxes, its doubtful ones regions where that class is ignored. Files without `labelled` are plain COCO:
everything is labelled.
"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.coco import Coco, is_labelled, is_number, read_coco, read_json, usable
from training.data.complaints import Complaints
from training.errors import DataError

log = logging.getLogger(__name__)


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
        removed: Classes that nothing is learned of, see `data.balance`: all classes are ignored where their
            boxes are. Those that are not among the labels have no output either.
    """

    labels: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (("vehicle_any", ("car", "bus", "truck")),)
    weak_sources: tuple[str, ...] = ()
    sure: float = 0.4
    doubtful: float = 0.3
    same_iou: float = 0.45
    removed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the classes."""
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise DataError(f"labels: expected classes, each of them once, got {self.labels}")

    @property
    def read(self) -> tuple[str, ...]:
        """Classes whose annotations are looked at: the labels, then what was removed from them."""
        return self.labels + tuple(name for name in self.removed if name not in self.labels)


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
        ignored: (R, C) bool: which classes are to be ignored in each region.
    """

    image_id: int
    file_name: str
    source: str
    width: int
    height: int
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignore: NDArray[np.float32]
    ignored: NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """The teacher's S detections in an image: class indices (S,), boxes (S, 4) xyxy float32, scores (S,)."""

    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float64]


def box_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU (A, B) of boxes (A, 4) and (B, 4), xyxy."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(1) for x in (a, b))
    return np.asarray(inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9), np.float32)


def data_hash(*files: Path) -> str:
    """Short sha256 over the bytes of annotation files: the card names the data by it."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Labeller:
    """Turns the annotations and detections of one image into a `Record`."""

    def __init__(self, config: LabelConfig, names: Mapping[int, str]) -> None:
        """`names`: category id to category name of the annotation file."""
        self.config, self.names = config, names
        self.index = {name: c for c, name in enumerate(config.read)}
        self.groups = {
            group: [self.index[m] for m in members if m in self.index] for group, members in config.groups
        }
        self.exclusive = {c for members in self.groups.values() for c in members}

    def seen(self, rows: Sequence[Sequence[float]]) -> Seen:
        """The teacher's rows [image, category, x, y, width, height, score] of our classes."""
        names = [self.names.get(int(row[1]), "") for row in rows]
        ours = [(self.index[name], row) for name, row in zip(names, rows, strict=True) if name in self.index]
        table = np.array([row[2:7] for _, row in ours], np.float64).reshape(-1, 5)
        boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], 1).astype(np.float32)
        return Seen(np.array([label for label, _ in ours], np.int64), boxes, table[:, 4])

    def record(
        self,
        image: Mapping[str, Any],
        annotations: Sequence[Mapping[str, Any]],
        rows: Sequence[Sequence[float]],
    ) -> Record:
        """Merge an image's usable annotations with the teacher's detections (rows as in `seen`)."""
        seen = self.seen(rows)
        boxes: list[tuple[NDArray[np.float32], int]] = []
        ignore: list[tuple[NDArray[np.float32], int]] = []
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
            ignored=_flags([bits for _, bits in ignore], len(self.index)),
        )

    def _annotation(
        self,
        image: Mapping[str, Any],
        annotation: Mapping[str, Any],
        seen: Seen,
        boxes: list[tuple[NDArray[np.float32], int]],
        ignore: list[tuple[NDArray[np.float32], int]],
    ) -> None:
        """Add one annotation to the boxes or to the regions to ignore."""
        name = self.names[annotation["category_id"]]
        x, y, w, h = annotation["bbox"]
        box = np.array([x, y, x + w, y + h], np.float32)
        box[0::2] = box[0::2].clip(0, image["width"])
        box[1::2] = box[1::2].clip(0, image["height"])
        if self.groups.get(name):  # undivided: the teacher names it, the other members are left open
            members = self.groups[name]
            near = np.isin(seen.labels, members) & (_overlap(seen.boxes, box[None]) > self.config.same_iou)
            best = max(zip(seen.scores[near], seen.labels[near], strict=True), default=(0.0, members[0]))
            label = int(best[1])
            boxes.append((box, label))
            ignore.append((box, sum(1 << c for c in members if c != label)))
        elif name in self.index and is_labelled(image, name):
            label = self.index[name]
            if annotation.get("iscrowd"):
                ignore.append((box, 1 << label))
            else:
                boxes.append((box, label))

    def _fill(
        self,
        image: Mapping[str, Any],
        seen: Seen,
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
        hits = _overlap(seen.boxes, truth) > self.config.same_iou
        rows = zip(seen.labels.tolist(), seen.boxes, seen.scores.tolist(), hits.tolist(), strict=True)
        for label, box, score, hit in rows:
            if label not in known:
                if score >= self.config.sure and not (hit and label in self.exclusive):
                    boxes.append((box, label))
                else:
                    ignore.append((box, 1 << label))
            elif weak and score > self.config.doubtful and not hit:
                ignore.append((box, 1 << label))


def _overlap(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest IoU (S,) of each box with the others; 0 where there are none."""
    return np.asarray(box_iou(boxes, others).max(1, initial=0.0), np.float32)


def _stack(boxes: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _flags(bits: list[int], classes: int) -> NDArray[np.bool_]:
    """Flags (R, classes) of numbers in which bit c stands for class c."""
    return np.array([[b >> c & 1 for c in range(classes)] for b in bits], bool).reshape(-1, classes)


def load_records(annotations: Path, config: LabelConfig, teacher: Path | None = None) -> list[Record]:
    """Read a COCO-format file (and a teacher's detections) into records, in the order of its `images`.

    Annotations and detections that cannot be used are left out and named; classes without a box are named.

    Args:
        annotations: COCO JSON; `labelled` and `source` of an image are optional.
        config: The classes and how labels are merged.
        teacher: JSON list of [image_id, category_id, x, y, width, height, score], or None.

    Raises:
        DataError: A file is broken, its images or categories are ambiguous (see `coco.read_coco`), or none
            of the classes is in it.
    """
    coco, complaints = read_coco(annotations), Complaints()
    if not set(config.labels) & coco.categories.keys():
        raise DataError(f"{annotations}: none of the classes {', '.join(config.labels)} among its categories")
    labeller = Labeller(config, coco.names)
    truth = _labelled(coco, labeller, complaints)
    rows = teacher_rows(teacher, coco, complaints) if teacher else {}
    complaints.sum_up()
    records = [labeller.record(image, truth[k], rows.get(k, ())) for k, image in coco.images.items()]
    if config.removed:
        gone = [labeller.index[name] for name in config.removed]
        records = [_forget(record, gone, len(config.labels)) for record in records]
    _warn_of_empty(annotations, records, config)
    return records


def _labelled(coco: Coco, labeller: Labeller, complaints: Complaints) -> dict[int, list[dict[str, Any]]]:
    """The usable annotations by image; boxes of a class that their image does not label are named."""
    truth: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for k, entry in usable(coco, complaints):
        number, name = entry["image_id"], labeller.names[entry["category_id"]]
        truth[number].append(entry)
        own = name in labeller.index and not labeller.groups.get(name)
        if own and not is_labelled(coco.images[number], name):
            complaints.add(
                "of a class that `labelled` of its image does not name, left out",
                f"{coco.path}: annotations[{k}] (image {number}, {name})",
            )
    return truth


def teacher_rows(path: Path, coco: Coco, complaints: Complaints) -> dict[int, list[list[float]]]:
    """A teacher's detections by image; rows that cannot be used are left out and named.

    Args:
        path: JSON list of [image_id, category_id, x, y, width, height, score].
        coco: What the teacher looked at.
        complaints: Hears of what is left out.

    Raises:
        DataError: The file is missing or broken, or no list.
    """
    content, names = read_json(path), coco.names
    if not isinstance(content, list):
        raise DataError(f"{path}: expected a list of detections, got {type(content).__name__}")
    found: dict[int, list[list[float]]] = defaultdict(list)
    for k, row in enumerate(content):
        if not isinstance(row, list) or len(row) != 7 or not all(map(is_number, row)):
            fault = "not seven numbers: image_id, category_id, x, y, width, height, score"
        elif row[0] not in coco.images:
            fault = f"of an image that is not in {coco.path.name}"
        elif row[1] not in names:
            fault = f"of a category that is not in {coco.path.name}"
        elif row[4] <= 0 or row[5] <= 0:
            fault = "its box is inverted or empty"
        elif not 0 <= row[6] <= 1:
            fault = "its score is not from 0 to 1"
        else:
            found[int(row[0])].append(row)
            continue
        complaints.add(f"{fault}, left out", f"{path}: [{k}]")
    return found


def check_learnable(records: Sequence[Record], config: LabelConfig, files: Sequence[Path]) -> None:
    """Refuse training pictures without a single box: hours would be spent on nothing.

    Raises:
        DataError: There is none of the classes; says what to do.
    """
    if not any(len(record.boxes) for record in records):
        raise DataError(
            f"{', '.join(map(str, files))}: no box of {', '.join(config.labels)} in any of the "
            f"{len(records)} pictures: nothing can be learned from them. Annotate objects of these classes, "
            "or name with --labels classes that have boxes (what was left out for a fault is named above)"
        )


def _forget(record: Record, gone: Sequence[int], classes: int) -> Record:
    """The record without the boxes of classes `gone`, of which the first `classes` columns are left."""
    lost = np.isin(record.classes, gone)
    ignored = np.concatenate([record.ignored[:, :classes], np.ones((np.count_nonzero(lost), classes), bool)])
    regions = np.concatenate([record.ignore, record.boxes[lost]])
    matter = ignored.any(1)
    return replace(
        record,
        boxes=record.boxes[~lost],
        classes=record.classes[~lost],
        ignore=regions[matter],
        ignored=ignored[matter],
    )


def _warn_of_empty(path: Path, records: Sequence[Record], config: LabelConfig) -> None:
    there = {int(c) for record in records for c in record.classes}
    empty = [name for c, name in enumerate(config.labels) if c not in there and name not in config.removed]
    if empty:
        log.warning("%s: no box of %s", path, ", ".join(empty))

"""A user's folder, whatever its format, as the data folder that is trained on.

Known by what lies in it:
  train.json [val.json]                            what `convert` and `draw-scenes` make
  train/_annotations.coco.json [valid/…]           COCO as Roboflow writes it
  annotations/instances_train*.json [val]          COCO as it is downloaded
  NAME.json, or one in annotations/                a single COCO file, pictures anywhere in the folder
  Annotations/, ImageSets/ or *.xml                PASCAL VOC, or folders of that kind (VOC2007, VOC2012)
  data.yaml, classes.txt, names.txt or obj.names   YOLO text
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from training.data.coco import is_labelled, read_coco, read_json, usable
from training.data.complaints import Complaints
from training.data.formats.annotated import DataSet
from training.data.formats.convert import coco
from training.data.formats.voc import read_voc
from training.data.formats.yolo import read_yolo
from training.data.layout import find_split
from training.errors import DataError
from training.evaluate.protocol import MIN_BOXES
from training.files import write_whole

log = logging.getLogger(__name__)

Content = dict[str, Any]
"""A COCO file; `pictures` names the folders or tars of its pictures."""

VAL_SHARE = 0.2
MIN_PICTURES = 20
YOLO_FILES = ("data.yaml", "classes.txt", "names.txt", "obj.names")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A folder that can be trained on.

    Attributes:
        data: With `train.json` and `val.json`.
        labels: The classes.
        pictures: Of the training split.
        boxes: Objects of these classes in it, by class.
    """

    data: Path
    labels: tuple[str, ...]
    pictures: int
    boxes: Mapping[str, int]


def prepare(folder: Path, out: Path, labels: Sequence[str] = (), seed: int = 0) -> Prepared:
    """Read a folder and write it as `out/train.json` and `out/val.json`; the pictures stay where they are.

    Args:
        folder: The user's.
        out: Where the two files go.
        labels: Classes to learn; none: all that have boxes to train on.
        seed: Of the pictures that are set aside to judge by where the folder has no such split.

    Raises:
        DataError: Its format is not known, or there are too few pictures or boxes; says what to do.
    """
    splits = read_folder(folder)
    train, val = splits["train"], splits.get("val")
    if val is None:
        train, val = split_by_hash(train, VAL_SHARE, seed)
        log.info(
            "%s has no validation split: %d of its %d pictures are set aside to judge by, chosen by a hash "
            "of their names (the same ones every time)",
            folder,
            len(val["images"]),
            len(val["images"]) + len(train["images"]),
        )
    classes = _classes(folder, train, labels)
    boxes = count_boxes(train, classes)
    _check(folder, train, val, classes)
    out.mkdir(parents=True, exist_ok=True)
    for split, content in (("train", train), ("val", val)):
        write_whole(out / f"{split}.json", json.dumps(content).encode())
    log.info(
        "%s: %d pictures to train on (%s), %d to judge by",
        folder,
        len(train["images"]),
        ", ".join(f"{name} {count}" for name, count in boxes.items()),
        len(val["images"]),
    )
    return Prepared(data=out, labels=classes, pictures=len(train["images"]), boxes=boxes)


def read_folder(folder: Path) -> dict[str, Content]:
    """The splits of a folder, `train` and perhaps `val`, as COCO.

    Raises:
        DataError: The format is not known, or a file cannot be used.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    for root in (folder, folder / "detection"):
        if (root / "train.json").exists():
            names = [name for name in ("train", "val") if (root / f"{name}.json").exists()]
            return {
                name: _placed(find_split(root, name).annotations, _pictures(root, name)) for name in names
            }
    found = _coco_files(folder)
    if found:
        return {split: _placed(file, [place]) for split, (file, place) in found.items()}
    if any((folder / name).exists() for name in YOLO_FILES):
        return _converted(read_yolo, folder)
    if any(next(folder.glob(name), None) for name in ("Annotations", "*/Annotations", "ImageSets", "*.xml")):
        return _converted(read_voc, folder)
    raise DataError(
        f"{folder}: no format that is known: expected train.json (COCO), annotations/*.json or a single COCO "
        "file, Annotations/ (VOC), or data.yaml or classes.txt (YOLO text)"
    )


def _pictures(root: Path, split: str) -> list[Path]:
    return list(find_split(root, split).pictures)


def _placed(file: Path, places: Sequence[Path]) -> Content:
    """A COCO file with the places of its pictures, wherever it will lie; faulty annotations are left out."""
    complaints, found = Complaints(), read_coco(file)
    boxes = [entry for _, entry in usable(found, complaints)]
    complaints.sum_up()
    return {**found.content, "annotations": boxes, "pictures": [str(place.resolve()) for place in places]}


def _converted(read: Callable[[Path, Complaints], DataSet], folder: Path) -> dict[str, Content]:
    """A folder in another format; a list to test by is not asked."""
    complaints = Complaints()
    data = read(folder, complaints)
    complaints.sum_up()
    made = {split: coco(pictures, data.labels) for split, pictures in data.splits.items() if pictures}
    if "train" not in made:
        raise DataError(f"{folder}: no pictures to train on: none of them could be read")
    return made


def _coco_files(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Annotation file and folder of pictures by split, for COCO's usual layouts."""
    found: dict[str, tuple[Path, Path]] = {}
    for split, names in (("train", ("train",)), ("val", ("valid", "val"))):
        for name in names:
            if (folder / name / "_annotations.coco.json").exists():
                found[split] = (folder / name / "_annotations.coco.json", folder / name)
        for file in sorted((folder / "annotations").glob(f"instances_{split}*.json")):
            found[split] = (file, _picture_folder(folder, file.stem.removeprefix("instances_"), split))
    if found:
        if "train" not in found:
            raise DataError(f"{folder}: COCO annotations to judge by, but none to train on")
        return found
    places = (folder, folder / "annotations")
    single = [f for place in places for f in sorted(place.glob("*.json")) if _is_coco(read_json(f))]
    if len(single) > 1:
        raise DataError(
            f"{folder}: several COCO files ({', '.join(f.name for f in single)}): name them train.json and "
            "val.json"
        )
    return {"train": (single[0], folder)} if single else {}


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys()


def _picture_folder(folder: Path, name: str, split: str) -> Path:
    """Where the pictures of COCO's `instances_NAME.json` are."""
    places = (folder / name, folder / "images" / name, folder / split, folder / "images" / split)
    return next((place for place in places if place.is_dir()), folder)


def split_by_hash(content: Content, share: float, seed: int) -> tuple[Content, Content]:
    """Set a share of the pictures aside, by a hash of their names: order and folders make no difference."""

    def place(image: dict[str, Any]) -> bytes:
        return hashlib.sha256(f"{seed}/{Path(image['file_name']).name}".encode()).digest()

    count = max(1, round(share * len(content["images"])))
    chosen = {image["id"] for image in sorted(content["images"], key=place)[:count]}
    return _part(content, chosen, kept=False), _part(content, chosen, kept=True)


def _part(content: Content, chosen: set[Any], kept: bool) -> Content:
    """The images in `chosen`, or all others, with their annotations."""
    return {
        **content,
        "images": [i for i in content["images"] if (i["id"] in chosen) == kept],
        "annotations": [a for a in content["annotations"] if (a.get("image_id") in chosen) == kept],
    }


def count_boxes(content: Content, labels: Sequence[str]) -> dict[str, int]:
    """Objects of each class, crowds not counted, in the images in which it is labelled."""
    names = {c["id"]: c["name"] for c in content["categories"]}
    images = {i["id"]: i for i in content["images"]}
    counts: Counter[str] = Counter()
    for a in content["annotations"]:
        name, image = names.get(a.get("category_id"), ""), images.get(a.get("image_id"))
        if image is not None and not a.get("iscrowd") and is_labelled(image, name):
            counts[name] += 1
    return {name: counts[name] for name in labels}


def _classes(folder: Path, train: Content, wanted: Sequence[str]) -> tuple[str, ...]:
    """The classes to learn, in the order of the model's outputs."""
    known = list(dict.fromkeys(c["name"] for c in train["categories"]))
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise DataError(f"{folder}: no class {name}{hint}; there are {', '.join(known)}")
    counts = count_boxes(train, wanted or known)
    there = [name for name, count in counts.items() if count]
    if not there:
        raise DataError(
            f"{folder}: no boxes{' of ' + ', '.join(wanted) if wanted else ''} in the "
            f"{len(train['images'])} training pictures: annotate them first"
        )
    return tuple(wanted) or tuple(there)


def _check(folder: Path, train: Content, val: Content, labels: Sequence[str]) -> None:
    """Refuse what nothing can be learned from, or judged by, before an hour is spent on it."""
    if len(train["images"]) < MIN_PICTURES:
        raise DataError(
            f"{folder}: {len(train['images'])} pictures to train on, {MIN_PICTURES} are the least and a few "
            "hundred are wanted: annotate more"
        )
    judged = count_boxes(val, labels)
    if max(judged.values()) < MIN_BOXES:
        shown = ", ".join(f"{name} {count}" for name, count in judged.items())
        raise DataError(
            f"{folder}: too few boxes to judge by ({shown} in {len(val['images'])} pictures, {MIN_BOXES} of "
            "one class are the least): annotate more pictures"
        )
    names = {Path(image["file_name"]).name for image in train["images"]}
    both = [i["file_name"] for i in val["images"] if Path(i["file_name"]).name in names]
    if both and set(train["pictures"]) & set(val["pictures"]):
        raise DataError(f"{folder}: {both[0]} is to train on and to judge by: leave it in one split")
    few = [name for name, count in count_boxes(train, labels).items() if count < MIN_BOXES]
    if few:
        log.warning("%s: fewer than %d boxes of %s to learn from", folder, MIN_BOXES, ", ".join(few))

"""Other formats as the COCO files that training and evaluation read."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.complaints import Complaints
from training.data.formats.annotated import DataSet, Picture
from training.data.formats.voc import USUAL, read_voc
from training.data.formats.yolo import read_yolo
from training.errors import ConfigError, DataError
from training.files import write_whole

log = logging.getLogger(__name__)

KINDS = ("voc", "yolo")
SHARE = 0.1  # of the pictures, to judge by


def convert(
    kind: str,
    source: Path,
    out: Path,
    val_share: float | None = None,
    seed: int = 0,
    lists: Sequence[str] = (),
) -> list[Path]:
    """Write `train.json` and `val.json` (and `test.json`), which name the folders where the pictures stay.

    Args:
        kind: One of `KINDS`.
        source: Folder in that format.
        out: Folder of the files.
        val_share: Share of the pictures that becomes the validation split where the source names none; None:
            a tenth, but not of VOC, whose lists may only be missing.
        seed: Of their choice.
        lists: VOC's lists to train on and to judge by; empty: the usual ones.

    Raises:
        DataError: The source cannot be read, names no pictures to judge by (VOC), or has too few for two
            splits.
        ConfigError: Lists are named for a format that has none.
    """
    complaints = Complaints()
    data = _read(kind, source, complaints, lists)
    complaints.sum_up()
    splits = dict(data.splits)
    if not splits.get("val"):
        if kind == "voc" and val_share is None:
            looked = "; ".join(" and ".join(names) for names in USUAL if len(names) == 2)
            raise DataError(
                f"{source}: no list of pictures to judge by: looked in ImageSets/Main for {looked}. Say how "
                f"many are to be chosen by chance instead (--val {SHARE:g}: a tenth of all), or write the "
                "lists: the name of a picture in each line"
            )
        share = SHARE if val_share is None else val_share
        splits["train"], splits["val"] = _split_off(splits.get("train", []), share, seed)
        log.info(
            "%s: no list of pictures to judge by: %d of all are chosen by chance (--val SHARE says how many)",
            source, len(splits["val"]),
        )  # fmt: skip
    if not splits["train"] or not splits["val"]:
        raise DataError(
            f"{source}: {len(splits['train'])} pictures to train on, {len(splits['val'])} to judge"
        )
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for split, pictures in splits.items():
        content = coco(pictures, data.labels)
        files.append(out / f"{split}.json")
        write_whole(files[-1], json.dumps(content, indent=None).encode())
        counts = Counter(box.label for picture in pictures for box in picture.boxes)
        shown = ", ".join(f"{label} {counts[label]}" for label in data.labels)
        log.info("%s: %d pictures; %s", files[-1], len(pictures), shown)
    return files


def _read(kind: str, source: Path, complaints: Complaints, lists: Sequence[str]) -> DataSet:
    match kind:
        case "voc":
            return read_voc(source, complaints, lists)
        case "yolo" if not lists:
            return read_yolo(source, complaints)
        case _:
            raise ConfigError(f"--lists: of VOC folders; {kind} says its splits in data.yaml")


def _split_off(pictures: Sequence[Picture], share: float, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Pictures to train on and to judge by, one of these at least."""
    order = np.random.default_rng(seed).permutation(len(pictures)).tolist()
    chosen = set(order[: max(1, round(share * len(pictures)))])
    return (
        [picture for k, picture in enumerate(pictures) if k not in chosen],
        [picture for k, picture in enumerate(pictures) if k in chosen],
    )


def coco(pictures: Sequence[Picture], labels: Sequence[str]) -> dict[str, Any]:
    """COCO's form; `pictures` names the folders in which the picture files are."""
    numbers = {label: k + 1 for k, label in enumerate(labels)}
    images, annotations = [], []
    for k, picture in enumerate(pictures, 1):
        images.append(
            {"id": k, "file_name": picture.file.name, "width": picture.width, "height": picture.height}
        )
        for box in picture.boxes:
            width, height = box.x2 - box.x1, box.y2 - box.y1
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": k,
                    "category_id": numbers[box.label],
                    "bbox": [round(v, 2) for v in (box.x1, box.y1, width, height)],
                    "area": round(width * height, 2),
                    "iscrowd": int(box.difficult),
                }
            )
    return {
        "pictures": sorted({str(picture.file.parent.resolve()) for picture in pictures}),
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
    }

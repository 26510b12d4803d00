"""Other formats as the COCO files that training and evaluation read."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.data.complaints import Complaints
from training.data.formats.annotated import DataSet, Picture
from training.data.formats.voc import read_voc
from training.data.formats.yolo import read_yolo
from training.errors import DataError
from training.files import write_whole

log = logging.getLogger(__name__)

READERS: dict[str, Callable[[Path, Complaints], DataSet]] = {"voc": read_voc, "yolo": read_yolo}


def convert(kind: str, source: Path, out: Path, val_share: float = 0.1, seed: int = 0) -> list[Path]:
    """Write `train.json` and `val.json`, which name the folders where the pictures stay.

    Args:
        kind: A key of `READERS`.
        source: Folder in that format.
        out: Folder of the two files.
        val_share: Share of the pictures that becomes the validation split where the source names none.
        seed: Of their choice.

    Raises:
        DataError: The source cannot be read, or has too few pictures for two splits.
    """
    complaints = Complaints()
    data = READERS[kind](source, complaints)
    complaints.sum_up()
    splits = dict(data.splits)
    if not splits.get("val"):
        splits["train"], splits["val"] = _split_off(splits.get("train", []), val_share, seed)
    if not splits["train"] or not splits["val"]:
        raise DataError(
            f"{source}: {len(splits['train'])} pictures to train on, {len(splits['val'])} to judge"
        )
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for split in ("train", "val"):
        pictures = splits[split]
        content = coco(pictures, data.labels)
        files.append(out / f"{split}.json")
        write_whole(files[-1], json.dumps(content, indent=None).encode())
        counts = Counter(box.label for picture in pictures for box in picture.boxes)
        shown = ", ".join(f"{label} {counts[label]}" for label in data.labels)
        log.info("%s: %d pictures; %s", files[-1], len(pictures), shown)
    return files


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

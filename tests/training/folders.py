"""Folders of made-up pictures in every format that users have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def write_pictures(folder: Path, count: int, suffix: str = "png") -> list[Path]:
    """So many grey pictures of 96 x 64 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"p{k}.{suffix}" for k in range(count)]
    for file in files:
        cv2.imwrite(str(file), np.full((64, 96, 3), 90, np.uint8))
    return files


def content(names: list[str], label: str = "helmet") -> dict[str, Any]:
    """A COCO file with a box of `label` in every picture; `empty` has none."""
    images = [{"id": k, "file_name": name, "width": 96, "height": 64} for k, name in enumerate(names)]
    boxes = [
        {"id": k, "image_id": k, "category_id": 4, "bbox": [8, 8, 20, 30], "area": 600, "iscrowd": 0}
        for k in range(len(names))
    ]
    categories = [{"id": 4, "name": label}, {"id": 9, "name": "empty"}]
    return {"images": images, "annotations": boxes, "categories": categories}


def coco_folder(folder: Path, pictures: Path, file: Path, count: int = 60) -> Path:
    """A COCO file at `file`, its pictures in `pictures`."""
    names = [p.name for p in write_pictures(folder / pictures, count)]
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(content(names)))
    return folder


def voc_folder(folder: Path) -> Path:
    """PASCAL VOC without lists."""
    (folder / "Annotations").mkdir(parents=True)
    corners = "<xmin>9</xmin><ymin>9</ymin><xmax>28</xmax><ymax>38</ymax>"
    for file in write_pictures(folder / "JPEGImages", 60):
        text = f"<annotation><object><name>helmet</name><bndbox>{corners}</bndbox></object></annotation>"
        (folder / "Annotations" / f"{file.stem}.xml").write_text(text)
    return folder


def yolo_folder(folder: Path) -> Path:
    """YOLO text with both splits."""
    (folder / "data.yaml").parent.mkdir(parents=True)
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [helmet, empty]\n")
    for split in ("train", "val"):
        (folder / "labels" / split).mkdir(parents=True)
        for file in write_pictures(folder / "images" / split, 30):
            (folder / "labels" / split / f"{file.stem}.txt").write_text("0 0.2 0.4 0.2 0.5\n")
    return folder


FOLDERS = {
    "convert": lambda f: coco_folder(f, Path("train"), Path("train.json")),
    "coco": lambda f: coco_folder(f, Path("train2017"), Path("annotations/instances_train2017.json")),
    "cvat": lambda f: coco_folder(f, Path("images"), Path("annotations/instances_default.json")),
    "roboflow": lambda f: coco_folder(f, Path("train"), Path("train/_annotations.coco.json")),
    "single": lambda f: coco_folder(f, Path("deep/pictures"), Path("boxes.json")),
    "voc": voc_folder,
    "yolo": yolo_folder,
}

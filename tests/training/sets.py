"""Made-up annotation files for the tests of judging."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.evaluate.truth import Truth, load_truth

COLOURS = {"blue": 0, "green": 1, "red": 2}
CELL, SIDE = 16, 64


def write_truth(folder: Path, data: dict[str, Any]) -> Truth:
    """The file as the tool reads it."""
    path = folder / "truth.json"
    path.write_text(json.dumps(data))
    return load_truth(path)


def one_class(boxes: int, labelled: Any = "all") -> dict[str, Any]:
    """So many images with one box (10, 10, 40, 40) of class `thing` each; ids from 0."""
    images = [
        {"id": k, "file_name": f"{k}.png", "width": 100, "height": 100, "labelled": labelled}
        for k in range(boxes)
    ]
    annotations = [
        {"id": k, "image_id": k, "category_id": 7, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0}
        for k in range(boxes)
    ]
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 7, "name": "thing"}, {"id": 8, "name": "other"}],
    }


def coloured_set(folder: Path, count: int = 12) -> tuple[Path, Path]:
    """Pictures of coloured cells, as `tests.support.onnx_models.colour_model` finds them.

    Every picture has a blue and a red cell; the red one of the first picture is not labelled.

    Returns:
        The annotation file, and a tar of the pictures.
    """
    rng = np.random.default_rng(3)
    images, annotations = [], []
    pictures, archive = folder / "pictures", folder / "pictures.tar"
    pictures.mkdir(parents=True)
    for k in range(count):
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        cells = rng.choice((SIDE // CELL) ** 2, 2, replace=False)
        for name, cell in zip(("blue", "red"), cells, strict=True):
            y, x = (int(v) * CELL for v in divmod(cell, SIDE // CELL))
            picture[y : y + CELL, x : x + CELL, COLOURS[name]] = 200
            if (k, name) != (0, "red"):
                box = {"category_id": 5 + COLOURS[name], "bbox": [x, y, CELL, CELL]}
                annotations.append({"id": len(annotations), "image_id": 100 + k, **box})
        cv2.imwrite(str(pictures / f"{k}.png"), picture)
        source = "coco_a" if k % 2 else "street"
        entry = {"id": 100 + k, "file_name": f"some/{k}.png", "width": SIDE, "height": SIDE, "source": source}
        images.append({**entry, "labelled": ["blue"] if k == 0 else "all"})
    categories = [{"id": 5 + channel, "name": name} for name, channel in COLOURS.items()]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "truth.json").write_text(json.dumps(data))
    with tarfile.open(archive, "w") as tar:
        tar.add(pictures, "deep/folder")
    return folder / "truth.json", archive

"""Drawn street scenes with exact boxes as training pictures: people and cars, nothing to download."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.scenes.scene import Scene
from surveil.capture.scenes.truth import ObjectTruth
from surveil.errors import OutputError
from training.files import write_whole
from training.progress import Progress

SIZES = ((416, 234), (416, 312), (384, 384))
PER_SCENE = 20  # building a street takes as long as drawing so many frames of it
APART = 70  # frames between those that are taken: 7 seconds
SOURCE = "scenes"
LEAST_SEEN = 0.3  # share of an object that must be seen to learn it
CATEGORIES = ("person", "car")


def draw_scenes(folder: Path, split: str, count: int, seed: int = 0) -> Path:
    """Draw `count` frames into `folder/SPLIT/` and write `folder/SPLIT.json` (COCO).

    Equal seeds give equal frames. Nothing is done when the file is there: it is written last.

    Raises:
        OutputError: A picture cannot be written.
    """
    annotations = folder / f"{split}.json"
    if annotations.exists():
        return annotations
    (folder / split).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    progress = Progress(f"scenes, {split}", "pictures")
    scene = Scene(_config(seed, 0))
    for k in range(count):
        if k and k % PER_SCENE == 0:
            scene = Scene(_config(seed, k // PER_SCENE))
        picture, truth = scene.frame(APART * (1 + k % PER_SCENE))
        name = f"scene-{seed}-{k:05}.jpg"
        if not cv2.imwrite(str(folder / split / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 92]):
            raise OutputError(f"{folder / split / name}: cannot be written")
        height, width = picture.shape[:2]
        images.append({"id": k + 1, "file_name": name, "width": width, "height": height, "source": SOURCE})
        boxes += [_annotation(item, k + 1, len(boxes) + n) for n, item in enumerate(truth.objects, 1)]
        progress.at(k + 1, count)
    categories = [{"id": n, "name": name} for n, name in enumerate(CATEGORIES, 1)]
    content = {"images": images, "annotations": boxes, "categories": categories}
    write_whole(annotations, json.dumps(content).encode())
    return annotations


def _config(seed: int, number: int) -> SceneConfig:
    """One street: its size, its crowd, and whether the camera turns."""
    rng = np.random.default_rng((seed, number))
    return SceneConfig(
        seed=int(rng.integers(2**31)),
        size=SIZES[int(rng.integers(len(SIZES)))],
        seconds=3600.0,
        people=int(rng.integers(10, 60)),
        pan=float(rng.choice([0.0, 6.0])),
    )


def _annotation(item: ObjectTruth, image: int, number: int) -> dict[str, Any]:
    x1, y1, x2, y2 = item.box
    width, height = x2 - x1, y2 - y1
    return {
        "id": number,
        "image_id": image,
        "category_id": 1 + CATEGORIES.index(item.label),
        "bbox": [round(v, 2) for v in (x1, y1, width, height)],
        "area": round(width * height, 2),
        "iscrowd": int(item.visibility < LEAST_SEEN),
    }

"""A tiny set of made-up pictures, and a tiny feature cache, on which the training tests run in seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from training.data.augment import Augmenter
from training.data.cache import TAPS, CacheConfig, FeatureCache, draw_order, encode_score, pack
from training.data.decode import decode_images
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig, Record, load_records
from training.grid import cell_grid
from training.models.backbone import MobileNetV2

SIZE = (64, 96)  # height, width: small, not square
LABELS = LabelConfig(labels=("person", "car", "bus", "truck"), weak_sources=("weak",))
CACHE = CacheConfig(size=SIZE, views=24, top=8, max_boxes=6, batch=4)
PLAIN = AugmentConfig(mosaic=0.0, scale=(0.8, 1.1), colour=0.0, grey=0.0, blur=0.0, compress=0.0, noise=0.0)
COLOURS = {"person": (40, 40, 220), "car": (220, 120, 30)}


@dataclass(frozen=True)
class TinyData:
    """A data folder and what is in it."""

    folder: Path
    records: list[Record]
    images: np.ndarray


def write_tiny_data(folder: Path) -> None:
    """Pictures of coloured rectangles with their boxes, as COCO files `train` and `val`."""
    rng = np.random.default_rng(5)
    names = ["person", "car", "bus", "truck"]
    categories = [{"id": 10 + i, "name": name} for i, name in enumerate(names)]
    for split, count in (("train", 6), ("val", 12)):
        (folder / split).mkdir(parents=True)
        images, annotations = [], []
        for k in range(1, count + 1):
            picture = np.full((64, 96, 3), 90, np.uint8)
            for name, (w, h) in (("person", (16, 34)), ("car", (36, 20))):
                x, y = int(rng.integers(2, 94 - w)), int(rng.integers(2, 62 - h))
                cv2.rectangle(picture, (x, y), (x + w - 1, y + h - 1), COLOURS[name], -1)
                box = {
                    "category_id": 10 + names.index(name),
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                }
                annotations.append({"id": len(annotations) + 1, "image_id": k, **box})
            cv2.imwrite(str(folder / split / f"{k}.png"), picture)
            images.append({"id": k, "file_name": f"{k}.png", "width": 96, "height": 64, "labelled": "all"})
        data = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(data))


def make_tiny_data(folder: Path) -> TinyData:
    """Write the pictures and decode them."""
    write_tiny_data(folder)
    records = load_records(folder / "train.json", LABELS)
    return TinyData(folder, records, decode_images(records, [folder / "train"], folder / "train.npy"))


def lively(backbone: MobileNetV2) -> MobileNetV2:
    """Random weights that keep the signal's size through all layers (it has no batch norms, they are folded).

    torch's own start shrinks it until all pictures look alike.
    """
    for module in backbone.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            torch.nn.init.zeros_(module.bias)
    return backbone


def make_tiny_cache(tiny: TinyData, folder: Path) -> FeatureCache:
    """A cache of views through a random backbone; the teacher is silent but for one cell."""
    torch.manual_seed(3)
    backbone = lively(MobileNetV2()).eval()
    cache = FeatureCache.create(folder, CACHE, len(LABELS.labels), {"tiny": True})
    augmenter = Augmenter(tiny.images, tiny.records, PLAIN, SIZE)
    soft = np.zeros((len(cell_grid(*SIZE)[0]), len(LABELS.labels)), np.float32)
    soft[4, 0] = 0.5
    for k, i in enumerate(draw_order(tiny.records, CACHE, LABELS.labels)):
        view = augmenter.view(int(i), np.random.default_rng((CACHE.seed, k)))
        with torch.no_grad():
            taps = backbone(torch.from_numpy(view.image).permute(2, 0, 1)[None].float() / 255)
        for name, tap in zip(TAPS, taps, strict=True):
            cache[name][k] = tap[0].numpy()
        count = len(view.boxes)
        cache["boxes"][k, :count, :4], cache["boxes"][k, :count, 4] = view.boxes, view.classes
        cache["count"][k], cache["ignore"][k], cache["soft"][k] = count, pack(view.ignore), encode_score(soft)
        cache["top"][k], cache["top_dist"][k] = np.arange(CACHE.top), 0
        cache["index"][k] = i
    return cache

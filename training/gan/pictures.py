"""A folder of training pictures with pasted objects: `train.json`, `train/`, `teacher_train.json`.

A picture is a real one, with everything that is known about it, and one object or a few more. Objects are
pasted only into pictures in which their class is completely annotated. What else a pasted patch shows (the
rider of a motorcycle) nobody knows: classes that are seen together with this one are ignored in its box.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.errors import OutputError
from training.data.coco import is_labelled, read_json
from training.data.complaints import Complaints
from training.data.decode import decode_one, picture_files
from training.data.layout import Split
from training.errors import ConfigError, DataError
from training.files import write_whole
from training.gan.backgrounds import Backgrounds
from training.gan.paste import PasteConfig, Placer, borders, paste, sizes_of
from training.gan.patches import Patches
from training.progress import Progress

QUALITY = 95  # of the JPEG files
MADE = "gan"
UNKNOWN = 0.0  # score of a teacher's "detection" that only says: perhaps


def paste_pictures(
    split: Split, patches: Mapping[str, Patches], config: PasteConfig, out: Path, about: dict[str, Any]
) -> Path:
    """Make the folder; where it is there already, made of the same, nothing is done.

    Args:
        split: Real pictures.
        patches: By class; the classes take turns.
        config: See there.
        out: The folder.
        about: JSON values that say what the patches are; written into `train.json` with the configuration.

    Returns:
        `out/train.json`; it is written last.

    Raises:
        ConfigError: Another folder's pictures are there, or a class is completely annotated nowhere.
        DataError: The split cannot be used, or nothing could be pasted.
        OutputError: A file cannot be written.
    """
    annotations = out / "train.json"
    info: dict[str, Any] = json.loads(json.dumps({MADE: about}))
    if annotations.exists():
        if read_json(annotations).get("info") != info:
            raise ConfigError(f"{out}: holds other pictures; name another --out, or remove it")
        return annotations
    maker = _Maker(Backgrounds(split), patches, config, out)
    maker.make()
    if maker.teacher:
        write_whole(out / "teacher_train.json", json.dumps(maker.teacher).encode())
    content = {
        "info": info,
        "images": maker.images,
        "annotations": maker.annotations,
        "categories": maker.known.categories,
    }
    write_whole(annotations, json.dumps(content).encode())
    return annotations


class _Maker:
    """Makes the pictures, in the order in which their backgrounds are read."""

    def __init__(
        self, known: Backgrounds, patches: Mapping[str, Patches], config: PasteConfig, out: Path
    ) -> None:
        self.known, self.patches, self.config, self.folder = known, patches, config, out / "train"
        self.placers = {label: Placer(sizes_of(known.records(label)), config) for label in patches}
        self.companions = {label: known.companions(label) for label in patches}
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.teacher: list[list[float]] = []

    def make(self) -> None:
        """Make all pictures."""
        jobs: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for number, (k, label) in enumerate(self._chosen()):
            jobs[Path(self.known.images[k]["file_name"]).name].append((number, k, label))
        self.folder.mkdir(parents=True, exist_ok=True)
        complaints, progress, done = Complaints(), Progress("pasting", "pictures"), 0
        for name, raw in picture_files(self.known.split.pictures, jobs):
            for number, k, label in jobs[name]:
                picture, fault = decode_one(raw, self.known.records(label)[k])
                if fault:
                    complaints.add("nothing is pasted into it", f"{name} {fault}")
                elif not self._one(picture, number, k, label):
                    complaints.add("no free place for it, left out", f"{name}: {label}")
                done += 1
                progress.at(done, self.config.pictures)
        complaints.sum_up()
        if not self.images:
            raise DataError(
                f"{self.known.split.annotations}: no picture has a place for {', '.join(self.patches)} "
                f"of {self.config.smallest:g} pixels or more"
            )

    def _chosen(self) -> list[tuple[int, str]]:
        """Image and class of each picture; images come again only when all were there."""
        rng, labels = np.random.default_rng(self.config.seed), list(self.patches)
        count = -(-self.config.pictures // len(labels))
        orders = []
        for label in labels:
            certain = self.known.certain(label)
            if not certain:
                raise ConfigError(
                    f"class {label}: no picture of {self.known.split.annotations} labels all of its objects"
                )
            rounds = [rng.permutation(certain) for _ in range(-(-count // len(certain)))]
            orders.append(np.concatenate(rounds)[:count])
        turns = [
            (int(k), label)
            for turn in zip(*orders, strict=True)
            for k, label in zip(turn, labels, strict=True)
        ]
        return turns[: self.config.pictures]

    def _one(self, picture: NDArray[np.uint8], number: int, k: int, label: str) -> bool:
        """Paste into one picture and write it; False when there was no place."""
        config, rng = self.config, np.random.default_rng((self.config.seed, number))
        size = picture.shape[1], picture.shape[0]
        boxes: list[NDArray[np.float32]] = []
        taken = np.concatenate([self.known.taken(k, config.doubtful), borders(picture)])
        for _ in range(int(rng.integers(1, config.most + 1))):
            patch = self.patches[label].draw(rng)
            place = self.placers[label].place(patch, size, taken, rng)
            if place is not None:
                boxes.append(paste(picture, patch, place, config.margin))
                taken = np.concatenate([taken, boxes[-1:]])
        if not boxes:
            return False
        name = f"{MADE}-{config.seed}-{number:06}.jpg"
        if not cv2.imwrite(str(self.folder / name), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
            raise OutputError(f"{self.folder / name}: cannot be written")
        image = self.known.images[k]
        self.images.append(
            {**image, "id": number + 1, "file_name": name, "made": MADE, "of": image["file_name"]}
        )
        for a in self.known.annotations(k):
            self._annotate({**a, "image_id": number + 1})
        self.teacher += [[number + 1, *row[1:]] for row in self.known.rows(k)]
        for box in boxes:
            self._pasted(box, number + 1, image, label)
        return True

    def _pasted(self, box: NDArray[np.float32], number: int, image: dict[str, Any], label: str) -> None:
        """Annotate a pasted box, and what may be seen in it besides."""
        x1, y1, x2, y2 = (float(v) for v in box)
        xywh = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
        entry = {"image_id": number, "bbox": xywh, "area": round(xywh[2] * xywh[3], 2)}
        self._annotate({**entry, "category_id": self.known.ids[label], "iscrowd": 0, "made": MADE})
        for name in self.companions[label]:
            if is_labelled(image, name):
                self._annotate({**entry, "category_id": self.known.ids[name], "iscrowd": 1, "made": MADE})
            else:
                self.teacher.append([number, self.known.ids[name], *xywh, UNKNOWN])

    def _annotate(self, annotation: dict[str, Any]) -> None:
        self.annotations.append({**annotation, "id": len(self.annotations) + 1})

"""The pictures that all models look at, with what is really there where annotations are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveil.detect.runner import Runner
from surveil.geometry import Boxes, xywh_to_xyxy
from surveil.types import Detections, Frame
from training.data.coco import is_labelled
from training.data.decode import picture_files
from training.deploy.pictures import Picture, some_pictures, spread
from training.errors import ConfigError, DataError
from training.evaluate.detect import decode_picture
from training.evaluate.truth import Truth


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Boxes on a picture, best first.

    Attributes:
        boxes: (N, 4) float32 xyxy in pixels of the picture.
        labels: N class names.
        scores: N scores in 0..1; None: they are the truth.
    """

    boxes: Boxes
    labels: tuple[str, ...]
    scores: tuple[float, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture.

    Attributes:
        name: Of its file.
        picture: (H, W, 3) uint8 BGR.
        truth: Its objects; None without annotations.
        labelled: Which of the compared classes are annotated in it, in words; empty: all.
    """

    name: str
    picture: Picture
    truth: Marks | None = None
    labelled: str = ""

    def frame(self, number: int) -> Frame:
        """As detectors want it."""
        return Frame(
            camera_id="pictures",
            index=number,
            pts_s=float(number),
            wall_s=0.0,
            arrived_s=0.0,
            image=self.picture,
        )


def plain_shots(places: Sequence[Path], count: int) -> list[Shot]:
    """Pictures of folders and tars (none: drawn streets) without annotations; errors as `some_pictures`."""
    return [Shot(name=name, picture=picture) for name, picture in some_pictures(places, count).items()]


def annotated_shots(truth: Truth, places: Sequence[Path], classes: Sequence[str], count: int) -> list[Shot]:
    """Annotated pictures that show something of these classes, evenly spread over their names.

    Raises:
        ConfigError: The count is below one.
        DataError: No picture shows any of the classes, or one is missing or broken.
    """
    if count < 1:
        raise ConfigError(f"expected one picture or more, got {count}")
    ids = {truth.categories[name]: name for name in classes if name in truth.categories}
    shown = {a["image_id"] for a in truth.annotations if a["category_id"] in ids and not a["iscrowd"]}
    index = {name: k for name, k in truth.indices().items() if truth.images[k]["id"] in shown}
    if not index:
        raise DataError(f"{truth.path}: no picture shows any of {', '.join(classes)}")
    wanted = spread(sorted(index), count)
    found = {
        name: decode_picture(truth, index[name], raw) for name, raw in picture_files(places, set(wanted))
    }
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(
            f"{len(missing)} pictures not found in {', '.join(map(str, places))}; first: "
            f"images[{index[missing[0]]}] {missing[0]}"
        )
    return [_shot(truth, index[name], name, found[name], ids) for name in wanted]


def _shot(truth: Truth, k: int, name: str, picture: Picture, ids: dict[int, str]) -> Shot:
    image = truth.images[k]
    own = [
        a
        for a in truth.annotations
        if a["image_id"] == image["id"] and a["category_id"] in ids and not a["iscrowd"]
    ]
    boxes = np.array([a["bbox"] for a in own], np.float32).reshape(-1, 4)
    known = [label for label in ids.values() if is_labelled(image, label)]
    return Shot(
        name=name,
        picture=picture,
        truth=Marks(
            boxes=np.asarray(xywh_to_xyxy(boxes), np.float32),
            labels=tuple(ids[a["category_id"]] for a in own),
        ),
        labelled="" if len(known) == len(ids) else f"labelled: {', '.join(known)}",
    )


def look(detector: Runner, shots: Sequence[Shot], least: float) -> list[Marks]:
    """What a detector finds in each picture from a score of `least` on."""
    frames = [shot.frame(k) for k, shot in enumerate(shots)]
    return [marks_of(detector.detect([detector.prepare(frame)])[0], least) for frame in frames]


def marks_of(found: Detections, least: float) -> Marks:
    """Detections from a score on, best first."""
    order = [int(k) for k in np.argsort(-found.scores, kind="stable") if found.scores[k] >= least]
    return Marks(
        boxes=found.boxes[order],
        labels=tuple(found.labels[int(found.class_ids[k])] for k in order),
        scores=tuple(float(found.scores[k]) for k in order),
    )

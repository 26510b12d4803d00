"""Where a model fails: its false and missed boxes at one score, counted by kind and by circumstances."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.detect import decode_picture, find_pictures
from training.evaluate.judge import Judged, size_name
from training.evaluate.mistakes import FailureConfig, circumstances, compare, make_scene, without
from training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One false or missed box.

    Attributes:
        missed: An object without a box; else a box without an object.
        kind: See the module.
        circumstances: See the module.
        label: Class of the box, or of the object.
        score: Of the false box; of a missed object the best score of a box that frames it, or 0.
        box: x1, y1, x2, y2 in pixels of the picture.
        image: Index into the images.
    """

    missed: bool
    kind: str
    circumstances: tuple[str, ...]
    label: str
    score: float
    box: tuple[float, float, float, float]
    image: int


@dataclass(frozen=True, kw_only=True)
class Failures:
    """All failures of a model, and what they are shares of.

    Attributes:
        judged: The model and its detections.
        config: What counts.
        failures: In the order of the images.
        objects: Objects by circumstance, by class and by source; `all` is their number.
        boxes: Detections that count: right and false ones.
    """

    judged: Judged
    config: FailureConfig
    failures: tuple[Failure, ...]
    objects: Mapping[str, int]
    boxes: int

    def to_json(self) -> dict[str, Any]:
        """Counts, and the failures with their pictures' names."""
        images = self.judged.truth.images
        card = self.judged.model.card
        return {
            "model": card.name,
            "sha256": card.sha256,
            "input": size_name(self.judged.shape),
            "annotations": self.judged.truth.path.name,
            "images": len(images),
            "config": asdict(self.config),
            "boxes": self.boxes,
            "objects": dict(self.objects),
            "false": _counts([f for f in self.failures if not f.missed], self.judged),
            "missed": _counts([f for f in self.failures if f.missed], self.judged),
            "failures": [
                {**asdict(f), "image": images[f.image]["file_name"], "source": images[f.image]["source"]}
                for f in self.failures
            ],
        }


def _counts(failures: Sequence[Failure], judged: Judged) -> dict[str, Any]:
    source = [judged.truth.images[f.image]["source"] for f in failures]
    return {
        "all": len(failures),
        "by_kind": dict(Counter(f.kind for f in failures)),
        "by_circumstance": dict(Counter(c for f in failures for c in f.circumstances)),
        "by_class": dict(Counter(f.label for f in failures)),
        "by_source": dict(Counter(source)),
    }


def sort_failures(judged: Judged, pictures: Sequence[Path], config: FailureConfig) -> Failures:
    """Compare a model's detections with the annotations, image by image.

    Args:
        judged: The model and its detections.
        pictures: Tars and folders; looked at for their light.
        config: What counts.

    Raises:
        DataError: A picture is missing or broken.
    """
    truth = judged.truth
    entries: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in truth.annotations:
        entries[annotation["image_id"]].append(annotation)
    progress = Progress("sorting failures", "images")
    objects: Counter[str] = Counter()
    found: dict[int, list[Failure]] = {}
    boxes = 0
    for k, raw in find_pictures(truth, pictures):
        picture = decode_picture(truth, k, raw)
        light = float(cv2.mean(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))[0])
        found[k], of_image, counted = _in_image(judged, k, entries[truth.images[k]["id"]], light, config)
        objects.update(of_image)
        boxes += counted
        progress.at(len(found), len(truth.images))
    ordered = tuple(f for k in range(len(truth.images)) for f in found[k])
    return Failures(judged=judged, config=config, failures=ordered, objects=objects, boxes=boxes)


def _in_image(
    judged: Judged, k: int, entries: Sequence[dict[str, Any]], light: float, config: FailureConfig
) -> tuple[list[Failure], Counter[str], int]:
    """The failures of image k, its objects by circumstance, class and source, and how many boxes count."""
    image, scene = judged.truth.images[k], make_scene(judged, k, entries, config)
    around = [
        circumstances(box, np.delete(scene.boxes, g, axis=0), image, light, config)
        for g, box in enumerate(scene.boxes)
    ]
    objects = Counter(["all"] * len(around) + [c for row in around for c in row])
    objects.update(f"class {label}" for label in scene.labels)
    objects.update([f"source {image['source']}"] * len(around))
    wrong, missed, counted = compare(scene, config)
    failures = [
        Failure(
            missed=False,
            kind=kind,
            circumstances=circumstances(scene.found[row], without(scene, row, config), image, light, config),
            label=scene.names[row],
            score=round(float(scene.scores[row]), 3),
            box=_rounded(scene.found[row]),
            image=k,
        )
        for row, kind in wrong
    ]
    failures += [
        Failure(
            missed=True,
            kind=reason,
            circumstances=around[g],
            label=str(scene.labels[g]),
            score=round(best, 3),
            box=_rounded(scene.boxes[g]),
            image=k,
        )
        for g, reason, best in missed
    ]
    return failures, objects, counted


def _rounded(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (round(float(v), 1) for v in box)
    return x1, y1, x2, y2

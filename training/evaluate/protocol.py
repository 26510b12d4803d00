"""AP on partly labelled data: each class only on the images in which all its objects are annotated.

COCO's twelve figures by pycocotools, 100 boxes an image. A class with fewer than ten boxes is left out. Two
means: over all classes (COCO's own: its figures are means over the classes that have something to measure),
and over the classes that count, without bicycle, which has too few boxes (the headline).
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.coco import is_labelled
from training.evaluate.truth import Truth

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
"""COCO's twelve, in its order: AP at IoU 0.50:0.95, by IoU and by size, and recall by boxes and by size."""

SIZED, BRIEF = FIGURES[:6], FIGURES[:2]
"""What cards hold: AP by IoU and by size; of parts of the images, AP and AP50."""

MIN_BOXES = 10
NOT_COUNTED = ("bicycle",)
NOTHING = -100.0  # COCO's -1, in percent: there is nothing to measure


def _no_boxes() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return np.zeros(0), np.zeros(0, bool)


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """Figures of one class.

    Attributes:
        figures: COCO's twelve in percent; -100 where there is nothing to measure.
        images: Images that count.
        boxes: Objects in them.
        precision: (101,) at IoU 0.5, by recall 0, 0.01 … 1.
        scores: (101,) score at which each recall is reached; 0 where it is not.
        found: Scores (D,) of the detections, and whether each is right at IoU 0.5; without those on crowds.
    """

    figures: tuple[float, ...]
    images: int
    boxes: int
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]
    found: tuple[NDArray[np.float64], NDArray[np.bool_]] = field(default_factory=_no_boxes)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of all classes that have enough boxes."""

    classes: dict[str, ClassResult]

    @property
    def counted(self) -> tuple[str, ...]:
        """The classes of the headline."""
        return tuple(name for name in self.classes if name not in NOT_COUNTED)

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each figure over the classes that count."""
        return self._mean(self.counted)

    @property
    def overall(self) -> tuple[float, ...]:
        """COCO's figures for all classes together."""
        return self._mean(tuple(self.classes))

    def _mean(self, names: Sequence[str]) -> tuple[float, ...]:
        rows = np.array([self.classes[name].figures for name in names]).reshape(-1, len(FIGURES))
        return tuple(float(c[c >= 0].mean()) if (c >= 0).any() else NOTHING for c in rows.T)

    def to_json(self, names: Sequence[str] = FIGURES, digits: int | None = 1) -> dict[str, Any]:
        """Figures of these names, by class, and their means; `digits`: decimals, None: as they are."""
        classes: dict[str, Any] = {
            name: {**_named(r.figures, names, digits), "images": r.images, "boxes": r.boxes}
            for name, r in self.classes.items()
        }
        return {
            "classes": classes,
            "mean": _named(self.mean, names, digits),
            "all": _named(self.overall, names, digits),
        }

    def table(self) -> str:
        """The figures as text."""
        lines = [f"{'class':12s}" + "".join(f"{name:>7s}" for name in FIGURES) + "  images  boxes"]
        for name, r in self.classes.items():
            lines.append(_row(name, r.figures) + f"{r.images:8d}{r.boxes:7d}")
        if len(self.counted) < len(self.classes):
            lines.append(_row("all", self.overall))
        return "\n".join([*lines, _row(f"mean of {len(self.counted)}", self.mean)])


def _row(name: str, figures: Sequence[float]) -> str:
    return f"{name:12s}" + "".join(f"{v:7.1f}" if v >= 0 else f"{'-':>7s}" for v in figures)


def _named(figures: Sequence[float], names: Sequence[str], digits: int | None) -> dict[str, float | None]:
    values = {name: value if value >= 0 else None for name, value in zip(FIGURES, figures, strict=True)}
    if digits is None:
        return {name: values[name] for name in names}
    return {name: None if (value := values[name]) is None else round(value, digits) for name in names}


def _judge(images: list[Any], truth: list[Any], found: list[Any], category: dict[str, Any]) -> ClassResult:
    """One class by pycocotools."""
    from pycocotools.coco import COCO  # only evaluation needs it
    from pycocotools.cocoeval import COCOeval

    nothing = np.zeros(101)
    if not found:
        return ClassResult(
            figures=(0.0,) * len(FIGURES),
            images=len(images),
            boxes=len(truth),
            precision=nothing,
            scores=nothing,
        )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        numbered = [{**box, "id": k} for k, box in enumerate(truth, 1)]  # a box of id 0 counts as unmatched
        coco.dataset = {"images": images, "annotations": numbered, "categories": [category]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return ClassResult(
        figures=tuple(100 * float(v) for v in run.stats),
        images=len(images),
        boxes=len(truth),
        precision=run.eval["precision"][0, :, 0, 0, -1],
        scores=run.eval["scores"][0, :, 0, 0, -1],
        found=_found(run.evalImgs[: len(images)]),
    )


def _found(by_image: Sequence[dict[str, Any] | None]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores of the detections of all sizes, and whether each is matched at IoU 0.5."""
    scores, right = [np.zeros(0)], [np.zeros(0, bool)]
    for one in by_image:
        if one is not None:
            counts = ~one["dtIgnore"][0].astype(bool)
            scores.append(np.asarray(one["dtScores"], float)[counts])
            right.append(one["dtMatches"][0][counts] > 0)
    return np.concatenate(scores), np.concatenate(right)


def evaluate(
    truth: Truth, results: Sequence[dict[str, Any]], labels: Sequence[str], source: str = ""
) -> Evaluation:
    """Judge COCO results.

    Args:
        truth: Images and their boxes.
        results: COCO results, scores from 0.02 on, at most 100 an image.
        labels: Class names, by which categories are found.
        source: Only images whose source begins so.
    """
    classes = {}
    for name in labels:
        category = truth.categories.get(name)
        if category is None:
            continue
        images = [i for i in truth.images if is_labelled(i, name) and i["source"].startswith(source)]
        chosen = {i["id"] for i in images}
        boxes = [a for a in truth.annotations if a["image_id"] in chosen and a["category_id"] == category]
        if len(boxes) < MIN_BOXES:
            continue
        found = [dict(r) for r in results if r["image_id"] in chosen and r["category_id"] == category]
        classes[name] = _judge(images, boxes, found, {"id": category, "name": name})
    return Evaluation(classes=classes)

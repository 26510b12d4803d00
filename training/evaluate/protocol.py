"""AP on partly labelled data: each class only on the images in which all its objects are annotated.

COCO's AP (IoU 0.50:0.95) by pycocotools, 100 boxes an image. A class with fewer than ten boxes is left out.
The headline is the mean over the classes without bicycle, which has too few boxes to count.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.records import is_labelled

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")
MIN_BOXES = 10
NOT_COUNTED = ("bicycle",)


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """Figures of one class.

    Attributes:
        figures: AP, AP50, AP75, APs, APm, APl in percent; -100 where there is nothing to measure.
        images: Images that count.
        boxes: Objects in them.
        precision: (101,) at IoU 0.5, by recall 0, 0.01 … 1.
        scores: (101,) score at which each recall is reached; 0 where it is not.
    """

    figures: tuple[float, ...]
    images: int
    boxes: int
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of all classes that have enough boxes."""

    classes: dict[str, ClassResult]

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of the figures over the classes that count and have something to measure."""
        rows = np.array([r.figures for name, r in self.classes.items() if name not in NOT_COUNTED])
        columns = rows.reshape(-1, len(FIGURES)).T
        return tuple(float(c[c >= 0].mean()) if (c >= 0).any() else -100.0 for c in columns)

    def to_json(self) -> dict[str, Any]:
        """Figures to one decimal, by class, and their mean."""
        table: dict[str, Any] = {
            name: {**_named(r.figures), "images": r.images, "boxes": r.boxes}
            for name, r in self.classes.items()
        }
        counted = [name for name in self.classes if name not in NOT_COUNTED]
        return {"classes": table, "mean": _named(self.mean), "mean_over": counted}

    def table(self) -> str:
        """The figures as text."""
        lines = [f"{'class':12s}" + "".join(f"{name:>7s}" for name in FIGURES) + "  images  boxes"]
        for name, r in self.classes.items():
            lines.append(
                f"{name:12s}" + "".join(f"{v:7.1f}" for v in r.figures) + f"{r.images:8d}{r.boxes:7d}"
            )
        count = len([name for name in self.classes if name not in NOT_COUNTED])
        return "\n".join([*lines, f"{f'mean of {count}':12s}" + "".join(f"{v:7.1f}" for v in self.mean)])


def _named(figures: Sequence[float]) -> dict[str, float | None]:
    return {name: round(v, 1) if v >= 0 else None for name, v in zip(FIGURES, figures, strict=True)}


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
        coco.dataset = {"images": images, "annotations": truth, "categories": [category]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return ClassResult(
        figures=tuple(100 * float(v) for v in run.stats[: len(FIGURES)]),
        images=len(images),
        boxes=len(truth),
        precision=run.eval["precision"][0, :, 0, 0, -1],
        scores=run.eval["scores"][0, :, 0, 0, -1],
    )


def evaluate(
    data: dict[str, Any], results: Sequence[dict[str, Any]], labels: Sequence[str], source: str = ""
) -> Evaluation:
    """Judge COCO results.

    Args:
        data: The annotation file's contents; `labelled` and `source` of an image are optional.
        results: COCO results, scores from 0.02 on, at most 100 an image.
        labels: Class names, by which categories are found in `data`.
        source: Only images whose source begins so.
    """
    ids = {c["name"]: c["id"] for c in data["categories"]}
    classes = {}
    for name in labels:
        if name not in ids:
            continue
        images = [
            i for i in data["images"] if is_labelled(i, name) and i.get("source", "").startswith(source)
        ]
        chosen = {i["id"] for i in images}
        truth = [a for a in data["annotations"] if a["image_id"] in chosen and a["category_id"] == ids[name]]
        if len(truth) < MIN_BOXES:
            continue
        found = [dict(r) for r in results if r["image_id"] in chosen and r["category_id"] == ids[name]]
        classes[name] = _judge(images, truth, found, {"id": ids[name], "name": name})
    return Evaluation(classes=classes)

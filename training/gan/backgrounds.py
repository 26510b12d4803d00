"""Pictures that objects are pasted into, and everything that is known about them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.coco import is_labelled, read_coco, usable
from training.data.complaints import Complaints
from training.data.layout import Split
from training.data.records import LabelConfig, Record, teacher_rows
from training.gan.crops import labelled_records

COMPANION = 0.02  # share of a class's boxes in which another class is seen, from which on it is a companion


class Backgrounds:
    """The pictures of a split with all of their annotations and the teacher's detections."""

    def __init__(self, split: Split) -> None:
        """Read the files. Raises DataError."""
        coco, complaints = read_coco(split.annotations), Complaints()
        self.split, self.images = split, list(coco.images.values())
        self.categories: list[dict[str, Any]] = coco.content["categories"]
        self.names, self.ids = coco.names, coco.categories
        self._annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
        # faults of annotations are named where the records are read
        for _, a in usable(coco, Complaints(shown=0)):
            self._annotations[a["image_id"]].append(a)
        self._rows = teacher_rows(split.teacher, coco, complaints) if split.teacher else {}
        complaints.sum_up()
        self.records = cache(self._records)

    def _records(self, label: str) -> list[Record]:
        return labelled_records(self.split, label)

    def annotations(self, k: int) -> list[dict[str, Any]]:
        """The usable annotations of image k of the file."""
        return self._annotations[self.images[k]["id"]]

    def rows(self, k: int) -> Sequence[Sequence[float]]:
        """The teacher's detections in image k: [image_id, category_id, x, y, width, height, score]."""
        return self._rows.get(self.images[k]["id"], [])

    def certain(self, label: str) -> list[int]:
        """Images in which every object of the class is annotated: there a pasted one is not the only box."""
        return [k for k, image in enumerate(self.images) if is_labelled(image, label)]

    def taken(self, k: int, doubtful: float) -> NDArray[np.float32]:
        """Boxes (K, 4) xyxy in image k: annotations, and detections with a score from `doubtful` on."""
        boxes = [a["bbox"] for a in self.annotations(k)]
        boxes += [row[2:6] for row in self.rows(k) if row[6] >= doubtful]
        table = np.array(boxes, np.float32).reshape(-1, 4)
        return np.concatenate([table[:, :2], table[:, :2] + table[:, 2:]], 1)

    def companions(self, label: str) -> list[str]:
        """Classes that are seen in this one's boxes, as riders on motorcycles: a sample may show them."""
        groups = {group for group, _ in LabelConfig(labels=(label,)).groups}
        own, seen = 0, Counter[str]()
        for image in self.images:
            annotations = self._annotations[image["id"]]
            for a in annotations:
                if self.names[a["category_id"]] == label:
                    own += 1
                    seen.update({self.names[b["category_id"]] for b in annotations if _middle_in(b, a)})
        return sorted(
            n for n, count in seen.items() if count >= COMPANION * own and n not in {label, *groups}
        )


def _middle_in(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    """Whether the middle of an annotation's box lies in that of another."""
    (x, y, w, h), (left, top, width, height) = inner["bbox"], outer["bbox"]
    return bool(left <= x + w / 2 <= left + width and top <= y + h / 2 <= top + height)

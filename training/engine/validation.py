"""Weights in training, judged as the application will see them: its letterbox, its suppression, COCO's AP."""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from surveil.detect.card import InputSpec
from surveil.detect.layouts.layout import Candidates
from surveil.detect.postprocess import SelectionConfig, select
from surveil.detect.preprocess import Prepared, Preprocessor
from surveil.labels import LabelMap
from surveil.types import Detections, Frame
from training.errors import ConfigError
from training.evaluate.detect import ProtocolConfig, coco_results, decode_picture, detect_all, find_pictures
from training.evaluate.protocol import Evaluation, evaluate
from training.evaluate.truth import load_truth
from training.models.detector import Detector
from training.models.reading import MapReading, places_of


@dataclass(frozen=True, kw_only=True)
class ValidationJob:
    """What weights are judged by.

    Attributes:
        annotations: COCO JSON.
        pictures: Tars or folders.
        labels: Classes in the order of the model's outputs.
        size: Height and width of the input.
    """

    annotations: Path
    pictures: tuple[Path, ...]
    labels: tuple[str, ...]
    size: tuple[int, int]


class TorchDetector:
    """A model in training as the application's `Detector`; for any number of threads."""

    card = None

    def __init__(
        self,
        model: Detector,
        labels: Sequence[str],
        size: tuple[int, int],
        protocol: ProtocolConfig | None = None,
    ) -> None:
        """`model` in evaluation mode; `size`: (height, width) of its input; no `protocol`: the usual."""
        protocol = protocol or ProtocolConfig()
        self.model, self.labels = model, LabelMap("in training", tuple(labels))
        self._device = next(model.parameters()).device
        self.device = str(self._device)
        if isinstance(model.reading, MapReading):
            raise ConfigError("a model that imitates features detects nothing")
        self._reading = model.reading
        self._places = places_of(model.reading, size, self._device)
        self._preprocessor = Preprocessor(InputSpec(shapes=(size,)), size)
        self._selection = SelectionConfig(
            min_score=protocol.floor, nms_iou=protocol.nms_iou, voting_sigma=protocol.voting_sigma
        )

    def prepare(self, frame: Frame) -> Prepared:
        """See `surveil.detect.detector.Detector`."""
        return self._preprocessor.prepare(frame)

    @torch.inference_mode()
    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """See `surveil.detect.detector.Detector`."""
        pixels = torch.from_numpy(np.concatenate([p.tensor for p in batch])).to(self._device)
        raw = self._reading.flatten(self.model(pixels.permute(0, 3, 1, 2).float() / 255))
        scores, boxes = self._reading.scores(raw), self._reading.boxes(raw, self._places)
        pairs = zip(batch, boxes.cpu().numpy(), scores.cpu().numpy(), strict=True)
        return [self._select(*pair) for pair in pairs]

    def _select(
        self, prepared: Prepared, boxes: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> Detections:
        cells, labels = np.nonzero(scores >= self._selection.min_score)
        found = Candidates(
            boxes=boxes[cells], scores=scores[cells, labels], class_ids=labels.astype(np.int32)
        )
        size = prepared.info.size or (0, 0)
        return select(found, prepared.placement, size, self.labels, self._selection)

    def close(self) -> None:
        """See `surveil.detect.detector.Detector`."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread inside of the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Example:
    """A validation picture with its objects: boxes (G, 4) float32 xyxy in its pixels, and class names."""

    frame: Frame
    boxes: NDArray[np.float32]
    names: tuple[str, ...]


class Validation:
    """Measures the AP of weights, and shows what they see."""

    def __init__(self, job: ValidationJob) -> None:
        """Read the annotations.

        Raises:
            DataError: They cannot be used.
        """
        self.job, self.truth = job, load_truth(job.annotations)

    def evaluate(self, model: Detector) -> Evaluation:
        """AP of the model on all pictures, each class only where it is labelled."""
        detector = TorchDetector(model, self.job.labels, self.job.size)
        with one_thread():  # pictures are judged side by side
            found = detect_all(detector, self.truth, self.job.pictures, "judging the averaged weights")
        names = [name for name in self.job.labels if name in self.truth.categories]
        return evaluate(self.truth, coco_results(self.truth, found), names)

    def examples(self, count: int, seed: int = 0) -> list[Example]:
        """Some pictures, the same ones every time."""
        total = len(self.truth.images)
        chosen = set(np.random.default_rng(seed).choice(total, min(count, total), replace=False).tolist())
        pictures = find_pictures(self.truth, self.job.pictures)
        return [self._example(k, raw) for k, raw in pictures if k in chosen]

    def _example(self, k: int, raw: bytes) -> Example:
        known = {
            self.truth.categories[name]: name for name in self.job.labels if name in self.truth.categories
        }
        number = self.truth.images[k]["id"]
        mine = [a for a in self.truth.annotations if a["image_id"] == number and a["category_id"] in known]
        boxes = np.array([a["bbox"] for a in mine], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        image = decode_picture(self.truth, k, raw)
        frame = Frame(camera_id="val", index=k, pts_s=0.0, wall_s=0.0, arrived_s=0.0, image=image)
        return Example(frame, boxes, tuple(known[a["category_id"]] for a in mine))


def check_tools() -> None:
    """Fail at the start rather than after hours of training. Raises ConfigError."""
    missing = [name for name in ("pycocotools", "matplotlib") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"measuring the AP needs {' and '.join(missing)}: pip install them, or train with --no-evaluate"
        )

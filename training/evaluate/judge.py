"""A model judged on labelled pictures through the application's own detector, whoever made the model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveil.detect.assets import ModelFile, find_model
from surveil.detect.card import ModelCard
from surveil.detect.devices import cores
from surveil.detect.open import open_detector
from surveil.labels import SURVEIL_6
from surveil.types import Detections
from training.errors import DataError
from training.evaluate.detect import ProtocolConfig, coco_results, detect_all
from training.evaluate.protocol import FIGURES, MIN_BOXES, Evaluation, evaluate
from training.evaluate.truth import Truth

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """What is judged, and how.

    Attributes:
        shape: (height, width) of the input; None: the card's default.
        classes: Names of the classes; None: the project's six where the model knows them all, else all of its
            own. The 100 boxes of an image are shared by these.
        sources: Beginnings of image sources that are judged by themselves as well.
        device: As in the application.
        runtime: As in the application; what cards say was measured with ONNX Runtime.
        protocol: How detections are picked.
    """

    shape: tuple[int, int] | None = None
    classes: tuple[str, ...] | None = None
    sources: tuple[str, ...] = ("coco_",)
    device: str = "cpu"
    runtime: str = "onnxruntime"
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a model scored at one input shape.

    Attributes:
        model: The file and its card.
        shape: (height, width) of the input in pixels.
        device: What it ran on, in words.
        classes: Names of the classes that were judged.
        truth: What it was judged by.
        found: Detections by image.
        results: The same as COCO results.
        evaluation: On all images.
        by_source: The same on parts of them, by the beginning of the images' source.
    """

    model: ModelFile
    shape: tuple[int, int]
    device: str
    classes: tuple[str, ...]
    truth: Truth
    found: tuple[Detections, ...]
    results: tuple[dict[str, Any], ...]
    evaluation: Evaluation
    by_source: dict[str, Evaluation]

    def table(self) -> str:
        """The figures as text, the parts after the whole."""
        parts = [f"{self.model.card.name} at {size_name(self.shape)}, {self.device}", self.evaluation.table()]
        for source, part in self.by_source.items():
            parts += [f"\nimages of {source}* alone", part.table()]
        return "\n".join(parts)

    def figures(self, whole: Sequence[str] = FIGURES, parts: Sequence[str] = FIGURES) -> dict[str, Any]:
        """Figures of these names as JSON values: on all images, and by source."""
        return {
            **self.evaluation.to_json(whole),
            "by_source": {source: part.to_json(parts) for source, part in self.by_source.items()},
        }

    def to_json(self, config: JudgeConfig) -> dict[str, Any]:
        """Everything that a report of its own needs."""
        card = self.model.card
        return {
            "model": card.name,
            "sha256": card.sha256,
            "input": size_name(self.shape),
            "device": self.device,
            "annotations": self.truth.path.name,
            "images": len(self.truth.images),
            "protocol": protocol_in_words(card, config.protocol),
            "mean_over": list(self.evaluation.counted),
            **self.figures(),
        }


def protocol_in_words(card: ModelCard, protocol: ProtocolConfig) -> str:
    """How a model was judged."""
    voting = "" if card.voting_sigma is None else f", box voting with the card's sigma {card.voting_sigma:g}"
    return (
        "COCO AP by pycocotools, each class only on the images in which it is labelled, "
        f"score floor {protocol.floor:g}, 100 boxes an image, "
        f"class-wise NMS at the card's {card.nms_iou:g}{voting}"
    )


def size_name(shape: tuple[int, int]) -> str:
    """WIDTHxHEIGHT of (height, width), as users type it.

    >>> size_name((256, 416))
    '416x256'
    """
    return f"{shape[1]}x{shape[0]}"


def judged_classes(card: ModelCard, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The classes to judge a model by, see `JudgeConfig`."""
    if wanted is not None:
        card.labels.ids_of(wanted)  # a name that the model does not know is said with the nearest one
        return tuple(wanted)
    known = set(SURVEIL_6.names) <= set(card.labels.names)
    return SURVEIL_6.names if known else card.labels.names


def judge(
    model: Path, card: Path | None, truth: Truth, pictures: Sequence[Path], config: JudgeConfig
) -> Judged:
    """Judge an exported model.

    Args:
        model: The `.onnx` file.
        card: Its card; None: the one beside it.
        truth: Images and their boxes.
        pictures: Tars and folders.
        config: See there.

    Raises:
        DataError: Pictures are missing or broken, or no class can be judged.
        SurveilError: The model or its card cannot be used.
    """
    file = find_model(str(model), card)
    shape = config.shape or file.card.input.shapes[0]
    classes = judged_classes(file.card, config.classes)
    names = [name for name in classes if name in truth.categories]
    if not names:
        raise DataError(
            f"{truth.path}: none of the classes {', '.join(classes[:10])} among its categories "
            f"{', '.join(list(truth.categories)[:10])}"
        )
    detector = open_detector(
        str(model),
        card=card,
        device=config.device,
        classes=names,
        min_score=config.protocol.floor,
        runtime=config.runtime,
        input_size=(shape[1], shape[0]),
        threads=1,
        streams=cores(),
    )
    try:
        what = f"judging {file.card.name} at {size_name(shape)}"
        found = detect_all(detector, truth, pictures, what)
    finally:
        detector.close()
    results = coco_results(truth, found)
    absent = [name for name in classes if name not in truth.categories]
    whole = evaluate(truth, results, names)
    for name in [*absent, *(n for n in names if n not in whole.classes)]:
        log.warning("%s: fewer than %d boxes of class %s: left out", truth.path.name, MIN_BOXES, name)
    if not whole.classes:
        raise DataError(f"{truth.path}: no class of {', '.join(names)} has {MIN_BOXES} boxes to judge by")
    parts = {source: evaluate(truth, results, names, source) for source in config.sources}
    return Judged(
        model=file,
        shape=shape,
        device=detector.device,
        classes=tuple(names),
        truth=truth,
        found=tuple(found),
        results=tuple(results),
        evaluation=whole,
        by_source={source: part for source, part in parts.items() if part.classes},
    )

"""The card of a model that this package trained."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.clock import Clock, SystemClock
from surveil.detect.card import InputSpec, ModelCard, Thresholds, sha256_of
from surveil.labels import LabelMap
from training.evaluate.detect import DetectConfig, OnnxModel, pick


@dataclass(frozen=True, kw_only=True)
class CardTexts:
    """What a recipe says about its models in words.

    Attributes:
        labels_name: Name of the label map.
        licence: Of the weights.
        credits: Who must be named, one line each.
        notes: What a reader must know before using the figures.
    """

    labels_name: str
    licence: str
    credits: tuple[str, ...]
    notes: tuple[str, ...]


def build_card(
    model: Path,
    texts: CardTexts,
    labels: tuple[str, ...],
    sizes: tuple[tuple[int, int], ...],
    thresholds: Thresholds,
    facts: Mapping[str, Any],
) -> ModelCard:
    """The card of the ONNX file `model`.

    Args:
        model: The file; the card is named like it.
        texts: Words of the recipe.
        labels: Class names in the order of the scores.
        sizes: (height, width) that were measured; the first is the default.
        thresholds: Where scores are cut.
        facts: `measured` and `training`, as JSON values.
    """
    return ModelCard(
        name=model.stem,
        file=model.name,
        sha256=sha256_of(model),
        licence=texts.licence,
        credits=texts.credits,
        labels=LabelMap(texts.labels_name, labels),
        input=InputSpec(shapes=sizes),
        output="surveil",
        nms_iou=DetectConfig().nms_iou,
        thresholds=thresholds,
        measured={**facts["measured"], "notes": list(texts.notes)},
        training=facts["training"],
    )


def latency_ms(model: Path, pictures: NDArray[np.uint8], threads: int = 2, rounds: int = 5) -> dict[str, Any]:
    """Time of one picture in ONNX Runtime on this CPU, decoding and suppression included.

    Args:
        model: An exported model.
        pictures: (n, H, W, 3) uint8, letterboxed; each is timed `rounds` times.
        threads: Of the runtime.
        rounds: See `pictures`.
    """
    clock: Clock = SystemClock()
    session, config = OnnxModel(model, threads), DetectConfig(floor=0.3)
    times = []
    for k in range(len(pictures) * rounds):
        start = clock.monotonic()
        boxes, scores = session(pictures[k % len(pictures)][None])
        pick(boxes[0], scores[0], config)
        times.append(clock.monotonic() - start)
    return {
        "median_ms": round(1000 * float(np.median(times)), 1),
        "best_ms": round(1000 * float(np.min(times)), 1),
        "runtime": "ONNX Runtime, CPU",
        "threads": threads,
        "machine": processor(),
    }


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()

"""The cards of a model that this package trained: one for each name that its file has."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.clock import Clock, SystemClock
from surveil.detect.card import InputSpec, ModelCard, Thresholds, sha256_of
from surveil.detect.open import open_detector
from surveil.labels import LabelMap
from surveil.types import Frame
from training.evaluate.detect import ProtocolConfig
from training.evaluate.judge import size_name

LATENCY_SCORE = 0.3
UNMEASURED = Thresholds(low=0.3, high=0.5, birth=0.6, display=0.5)
"""Until the precision-recall curves are known."""


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
    sizes: Sequence[tuple[int, int]],
    name: str | None = None,
) -> ModelCard:
    """The card of the ONNX file `model` before anything is measured: enough to run it.

    Args:
        model: The file.
        texts: Words of the recipe.
        labels: Class names in the order of the scores.
        sizes: (height, width) that are measured; the first is the default.
        name: What users call it; None: as its file.
    """
    return ModelCard(
        name=name or model.stem,
        file=model.name,
        sha256=sha256_of(model),
        licence=texts.licence,
        credits=texts.credits,
        labels=LabelMap(texts.labels_name, labels),
        input=InputSpec(shapes=tuple(sizes)),
        output="surveil",
        nms_iou=ProtocolConfig().nms_iou,
        voting_sigma=ProtocolConfig().voting_sigma,
        thresholds=UNMEASURED,
        measured={"notes": list(texts.notes)},
    )


def latency_ms(
    model: Path,
    size: tuple[int, int],
    pictures: Sequence[NDArray[np.uint8]],
    runtime: str = "onnxruntime",
    threads: int = 2,
) -> Mapping[str, Any]:
    """Time of one picture in the application's detector on this CPU, decoding and suppression included.

    Args:
        model: An exported model with its card beside it.
        size: (height, width) of the input.
        pictures: (H, W, 3) uint8 each; each is timed ten times.
        runtime: As in the application.
        threads: Of the runtime.
    """
    clock: Clock = SystemClock()
    detector = open_detector(
        str(model),
        device="cpu",
        runtime=runtime,
        input_size=(size[1], size[0]),
        min_score=LATENCY_SCORE,
        threads=threads,
    )
    frames = [
        Frame(camera_id="latency", index=k, pts_s=float(k), wall_s=0.0, arrived_s=0.0, image=picture)
        for k, picture in enumerate(pictures)
    ]
    prepared = [detector.prepare(frame) for frame in frames]
    times = []
    for one in prepared * 10:
        start = clock.monotonic()
        detector.detect([one])
        times.append(clock.monotonic() - start)
    detector.close()
    busy = {"load_average": round(os.getloadavg()[0], 1)} if hasattr(os, "getloadavg") else {}
    return {
        "input": size_name(size),
        "runtime": detector.device,
        "median_ms": round(1000 * float(np.median(times)), 1),
        "best_ms": round(1000 * float(np.min(times)), 1),
        "threads": threads,
        "machine": processor(),
        **busy,  # above the threads it uses, other programs were running: an upper bound
    }


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()

"""The card of a model that this package trained."""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

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


def revision(folder: Path) -> str:
    """Git revision of the code, with `+` when training/ was changed since; `unknown` outside a checkout."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (
            "+" if git("status", "--porcelain", "--", "training") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def latency_ms(model: Path, size: tuple[int, int], threads: int = 2, runs: int = 60) -> dict[str, Any]:
    """Median time of one picture in ONNX Runtime on this CPU, decoding and suppression included."""
    clock: Clock = SystemClock()
    session, config = OnnxModel(model, threads), DetectConfig()
    picture = np.random.default_rng(0).integers(0, 255, (1, *size, 3)).astype(np.uint8)
    times = []
    for _ in range(runs):
        start = clock.monotonic()
        boxes, scores = session(picture)
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

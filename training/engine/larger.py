"""A larger network of the family looks at the batches that a student learns from.

Its weights stay as they are: evaluation mode, no gradients, the student's device and precision.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from surveil.detect.card import sha256_of
from training.engine.batches import Batch
from training.engine.config import Machine
from training.engine.trainer import AUTOCAST, BatchSource
from training.errors import ConfigError
from training.losses.localization import different_bins
from training.losses.targets import Lesson
from training.models.backbone import MobileNetV2
from training.models.detector import Detector, load_model, reading_of
from training.models.reading import GFLReading, Reading
from training.models.shapes import DetectorConfig
from training.settings import told

ROUNDED = 2.0**-10  # relative error of weights that were stored as float16


@dataclass(frozen=True, kw_only=True)
class LargerJob:
    """The larger teacher of a stage; it is sent to processes as it is.

    Attributes:
        recipe: Name of the recipe that it was trained by.
        model: Its shape.
        file: Its weights.
    """

    recipe: str
    model: DetectorConfig
    file: Path

    def identity(self) -> dict[str, Any]:
        """JSON values that a resumed run must share."""
        return {"model": told(self.model), "sha256": sha256_of(self.file)}


def distributions_of(name: str, config: DetectorConfig) -> GFLReading:
    """The reading of a network that is to teach or to be taught. Raises ConfigError."""
    reading: Reading = reading_of(config)
    if isinstance(reading, GFLReading):
        return reading
    raise ConfigError(
        f"localization: {name} has anchors and no distributions of boxes: student and larger teacher are "
        "recipes with a GFL head"
    )


def check_fits(student: tuple[str, DetectorConfig], teacher: tuple[str, DetectorConfig]) -> None:
    """Check that cells and bins are the same, so that they can be compared one by one.

    Args:
        student: Name of its recipe, and its shape.
        teacher: The same of the larger network.

    Raises:
        ConfigError: They are not; names both, and says what to do.
    """
    mine, theirs = distributions_of(*student), distributions_of(*teacher)
    if mine.strides != theirs.strides:
        raise ConfigError(
            f"localization: the larger teacher {teacher[0]} predicts at strides {theirs.strides}, the "
            f"student {student[0]} at {mine.strides}; cells are compared one by one: take a teacher with the "
            "student's kind of head"
        )
    if mine.reg_max != theirs.reg_max:
        who = f"the larger teacher {teacher[0]}"
        raise ConfigError(f"{different_bins(who, theirs.reg_max, mine.reg_max)} (student {student[0]})")


def check_shared(larger: LargerJob, start: Path) -> None:
    """Check that the network has the layers up to stride 8 that filled a cache, so that it can start there.

    Args:
        larger: The network.
        start: What filled the cache.

    Raises:
        ConfigError: It has others.
        CheckpointError: A file is missing or broken.
    """
    backbone = load_model(larger.file, larger.model).backbone
    cached = MobileNetV2().load_start(start)
    if not isinstance(backbone, MobileNetV2) or not _same(backbone, cached):
        raise ConfigError(
            f"{larger.file}: the layers to stride 8 are not those of {start.name}, which filled the cache: "
            "what is cached means nothing to it. Train with entry view or image, or take a teacher that was "
            "trained with these layers frozen"
        )


def _same(one: MobileNetV2, two: MobileNetV2) -> bool:
    """Whether the layers up to stride 8 are the same, but for rounding to float16."""
    first, second = ([p for m in x.halves()[0] for p in m.parameters()] for x in (one, two))
    return all(torch.allclose(a, b, rtol=ROUNDED, atol=1e-6) for a, b in zip(first, second, strict=True))


class LargerNetwork:
    """Adds to a batch what the network says of it."""

    def __init__(self, larger: LargerJob, entry: str, machine: Machine) -> None:
        """`entry`: of the stage. Raises CheckpointError when its weights cannot be read."""
        self.entry, self.kind = entry, AUTOCAST.get(machine.precision)
        self.device = torch.device(machine.device)
        self.reading = distributions_of(larger.recipe, larger.model)
        network = load_model(larger.file, larger.model).eval().requires_grad_(False)
        self.network: Detector = network.to(self.device, memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Batch:
        """The batch on the device, with the lesson."""
        batch = batch.to(self.device)
        with torch.autocast(self.device.type, self.kind, enabled=self.kind is not None):
            levels = self.network.enter(self.entry, batch.inputs)
        return replace(
            batch, targets=replace(batch.targets, lesson=self.lesson(self.reading.flatten(levels)))
        )

    def lesson(self, raw: Tensor) -> Lesson:
        """Raw outputs (B, N, K) as what can be learnt from."""
        sides = self.reading.distributions(raw).unflatten(-1, (4, -1))
        known = torch.ones(raw.shape[:2], dtype=torch.bool, device=raw.device)
        return Lesson(self.reading.logits(raw), sides, known)


class TaughtBatches:
    """Batches of a source, with lessons."""

    def __init__(self, source: BatchSource, teacher: Callable[[Batch], Batch]) -> None:
        """`teacher`: looks at every batch."""
        self.source, self.teacher = source, teacher

    def batch(self, step: int) -> Batch:
        """Batch number `step`."""
        return self.teacher(self.source.batch(step))

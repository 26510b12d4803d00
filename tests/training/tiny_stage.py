"""A tiny stage on the tiny cache, and its trainer."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.training.tiny import LABELS, SIZE, lively
from training.data.cache import FeatureCache
from training.engine.batches import CachedBatches
from training.engine.config import Machine, StageConfig
from training.engine.trainer import Trainer
from training.losses.objective import objective_of
from training.models.detector import Detector, load_model
from training.models.shapes import HybridConfig

MODEL = HybridConfig(classes=len(LABELS.labels), width=16, depth=1)
ALONE = Machine(processes=1)
STAGE = StageConfig(
    name="tiny",
    entry="low",
    trains=("high", "rest"),
    images=32,
    batch=2,
    warmup=2,
    average_every=2,
    log_steps=2,
    checkpoint_images=16,
)
FILES = tuple(f"{k}.png" for k in range(1, 7))


def make_trainer(cache: FeatureCache, config: StageConfig = STAGE, machine: Machine = ALONE) -> Trainer:
    """The same trainer every time."""
    torch.manual_seed(11)
    source = CachedBatches(cache, config, files=FILES)
    model = Detector(MODEL)
    lively(model.backbone)
    criteria = {SIZE: objective_of(SIZE, config.loss, model.reading)}
    return Trainer(model, source, criteria, config, machine)


def same(a: Path, b: Path) -> bool:
    """Whether two files hold the same weights."""
    one, two = (load_model(p, MODEL).state_dict() for p in (a, b))
    return all(torch.equal(one[k], two[k]) for k in one)

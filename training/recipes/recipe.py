"""The complete configuration of a training run: one frozen value, built by the functions beside this file."""

from dataclasses import dataclass

from training.data.augment import AugmentConfig
from training.data.cache import CacheConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.models.detector import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run learns.

    Attributes:
        name: Of the recipe and of the model that it ships.
        labels: Classes, and how annotations are read.
        augment: How views are drawn.
        cache: Which views are cached.
        model: Shape of the detector.
        stages: What is trained, one after the other.
        start: File name of the backbone's start.
        teacher: File name of the dense teacher.
    """

    name: str
    labels: LabelConfig
    augment: AugmentConfig
    cache: CacheConfig
    model: ModelConfig
    stages: tuple[StageConfig, ...]
    start: str
    teacher: str

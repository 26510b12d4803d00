"""What a stage minimises, chosen by the kind of its loss configuration."""

from typing import Protocol

import torch
from torch import Tensor

from training.errors import ConfigError
from training.losses.criterion import Criterion, LossConfig
from training.losses.imitation import Imitation, ImitationLossConfig
from training.losses.targets import Targets
from training.losses.yolov3 import YoloV3Config, YoloV3Criterion
from training.models.reading import MapReading, Reading

AnyLossConfig = LossConfig | YoloV3Config | ImitationLossConfig


class Objective(Protocol):
    """Losses of raw outputs for inputs of one size."""

    def __call__(self, raw: Tensor, targets: Targets, assigner: str) -> dict[str, Tensor]:
        """Weighted losses by name."""


def objective_of(
    size: tuple[int, int],
    config: AnyLossConfig,
    reading: Reading | MapReading,
    device: torch.device | None = None,
) -> Objective:
    """The objective for inputs of (height, width).

    Raises:
        ConfigError: The loss cannot judge such outputs.
    """
    match config, reading:
        case ImitationLossConfig(), MapReading():
            return Imitation(config)
        case (ImitationLossConfig(), _) | (_, MapReading()):
            raise ConfigError("imitation: features are judged by the imitation loss, detections by another")
        case YoloV3Config(), _:
            return YoloV3Criterion(size, config, reading, device)
        case _:
            return Criterion(size, config, reading, device)

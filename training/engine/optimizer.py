"""What learns, and how fast its parts do."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from training.engine.config import StageConfig
from training.models.detector import Detector


def freeze(model: Detector, config: StageConfig) -> list[torch.nn.Parameter]:
    """Let only the parts that the stage trains have gradients; returns their parameters."""
    model.requires_grad_(False)
    parts = model.parts()
    for name in config.trains:
        for p in parts[name]:
            p.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


def set_learning(model: Detector, config: StageConfig) -> None:
    """Training mode for what learns; what is frozen computes as it will in the model that ships.

    Norms of frozen layers would else go by each batch's own statistics, and forget those they have.
    """
    low, high = model.backbone.halves()
    parts = {"low": low, "high": high, "rest": [model.neck, model.head]}
    model.train()
    for name, modules in parts.items():
        for module in modules:
            module.train(name in config.trains)


def synced_tensors(model: Detector, config: StageConfig) -> list[Tensor]:
    """What processes average: trained parameters and batch-norm statistics."""
    parts = model.parts()
    trained: list[Tensor] = [p for name in config.trains for p in parts[name]]
    return trained + [b for _, b in model.named_buffers() if b.is_floating_point()]


def make_optimizer(model: Detector, config: StageConfig) -> torch.optim.Optimizer:
    """The stage's optimizer; the key `scale` of a group is its factor on the rate.

    AdamW decays the matrices of neck and head only: the backbone stays near its start. SGD decays all
    matrices, as papers that train by it do. Norms and biases never decay.
    """
    parts = model.parts()
    rest = parts["rest"] if "rest" in config.trains else []
    backbone = [p for name in ("low", "high") if name in config.trains for p in parts[name]]
    if config.optimizer == "sgd":
        groups = _split(rest, 1.0, config.decay) + _split(backbone, config.backbone_rate, config.decay)
        return torch.optim.SGD(groups, lr=config.rate, momentum=config.momentum, fused=True)
    groups = _split(rest, 1.0, config.decay)
    if backbone:
        groups.append({"params": backbone, "scale": config.backbone_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=config.rate, betas=config.betas, fused=True)


def _split(parameters: Sequence[torch.nn.Parameter], scale: float, decay: float) -> list[dict[str, Any]]:
    """Groups of the matrices, which decay, and of the rest; none where there is nothing."""
    if not parameters:
        return []
    return [
        {"params": [p for p in parameters if p.ndim > 1], "scale": scale, "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim == 1], "scale": scale, "weight_decay": 0.0},
    ]

"""What learns, and how fast its parts do."""

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


def synced_tensors(model: Detector, config: StageConfig) -> list[Tensor]:
    """What processes average: trained parameters and batch-norm statistics."""
    parts = model.parts()
    trained: list[Tensor] = [p for name in config.trains for p in parts[name]]
    return trained + [b for _, b in model.named_buffers() if b.is_floating_point()]


def make_optimizer(model: Detector, config: StageConfig) -> torch.optim.AdamW:
    """AdamW; decay on the matrices of neck and head only, a smaller rate for the backbone (key `scale`)."""
    parts = model.parts()
    groups: list[dict[str, Any]] = []
    if "rest" in config.trains:
        rest = parts["rest"]
        groups += [
            {"params": [p for p in rest if p.ndim > 1], "scale": 1.0, "weight_decay": config.decay},
            {"params": [p for p in rest if p.ndim == 1], "scale": 1.0, "weight_decay": 0.0},
        ]
    backbone = [p for name in ("low", "high") if name in config.trains for p in parts[name]]
    if backbone:
        groups.append({"params": backbone, "scale": config.backbone_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=config.rate, betas=config.betas, fused=True)

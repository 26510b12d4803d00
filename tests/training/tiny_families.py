"""Small detectors of the papers' families, and all that a stage of theirs needs, on the tiny data."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.training.tiny import CACHE, LABELS, PLAIN, TinyData
from training.data.cache import ViewJob
from training.models.backbone import MobileNetV2 as TunedMobileNetV2
from training.models.blocks import ConvBN
from training.models.shapes import LiteConfig, YoloConfig

CLASSES = len(LABELS.labels)
ANCHORS = (((10, 12), (16, 34), (36, 20)), ((20, 40), (40, 24), (30, 30)), ((50, 40), (40, 60), (80, 60)))
YOLO = YoloConfig(
    backbone="mobilenetv2-tuned",
    width=1.0,
    widths=(16, 16, 16),
    classes=CLASSES,
    anchors=ANCHORS,
    separable=True,
    pooled=True,
    extra=True,
    reach=3.0,
    act="relu",
)
LITE = LiteConfig(variant=0, width=24, depth=1, classes=CLASSES, act="relu")
LITE_V2 = LiteConfig(variant=0, width=24, depth=1, classes=CLASSES, reg_max=10, quality=True, act="silu")


def view_job(tiny: TinyData) -> ViewJob:
    """How the views of the tiny cache were drawn."""
    return ViewJob(
        images=tiny.folder / "train.npy",
        records=tuple(tiny.records),
        start=Path("none"),
        teachers=(),
        labels=LABELS,
        augment=PLAIN,
        cache=CACHE,
    )


def write_tuned_start(path: Path) -> Path:
    """A detection-tuned start with random weights."""
    convs = [m for m in TunedMobileNetV2().modules() if isinstance(m, torch.nn.Conv2d)]
    save_file({f"{k:02}_conv.{n}": t for k, m in enumerate(convs) for n, t in m.state_dict().items()}, path)
    return path


def write_imagenet_start(path: Path, network: torch.nn.Module) -> Path:
    """A start of a network with folded norms and random weights."""
    blocks = [m for m in network.modules() if isinstance(m, ConvBN)]
    state = {}
    for k, block in enumerate(blocks):
        weight = block[0].weight.detach()
        torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        state[f"{k:02}_conv.weight"] = weight.half()
        state[f"{k:02}_conv.bias"] = torch.full((len(weight),), 0.01 * (k + 1)).half()
    save_file(state, path)
    return path

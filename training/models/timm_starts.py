"""Starts as timm stores them: `efficientnet_lite0.ra_in1k`, `mobilenetv2_100.ra_in1k` and their like.

The file is the model's `model.safetensors` (from Hugging Face, or written by a user) under timm's name: how
its network sees colours, and the epsilon of its norms, stand nowhere in the file (`ORIGINS`). Norms keep the
statistics that it holds. Names and order are those of timm's efficientnet family; padding is symmetric, but
for `tf_…`, made for padding on the right and below, which moves every map by half a cell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn, tensor

from training.errors import CheckpointError
from training.models.blocks import ConvBN
from training.models.staged import StagedBackbone

Colours = tuple[tuple[float, float, float], tuple[float, float, float]]
IMAGENET: Colours = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of RGB in 0..1
TENSORFLOW: Colours = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a file of timm does not say of its network.

    Attributes:
        colours: Mean and deviation by which it sees pictures.
        eps: Of its norms.
    """

    colours: Colours
    eps: float


# Beginnings of timm's names, and what timm/models/efficientnet.py says of them: `mean` and `std` of
# `default_cfgs`, `bn_eps` of the functions that make the networks (torch's own where they set none).
ORIGINS = (
    ("tf_efficientnet_lite", Origin(colours=TENSORFLOW, eps=1e-3)),
    ("efficientnet_lite", Origin(colours=IMAGENET, eps=1e-5)),
    ("mobilenetv1_", Origin(colours=TENSORFLOW, eps=1e-5)),
    ("mobilenetv2_", Origin(colours=IMAGENET, eps=1e-5)),
)
# convolution and norm of a block, in the order in which they compute
EXPANDED = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
SEPARABLE = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
NORM = ("weight", "bias", "running_mean", "running_var")
BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.")


def is_timm(state: Mapping[str, Tensor]) -> bool:
    """Whether a file's tensors are named as timm does."""
    return "conv_stem.weight" in state


def made_of(path: Path) -> Origin:
    """What a file's name says of its network.

    Raises:
        CheckpointError: It is not one of timm's names.
    """
    for name, origin in ORIGINS:
        if path.name.startswith(name):
            return origin
    names = ", ".join(f"{name}…" for name, _ in ORIGINS)
    raise CheckpointError(
        f"{path}: holds a network of timm, but its name does not say which, and so neither its colours nor "
        f"the epsilon of its norms: give it timm's name, {names}, such as "
        "efficientnet_lite0.ra_in1k.safetensors"
    )


def layers_of(state: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    """Names of convolutions and their norms, in the order in which they compute; without the classifier."""
    blocks = sorted({(int(m[1]), int(m[2])) for m in map(BLOCK.match, state) if m})
    out = [("conv_stem", "bn1")]
    for stage, block in blocks:
        prefix = f"blocks.{stage}.{block}."
        kind = EXPANDED if f"{prefix}conv_pwl.weight" in state else SEPARABLE
        out += [(prefix + conv, prefix + norm) for conv, norm in kind]
    return out


def misfits(backbone: StagedBackbone, state: Mapping[str, Tensor]) -> list[str]:
    """What does not fit, layer by layer, in words."""
    ours, names = blocks_of(backbone), layers_of(state)
    wrong = []
    for (conv, norm), block in zip(names, ours, strict=False):
        expected = {f"{conv}.weight": block[0].weight}
        expected |= {f"{norm}.{field}": getattr(block[1], field) for field in NORM}
        missing = [f"{key} is missing" for key in expected if key not in state]
        others = [
            f"{key} is {tuple(state[key].shape)}, expected {tuple(value.shape)}"
            for key, value in expected.items()
            if key in state and state[key].shape != value.shape
        ]
        wrong += [*missing, *others[:1]]  # a convolution's norm has the wrong size with it
    if len(names) != len(ours):
        wrong.append(f"{len(names)} layers, expected {len(ours)}")
    return wrong


def blocks_of(backbone: StagedBackbone) -> list[ConvBN]:
    """All convolutions with their norms, in the order in which they compute."""
    return [m for m in backbone.layers.modules() if isinstance(m, ConvBN)]


def take(backbone: StagedBackbone, state: Mapping[str, Tensor], origin: Origin) -> None:
    """Copy convolutions and norms; nothing in the file may be a `misfits`."""
    for (conv, norm), block in zip(layers_of(state), blocks_of(backbone), strict=True):
        block[0].weight.data.copy_(state[f"{conv}.weight"])
        for field in NORM:
            getattr(block[1], field).data.copy_(state[f"{norm}.{field}"])
        with_our_eps(block[1], origin.eps)
    first = blocks_of(backbone)[0]
    for_our_input(first[0], first[1], origin.colours)


def with_our_eps(norm: nn.BatchNorm2d, eps: float) -> None:
    """Let a norm, by its own epsilon and the statistics that it holds, compute what it did by another."""
    var = norm.running_var
    norm.weight.data *= ((var + norm.eps) / (var + eps)).sqrt()


def for_our_input(conv: nn.Conv2d, norm: nn.BatchNorm2d, colours: Colours) -> None:
    """A first convolution for RGB by a mean and a deviation as one for BGR in 0..1."""
    mean, std = (tensor(values)[:, None, None] for values in colours)
    weight = conv.weight.data / std
    norm.running_mean += (weight * mean).sum((1, 2, 3))
    conv.weight.data.copy_(weight.flip(1))

"""Starts as timm stores them: `efficientnet_lite0.ra_in1k`, `mobilenetv2_100.ra_in1k` and their like.

The file is the model's `model.safetensors` (from Hugging Face, or written by a user); norms keep the
statistics that it holds. Names and order are those of timm's efficientnet family. Its input is RGB by
ImageNet's mean and deviation, and its padding symmetric. Variants whose file keeps timm's name `tf_…` have
RGB in -1..1 and were made for padding on the right and below, which moves every map by half a cell.
"""

import re
from collections.abc import Mapping

from torch import Tensor, nn, tensor

from training.models.blocks import ConvBN
from training.models.staged import StagedBackbone

Colours = tuple[tuple[float, float, float], tuple[float, float, float]]
IMAGENET: Colours = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of RGB in 0..1
TENSORFLOW: Colours = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
# convolution and norm of a block, in the order in which they compute
EXPANDED = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
SEPARABLE = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
NORM = ("weight", "bias", "running_mean", "running_var")
BLOCK = re.compile(r"blocks\.(\d+)\.(\d+)\.")


def is_timm(state: Mapping[str, Tensor]) -> bool:
    """Whether a file's tensors are named as timm does."""
    return "conv_stem.weight" in state


def colours_of(file: str) -> Colours:
    """Mean and deviation by which a file's network sees pictures."""
    return TENSORFLOW if file.startswith("tf_") else IMAGENET


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
    wrong = [
        f"{name} is {tuple(state[f'{name}.weight'].shape)}, expected {tuple(block[0].weight.shape)}"
        for (name, _), block in zip(names, ours, strict=False)
        if state[f"{name}.weight"].shape != block[0].weight.shape
    ]
    wrong += [
        f"{norm}.{field} is missing"
        for _, norm in names[: len(ours)]
        for field in NORM
        if f"{norm}.{field}" not in state
    ]
    if len(names) != len(ours):
        wrong.append(f"{len(names)} layers, expected {len(ours)}")
    return wrong


def blocks_of(backbone: StagedBackbone) -> list[ConvBN]:
    """All convolutions with their norms, in the order in which they compute."""
    return [m for m in backbone.layers.modules() if isinstance(m, ConvBN)]


def take(backbone: StagedBackbone, state: Mapping[str, Tensor], colours: Colours = IMAGENET) -> None:
    """Copy convolutions and norms; nothing in the file may be a `misfits`."""
    for (conv, norm), block in zip(layers_of(state), blocks_of(backbone), strict=True):
        block[0].weight.data.copy_(state[f"{conv}.weight"])
        for field in NORM:
            getattr(block[1], field).data.copy_(state[f"{norm}.{field}"])
    first = blocks_of(backbone)[0]
    for_our_input(first[0], first[1], colours)


def for_our_input(conv: nn.Conv2d, norm: nn.BatchNorm2d, colours: Colours) -> None:
    """A first convolution for RGB by a mean and a deviation as one for BGR in 0..1."""
    mean, std = (tensor(values)[:, None, None] for values in colours)
    weight = conv.weight.data / std
    norm.running_mean += (weight * mean).sum((1, 2, 3))
    conv.weight.data.copy_(weight.flip(1))

"""Public starts for the papers' backbones: with norms as timm stores them, or with norms folded.

A folded start has its layers in execution order and TensorFlow's input; it holds what a network computes
without norms. The norms of ours are set so that they change nothing: in evaluation at once, in training once
they have seen pictures (`settle_norms`). The files were made for padding on the right and below only; ours
pads on both sides, which moves every map by half a cell and changes nothing else.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from training.models.backbone import MobileNetV2
from training.models.blocks import ConvBN
from training.models.staged import StagedBackbone
from training.models.start_files import folded_misfits, read_folded, read_tensors, refuse
from training.models.timm_starts import is_timm, made_of, misfits, take


def begin(backbone: MobileNetV2 | StagedBackbone, path: Path, pictures: Tensor | None = None) -> None:
    """Give a backbone its public start.

    Args:
        backbone: Changed in place.
        path: The start.
        pictures: (B, H, W, 3) uint8 BGR that the norms are settled on; None: they only fit in evaluation.

    Raises:
        CheckpointError: The start is missing, broken, or does not fit.
    """
    if isinstance(backbone, MobileNetV2):
        backbone.load_start(path)
        return
    state = read_tensors(path)
    if is_timm(state):
        refuse(path, backbone, misfits(backbone, state))
        take(backbone, state, made_of(path))
        return
    norms = load_folded(backbone, path)
    if pictures is not None:
        settle_norms(backbone, norms, pictures.permute(0, 3, 1, 2).float() / 255)


def load_folded(backbone: StagedBackbone, path: Path) -> list[nn.BatchNorm2d]:
    """Take as many layers of a start as the backbone shares with it; what follows in the file is left.

    Returns:
        The norms of these layers.

    Raises:
        CheckpointError: Names every layer whose shape does not fit.
    """
    ours = [m for layer in backbone.layers[: backbone.started] for m in layer.modules()]
    blocks = [m for m in ours if isinstance(m, ConvBN)]
    theirs = read_folded(path)
    wrong = folded_misfits(theirs, [block[0] for block in blocks])
    if len(theirs) < len(blocks):
        wrong.append(f"{len(theirs)} layers, expected at least {len(blocks)}")
    refuse(path, backbone, wrong)
    norms = []
    for k, ((_, weight, bias), block) in enumerate(zip(theirs, blocks, strict=False)):
        conv, norm = block[0], block[1]
        if k == 0:
            weight, bias = for_our_input(weight, bias)
        conv.weight.data.copy_(weight)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0)
        norm.weight.data.fill_((1 + norm.eps) ** 0.5)
        norm.bias.data.copy_(bias)
        norms.append(norm)
    return norms


def for_our_input(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A first convolution for RGB / 127.5 - 1 as one for BGR in 0..1: x -> 2 x - 1, channels reversed.

    The border, where nothing was 0 and becomes black instead of grey, is left out of account.
    """
    return 2 * weight.flip(1), bias - weight.sum((1, 2, 3))


@torch.no_grad()
def settle_norms(network: nn.Module, norms: list[nn.BatchNorm2d], image: Tensor) -> None:
    """Let norms expect what they see and compute what they did, so that training does not change that either.

    Args:
        network: Changed in place.
        norms: Of it, such as `load_folded` returns.
        image: (B, 3, H, W) BGR in 0..1.
    """

    def settle(norm: nn.BatchNorm2d, given: tuple[Tensor]) -> None:
        mean, var = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3), correction=0)
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias.add_(gain * (mean - norm.running_mean))
        norm.weight.copy_(gain * (var + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)

    hooks = [norm.register_forward_pre_hook(settle) for norm in norms]
    training = network.training
    network.eval()(image)
    network.train(training)
    for hook in hooks:
        hook.remove()

"""Batch norm folded into convolutions, weights rounded to float16: what the exported graph computes with."""

import copy

import torch
from torch import Tensor, nn

from training.models.blocks import ConvBN
from training.models.detector import Detector
from training.models.head import GFLHead


def fuse(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A plain convolution equal to `conv` followed by the batch norm in evaluation."""
    out = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, groups=conv.groups
    )
    gain = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
    out.weight.data.copy_(conv.weight.data * gain[:, None, None, None])
    out.bias.data.copy_(norm.bias.data - norm.running_mean * gain)
    return out


class FoldedHead(nn.Module):
    """The GFL head with batch norm folded: the shared tower becomes one per level."""

    def __init__(self, head: GFLHead) -> None:
        """Takes the head's weights."""
        super().__init__()
        shared = [conv for pair in head.convs for conv in pair]
        self.towers = nn.ModuleList(
            nn.ModuleList(fuse(conv, norm) for conv, norm in zip(shared, norms, strict=True))
            for norms in head.norms
        )
        self.out = copy.deepcopy(head.out)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """As `GFLHead.forward`."""
        result = []
        for tower, project, x in zip(self.towers, self.out, maps, strict=True):
            for conv in tower:
                x = torch.relu(conv(x))
            result.append(project(x))
        return result


def fold(model: Detector) -> Detector:
    """A copy of the detector made of convolutions with bias only."""
    model = copy.deepcopy(model).eval()
    for module in list(model.modules()):
        if isinstance(module, ConvBN):
            module[0], module[1] = fuse(module[0], module[1]), nn.Identity()
    if isinstance(model.head, GFLHead):
        model.head = FoldedHead(model.head)
    return model.eval()


def round_to_half(model: Detector) -> Detector:
    """The same detector with every weight rounded to float16 (kept as float32)."""
    model.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()})
    return model

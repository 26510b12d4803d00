"""Batch norms over the parts of a batch that several processes share: the same as one over all of it."""

from typing import Any

import torch
from torch import Tensor, nn

from training.together import ranks, summed


class _Sum(torch.autograd.Function):
    """Sum over the processes; what each process's losses say of the sum is added up as well."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return summed(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return summed(grad)


class SharedBatchNorm2d(nn.BatchNorm2d):
    """`nn.SyncBatchNorm` for the CPU, which torch's own does not know; all parts have the same size."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape and type."""
        if not self.training:
            return super().forward(x)
        shape, wide = (1, -1, 1, 1), x.float()
        count = ranks() * wide[:, 0].numel()
        mean = _Sum.apply(wide.sum((0, 2, 3))) / count
        centred = wide - mean.view(shape)
        var = _Sum.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scaled = centred * (self.weight * (var + self.eps).rsqrt()).view(shape) + self.bias.view(shape)
        return scaled.to(x.dtype)


def share_norms(model: nn.Module, device: torch.device) -> None:
    """Let all batch norms of a model look at the whole batch; parameters and statistics stay the same."""
    if ranks() == 1:
        return
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, nn.BatchNorm2d):
                parent.register_module(name, _shared(norm, device))


def _shared(norm: nn.BatchNorm2d, device: torch.device) -> nn.Module:
    if device.type == "cuda":  # torch's own, in few kernels
        synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
        return synced
    shared = SharedBatchNorm2d(norm.num_features, norm.eps, norm.momentum)
    shared.weight, shared.bias = norm.weight, norm.bias
    shared.running_mean, shared.running_var = norm.running_mean, norm.running_var
    shared.num_batches_tracked = norm.num_batches_tracked
    return shared.train(norm.training)

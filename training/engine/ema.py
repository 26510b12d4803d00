"""Exponential moving average of weights and batch-norm statistics, on torch's own `AveragedModel`."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the model in evaluation mode; `update_parameters(model)` moves it towards the model.

    Young averages follow faster: update n keeps min(decay, (1 + n) / (10 + n)). Counters are copied.
    """

    def move(mean: Sequence[Tensor], live: Sequence[Tensor], _: Tensor | int) -> None:
        if not mean[0].is_floating_point():
            torch._foreach_copy_(mean, live)
            return
        n = int(ema.n_averaged)  # lies on the CPU, wherever the model is: no waiting for the device
        keep = min(decay, (1 + n) / (10 + n))
        torch._foreach_lerp_(mean, live, 1 - keep)

    ema = AveragedModel(model, multi_avg_fn=move, use_buffers=True)
    ema.update_parameters(model)  # the first one copies; it counts, so that the next is update 1
    return ema.requires_grad_(False).eval()

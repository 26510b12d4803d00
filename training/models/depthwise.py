"""Depthwise convolutions with fast gradients in bfloat16 on CPUs.

Two bfloat16 gradients of oneDNN are slow: those of depthwise convolutions of stride 2, and the weight
gradient of depthwise 5x5 (35 ms where 3x3 takes 0.5). So stride 2 is differentiated as stride 1 on a gradient
spread out with zeros, and the 25 taps of a 5x5 kernel as four overlapping 3x3 kernels on shifted inputs. The
results are the same. In float32 (AVX2) torch's own gradients are as fast, at stride 2 three times faster:
there they are left alone.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _gradient(grad: Tensor, x: Tensor, weight: Tensor, padding: int, mask: list[bool]) -> tuple[Tensor, ...]:
    """Gradients (input, weight, bias) of a depthwise convolution of stride 1, those that `mask` asks for."""
    backward = torch.ops.aten.convolution_backward
    groups = weight.shape[0]
    out: tuple[Tensor, ...] = backward(
        grad, x, weight, None, [1, 1], [padding, padding], [1, 1], False, [0, 0], groups, mask
    )
    return out


class _Depthwise(torch.autograd.Function):
    """`F.conv2d` of depthwise kernels 3x3 or 5x5 whose backward is built from 3x3 stride-1 gradients."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.has_bias = stride, bias is not None
        return F.conv2d(x, weight, bias, stride, weight.shape[-1] // 2, 1, weight.shape[0])

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        bias = grad.sum((0, 2, 3)) if ctx.has_bias else None
        if ctx.stride > 1:
            full = torch.zeros_like(x)
            full[:, :, :: ctx.stride, :: ctx.stride] = grad
            grad = full
        if weight.shape[-1] == 3:
            dx, dw, _ = _gradient(grad, x, weight, 1, [ctx.needs_input_grad[0], True, False])
            return dx, dw, bias, None
        dx = _gradient(grad, x, weight, 2, [True, False, False])[0]
        small, dw = weight[:, :, :3, :3].contiguous(), torch.empty_like(weight)
        for oy in (0, 2):
            for ox in (0, 2):
                shifted = F.pad(x, (2 - ox, ox, 2 - oy, oy))
                dw[:, :, oy : oy + 3, ox : ox + 3] = _gradient(grad, shifted, small, 0, [False, True, False])[
                    1
                ]
        return dx, dw, bias, None


class Depthwise(nn.Conv2d):
    """Drop-in depthwise convolution 3x3 or 5x5, stride 1 or 2, padded by half the kernel."""

    def __init__(self, channels: int, kernel: int, stride: int = 1, bias: bool = False) -> None:
        """As `nn.Conv2d` with `groups=channels`."""
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / stride, W / stride), rounded up."""
        slow = self.kernel_size[0] == 5 or self.stride[0] == 2
        half = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if slow and half and self.training and torch.is_grad_enabled():
            out: Tensor = _Depthwise.apply(x, self.weight, self.bias, self.stride[0])
            return out
        return super().forward(x)

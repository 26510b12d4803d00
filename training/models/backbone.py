"""MobileNetV2 x1.0 without batch norm (folded into the convolutions), symmetric padding.

The shape of the public detection-tuned starts: block 0 keeps an expansion (32 -> 32, 1x1) that the paper's
has not, and the last convolution (1280) is left out.
"""

from pathlib import Path

from torch import Tensor, nn

from training.errors import CheckpointError
from training.models.activations import activation
from training.models.depthwise import Depthwise
from training.models.mobilenet_v2 import STAGES
from training.models.start_files import folded_misfits, read_folded, refuse

LOW_BLOCKS = 6  # blocks up to the stride-8 tap
TAPS = (5, 12, 16)  # blocks whose outputs are handed to the neck, at strides 8, 16, 32
CHANNELS = (32, 96, 320)  # channels of the taps
START_ACT = "relu6"  # what the starts were trained with


class Bottleneck(nn.Module):
    """Inverted residual: expand 1x1, depthwise 3x3, project 1x1."""

    def __init__(self, cin: int, mid: int, cout: int, stride: int, act: str = START_ACT) -> None:
        """`mid`: channels of the depthwise convolution."""
        super().__init__()
        self.expand = nn.Conv2d(cin, mid, 1)
        self.expanded = activation(act)
        self.depth = Depthwise(mid, 3, stride, bias=True)
        self.filtered = activation(act)
        self.project = nn.Conv2d(mid, cout, 1)
        self.add = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        """(B, cin, H, W) to (B, cout, H / stride, W / stride)."""
        y: Tensor = self.project(self.filtered(self.depth(self.expanded(self.expand(x)))))
        return x + y if self.add else y


class MobileNetV2(nn.Module):
    """The backbone; `low` runs to stride 8, `high` from there."""

    channels = CHANNELS

    def __init__(self, act: str = START_ACT) -> None:
        """Random weights; `load_start` takes a public start. `act`: above stride 8."""
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.stemmed = activation(START_ACT)
        blocks, cin = [], 32
        for expansion, channels, repeats, stride in STAGES:
            for i in range(repeats):
                kind = START_ACT if len(blocks) < LOW_BLOCKS else act
                blocks.append(Bottleneck(cin, cin * expansion, channels, stride if i == 0 else 1, kind))
                cin = channels
        self.blocks = nn.ModuleList(blocks)

    def low(self, image: Tensor) -> Tensor:
        """Image (B, 3, H, W), BGR in 0..1, to the stride-8 tap (B, 32, H / 8, W / 8)."""
        x: Tensor = self.stemmed(self.stem(image))
        for block in self.blocks[:LOW_BLOCKS]:
            x = block(x)
        return x

    def high(self, tap8: Tensor) -> list[Tensor]:
        """Stride-8 tap to the taps (B, 96, H / 16, W / 16) and (B, 320, H / 32, W / 32)."""
        x, out = tap8, []
        for i, block in enumerate(self.blocks[LOW_BLOCKS:], LOW_BLOCKS):
            x = block(x)
            if i in TAPS:
                out.append(x)
        return out

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W), BGR in 0..1, to the three taps."""
        tap8 = self.low(image)
        return [tap8, *self.high(tap8)]

    def halves(self) -> tuple[list[nn.Module], list[nn.Module]]:
        """Its layers up to stride 8, and those above."""
        return [self.stem, *self.blocks[:LOW_BLOCKS]], list(self.blocks[LOW_BLOCKS:])

    def load_start(self, path: Path) -> "MobileNetV2":
        """Take weights whose keys are numbered in execution order (`00_conv.weight`, `01_pw.weight`, …).

        An exported detector of ours (`.onnx`) is a start as well: its backbone is taken.

        Raises:
            CheckpointError: The file is missing or holds another network; names the layers that do not fit.
        """
        if path.suffix == ".onnx":
            return self._load_exported(path)
        layers = read_folded(path)
        convs = [m for m in self.modules() if isinstance(m, nn.Conv2d)]
        wrong = folded_misfits(layers, convs)
        if len(layers) != len(convs):
            wrong.append(f"{len(layers)} convolutions, expected {len(convs)}")
        refuse(path, self, wrong)
        for (_, weight, bias), conv in zip(layers, convs, strict=True):
            conv.load_state_dict({"weight": weight, "bias": bias})
        return self

    def _load_exported(self, path: Path) -> "MobileNetV2":
        from training.models.onnx_graph import read_weights  # needs onnx

        prefix = "model.backbone."
        state = {
            name.removeprefix(prefix).removesuffix(".half"): value.float()  # see `export.graph`
            for name, value in read_weights(path).items()
            if name.startswith(prefix)
        }
        own = self.state_dict()
        if not state:
            raise CheckpointError(f"{path}: holds no backbone of ours")
        wrong = [f"{k} is missing" for k in own if k not in state]
        wrong += [
            f"{k} is {tuple(v.shape)}, expected {tuple(own[k].shape) if k in own else 'nothing'}"
            for k, v in state.items()
            if k not in own or v.shape != own[k].shape
        ]
        refuse(path, self, wrong)
        self.load_state_dict(state)
        return self

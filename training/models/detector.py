"""The whole detector, and what its raw outputs mean."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from training.errors import CheckpointError
from training.files import write_tensors
from training.grid import STRIDES
from training.models.backbone import CHANNELS, LOW_BLOCKS, MobileNetV2
from training.models.head import GFLHead
from training.models.neck import PAN


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of the detector.

    Attributes:
        classes: Number of classes.
        width: Channels of neck and head.
        kernel: Side of their depthwise convolutions, 3 or 5.
        depth: Separable convolutions of the head's tower.
        reg_max: Last bin of a side's distribution, in strides.
    """

    classes: int = 6
    width: int = 96
    kernel: int = 5
    depth: int = 2
    reg_max: int = 7


class Detector(nn.Module):
    """Backbone, neck and head; `from_taps` and `from_low` start at cached features."""

    def __init__(self, config: ModelConfig) -> None:
        """Random weights."""
        super().__init__()
        self.config = config
        self.backbone = MobileNetV2()
        self.neck = PAN(config.width, config.kernel, CHANNELS)
        self.head = GFLHead(
            config.width, config.kernel, config.depth, (config.classes, config.reg_max), len(STRIDES)
        )

    def from_taps(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps at strides 8, 16, 32 to raw outputs (B, classes + 4 (reg_max + 1), h, w) per level."""
        raw: list[Tensor] = self.head(self.neck(taps))
        return raw

    def from_low(self, tap8: Tensor) -> list[Tensor]:
        """Stride-8 tap (B, 32, H / 8, W / 8) to raw outputs per level."""
        return self.from_taps([tap8, *self.backbone.high(tap8)])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W), BGR in 0..1, to raw outputs per level."""
        return self.from_taps(self.backbone(image))

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part: `low` (to stride 8), `high` (backbone above), `rest` (neck and head)."""
        low = [self.backbone.stem, *self.backbone.blocks[:LOW_BLOCKS]]
        high = list(self.backbone.blocks[LOW_BLOCKS:])
        return {
            "low": [p for m in low for p in m.parameters()],
            "high": [p for m in high for p in m.parameters()],
            "rest": [*self.neck.parameters(), *self.head.parameters()],
        }


def flatten(levels: Sequence[Tensor]) -> Tensor:
    """Raw outputs per level (B, K, h, w) to one float32 array (B, N, K), in the order of `grid.cell_grid`."""
    return torch.cat([x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1]) for x in levels], 1).float()


def boxes_of(distributions: Tensor, centres: Tensor, strides: Tensor, reg_max: int) -> Tensor:
    """Boxes from distribution logits.

    Args:
        distributions: (…, 4 (reg_max + 1)) logits of left, top, right, bottom.
        centres: (…, 2) cell centres in pixels.
        strides: (…) pixels.
        reg_max: Last bin.

    Returns:
        (…, 4) xyxy pixels: centre -/+ expected distance x stride.
    """
    share = distributions.reshape(*distributions.shape[:-1], 4, reg_max + 1).softmax(-1)
    bins = torch.arange(reg_max + 1, dtype=share.dtype, device=share.device)
    side = (share * bins).sum(-1) * strides[..., None]
    return torch.cat([centres - side[..., :2], centres + side[..., 2:]], -1)


def save_model(model: Detector, path: Path) -> None:
    """Write the weights, and the model's shape as metadata; errors as in `files.write_whole`."""
    metadata = {key: str(value) for key, value in asdict(model.config).items()}
    write_tensors(path, model.state_dict(), metadata)


def blend(first: Path, second: Path, share: float, config: ModelConfig, target: Path) -> None:
    """Write `share` of the weights of one model plus the rest of another's.

    Raises:
        CheckpointError: One of them is missing, broken or of another architecture.
        OutputError: The file cannot be written.
    """
    model, other = load_model(first, config), load_model(second, config).state_dict()
    mixed = {
        k: v.lerp(other[k], 1 - share) if v.is_floating_point() else other[k]
        for k, v in model.state_dict().items()
    }
    model.load_state_dict(mixed)
    save_model(model, target)


def load_model(path: Path, config: ModelConfig) -> Detector:
    """A detector with the weights of `save_model` (any float type).

    Raises:
        CheckpointError: The file is missing, broken or of another architecture.
    """
    model = Detector(config)
    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file that can be read ({error})") from error
    own = model.state_dict()
    wrong = [f"{k} is missing" for k in own.keys() - state.keys()]
    wrong += [f"{k} is unknown" for k in state.keys() - own.keys()]
    wrong += [
        f"{k} is {tuple(state[k].shape)}, expected {tuple(v.shape)}"
        for k, v in own.items()
        if k in state and v.shape != state[k].shape
    ]
    if wrong:
        mine = {k: str(v) for k, v in asdict(config).items()}
        differ = [f"{k} is {told[k]} there and {v} here" for k, v in mine.items() if told.get(k, v) != v]
        reason = "; ".join(differ) or sorted(wrong)[0]
        raise CheckpointError(f"{path}: another architecture: {reason} ({len(wrong)} tensors differ)")
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return model

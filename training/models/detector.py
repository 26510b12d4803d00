"""The whole detector of any family, and its weights as files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from training.errors import CheckpointError
from training.files import write_tensors
from training.grid import STRIDES
from training.models.additive_pan import AdditivePAN
from training.models.backbone import MobileNetV2 as TunedMobileNetV2
from training.models.efficientnet_lite import EfficientNetLite
from training.models.head import GFLHead
from training.models.imitation import Adapters
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.neck import PAN
from training.models.notes import notes_of
from training.models.reading import AnchorReading, GFLReading, MapReading, Reading
from training.models.shapes import (
    DetectorConfig,
    HybridConfig,
    ImitationConfig,
    LiteConfig,
    ModelConfig,
    YoloConfig,
)
from training.models.staged import StagedBackbone
from training.models.towers import GFLTowers
from training.models.yolo_head import YoloHead
from training.models.yolo_neck import YoloNeck

Backbone = TunedMobileNetV2 | StagedBackbone
THREE = STRIDES[:3]  # levels of YOLOv3's head
KERNEL = 5  # of the concatenating neck under paper B's head, as in the hybrid


def backbone_of(config: DetectorConfig) -> Backbone:
    """A family's backbone, with random weights. Raises ConfigError."""
    match config:
        case HybridConfig() | YoloConfig(backbone="mobilenetv2-tuned"):
            return TunedMobileNetV2()
        case YoloConfig(backbone="mobilenetv1"):
            return MobileNetV1(config.width)
        case YoloConfig():
            return MobileNetV2(config.width)
        case LiteConfig(backbone="mobilenetv2-tuned"):
            return TunedMobileNetV2(config.act)
        case LiteConfig():
            return EfficientNetLite(config.variant, config.act)


def neck_of(config: DetectorConfig, channels: Sequence[int]) -> nn.Module:
    """A family's neck for taps of these channels, with random weights. Raises ConfigError."""
    match config:
        case HybridConfig():
            return PAN(config.width, config.kernel, channels)
        case YoloConfig():
            return YoloNeck(
                channels,
                config.widths,
                separable=config.separable,
                pooled=config.pooled,
                extra=config.extra,
                act=config.act,
            )
        case LiteConfig(neck="concat"):
            return PAN(config.width, KERNEL, channels, levels=config.levels, act=config.act)
        case LiteConfig():
            return AdditivePAN(config.width, channels)


def head_of(config: DetectorConfig) -> nn.Module:
    """A family's head, with random weights. Raises ConfigError."""
    match config:
        case HybridConfig():
            outputs = (config.classes, config.reg_max)
            return GFLHead(config.width, config.kernel, config.depth, outputs, len(STRIDES))
        case YoloConfig():
            return YoloHead(
                config.widths,
                config.classes,
                len(config.anchors[0]),
                separable=config.separable,
                act=config.act,
            )
        case LiteConfig():
            outputs = (config.classes, config.reg_max)
            return GFLTowers(
                config.width,
                config.depth,
                outputs,
                levels=config.levels,
                quality=config.quality,
                act=config.act,
            )


def reading_of(config: DetectorConfig) -> Reading:
    """How the raw outputs of a family's head are read."""
    match config:
        case HybridConfig():
            return GFLReading(config.classes, config.reg_max, STRIDES)
        case YoloConfig():
            return AnchorReading(config.classes, config.anchors, THREE, config.reach)
        case LiteConfig():
            return GFLReading(config.classes, config.reg_max, STRIDES[: config.levels], config.quality)


class Detector(nn.Module):
    """Backbone, neck and head of a family; `from_taps` and `from_low` start at cached features."""

    reading: Reading | MapReading

    def __init__(self, config: ModelConfig) -> None:
        """Random weights. Raises ConfigError."""
        super().__init__()
        self.config = config
        if isinstance(config, ImitationConfig):
            self.backbone = backbone_of(config.of)
            self.neck: nn.Module = nn.Identity()
            self.head: nn.Module = Adapters(self.backbone.channels, config.channels)
            self.reading = MapReading()
            return
        self.backbone = backbone_of(config)
        self.neck = neck_of(config, self.backbone.channels)
        self.head = head_of(config)
        self.reading = reading_of(config)

    def from_taps(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Taps at strides 8, 16, 32 to raw outputs per level (B, K, h, w), see `reading`."""
        raw: list[Tensor] = self.head(self.neck(taps))
        return raw

    def from_low(self, tap8: Tensor) -> list[Tensor]:
        """Stride-8 tap (B, C, H / 8, W / 8) to raw outputs per level."""
        return self.from_taps([tap8, *self.backbone.high(tap8)])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W), BGR in 0..1, to raw outputs per level."""
        return self.from_taps(self.backbone(image))

    def enter(self, entry: str, inputs: Sequence[Tensor]) -> list[Tensor]:
        """What a batch brings to raw outputs per level.

        Args:
            entry: `taps`, `low`, or for pictures `view` or `image`.
            inputs: Taps; the stride-8 tap; or pictures (B, H, W, 3) uint8 BGR.
        """
        match entry:
            case "taps":
                return self.from_taps(inputs)
            case "low":
                return self.from_low(inputs[0])
            case _:
                out: list[Tensor] = self(inputs[0].permute(0, 3, 1, 2).float() / 255)
                return out

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part: `low` (to stride 8), `high` (backbone above), `rest` (neck and head)."""
        low, high = self.backbone.halves()
        return {
            "low": [p for m in low for p in m.parameters()],
            "high": [p for m in high for p in m.parameters()],
            "rest": [*self.neck.parameters(), *self.head.parameters()],
        }


def save_model(model: Detector, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write the weights, and the model's shape and `notes` as metadata; errors as in `files.write_whole`."""
    write_tensors(path, model.state_dict(), told_by(model.config) | dict(notes or {}))


def told_by(config: ModelConfig) -> dict[str, str]:
    """A model's shape as the metadata of its file."""
    return {"family": config.family} | {key: str(value) for key, value in asdict(config).items()}


def blend(first: Path, second: Path, share: float, config: ModelConfig, target: Path) -> None:
    """Write `share` of the weights of one model plus the rest of another's, with the notes of the other.

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
    save_model(model, target, notes_of(second))


def load_model(path: Path, config: ModelConfig) -> Detector:
    """A detector with the weights of `save_model` (any float type).

    Raises:
        CheckpointError: The file is missing, broken or of another architecture.
    """
    model = Detector(config)
    state, told = _read(path)
    own = model.state_dict()
    wrong = [f"{k} is missing" for k in own.keys() - state.keys()]
    wrong += [f"{k} is unknown" for k in state.keys() - own.keys()]
    wrong += _other_shapes(state, own)
    if wrong:
        mine = told_by(config)
        differ = [f"{k} is {told[k]} there and {v} here" for k, v in mine.items() if told.get(k, v) != v]
        reason = "; ".join(differ) or sorted(wrong)[0]
        raise CheckpointError(f"{path}: another architecture: {reason} ({len(wrong)} tensors differ)")
    _check_anchors(path, told, told_by(config))
    model.load_state_dict(state)
    return model


def _check_anchors(path: Path, there: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Anchors are no tensors: with others the same weights find other boxes."""
    trained, mine = there.get("anchors", here.get("anchors")), here.get("anchors")
    if trained != mine:
        raise CheckpointError(
            f"{path}: trained with the anchors {trained}, but this run has {mine}: its boxes would be read "
            "wrongly. Take the folder and the data that it was trained with, or the recipe with its anchors"
        )


def load_backbone(path: Path, model: Detector) -> None:
    """Give a detector the backbone of another one of `save_model`, whatever its neck and head.

    Raises:
        CheckpointError: The file is missing, broken, or holds another backbone.
    """
    prefix, (state, _) = "backbone.", _read(path)
    theirs = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    own = model.backbone.state_dict()
    wrong = _other_shapes(theirs, own) or [f"{k} is missing" for k in own if k not in theirs]
    if wrong or len(theirs) != len(own):
        reason = wrong[0] if wrong else f"{len(theirs)} tensors, expected {len(own)}"
        raise CheckpointError(f"{path}: another backbone: {reason}")
    model.backbone.load_state_dict(theirs)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors, floats as float32, and metadata of a file."""
    told = notes_of(path)
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file that can be read ({error})") from error
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, told


def _other_shapes(there: dict[str, Tensor], here: dict[str, Tensor]) -> list[str]:
    """Tensors that both have in different shapes, in words."""
    return [
        f"{k} is {tuple(there[k].shape)}, expected {tuple(v.shape)}"
        for k, v in here.items()
        if k in there and v.shape != there[k].shape
    ]

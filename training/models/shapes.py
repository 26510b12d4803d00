"""Shapes of the detectors that can be trained: a frozen value for each family."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from training.errors import ConfigError
from training.settings import LATER

VOC, COCO = 20, 80  # classes
MULTIPLE = 8  # of channels: what processors compute at full speed
Anchors = tuple[tuple[tuple[float, float], ...], ...]
"""Width and height in pixels of the anchors of each level, the finest level first."""
# Redmon and Farhadi 2018, section 2.3: k-means on COCO at 416
YOLOV3_ANCHORS: Anchors = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


def check_channels(name: str, *channels: int) -> None:
    """Raise ConfigError for channels of a neck or a head that eight does not divide."""
    for count in channels:
        if count < MULTIPLE or count % MULTIPLE:
            low = max(MULTIPLE, count // MULTIPLE * MULTIPLE)
            raise ConfigError(
                f"{name} is {count} channels, which eight does not divide: choose {low} or {low + MULTIPLE}"
            )


@dataclass(frozen=True, kw_only=True)
class HybridConfig:
    """The detector that ships: MobileNetV2 from a detection-tuned start, PAN of four levels, GFL v1.

    Attributes:
        classes: Number of classes.
        width: Channels of neck and head.
        kernel: Side of their depthwise convolutions, 3 or 5.
        depth: Separable convolutions of the head's tower.
        reg_max: Last bin of a side's distribution, in strides.
    """

    family: ClassVar[str] = "mobilenetv2-gfl"
    classes: int = 6
    width: int = 96
    kernel: int = 5
    depth: int = 2
    reg_max: int = 7

    def __post_init__(self) -> None:
        """Check the width."""
        check_channels("width", self.width)


@dataclass(frozen=True, kw_only=True)
class YoloConfig:
    """Paper A: a MobileNet, YOLOv3's neck with halved widths, three anchors a scale.

    Attributes:
        backbone: Which MobileNet; `mobilenetv2-tuned` has no batch norms and the shape of the public
            detection-tuned starts (`models/backbone.py`).
        width: Its width multiplier; the tuned one knows 1.0 alone.
        widths: Channels of the neck's maps at strides 8, 16, 32.
        classes: Number of classes.
        anchors: Of the three levels, for the size of input that is trained most (`training anchors`).
        separable: Separable convolutions in the deepest stage of neck and head.
        pooled: The global-average-pooling branch.
        extra: The further upsampling path into stride 8.
        reach: Strides over which a cell can move the centre of its box: 1 as in YOLOv3, within the cell.
            Assignment by quality chooses cells around the centre as well, and wants more.
        act: Activation of neck and head; the backbone has ReLU6.
    """

    family: ClassVar[str] = "mobilenet-yolo"
    backbone: Literal["mobilenetv1", "mobilenetv2", "mobilenetv2-tuned"] = "mobilenetv1"
    width: float = 0.75
    widths: tuple[int, int, int] = (64, 128, 256)
    classes: int = VOC
    anchors: Anchors = YOLOV3_ANCHORS
    separable: bool = False
    pooled: bool = False
    extra: bool = False
    reach: float = 1.0
    act: str = "leaky"

    def __post_init__(self) -> None:
        """Check the anchors (as many on each of three levels, with sides above zero), widths and reach."""
        check_channels("widths", *self.widths)
        counts = {len(level) for level in self.anchors}
        if len(self.anchors) != 3 or len(counts) != 1 or counts == {0}:
            raise ConfigError(
                f"anchors: expected three levels with the same number each, got {self.anchors}; "
                "python -m training anchors prints such"
            )
        if min(side for level in self.anchors for anchor in level for side in anchor) <= 0:
            raise ConfigError(f"anchors: sides are above zero, got {self.anchors}")
        if self.backbone == "mobilenetv2-tuned" and self.width != 1:
            raise ConfigError(f"width is {self.width:g}, but the detection-tuned starts have 1")
        if self.reach <= 0:
            raise ConfigError(f"reach: expected more than zero strides, got {self.reach:g}")


@dataclass(frozen=True, kw_only=True)
class LiteConfig:
    """Paper B: EfficientNet-Lite, additive PAN, GFL towers.

    Attributes:
        variant: Of EfficientNet-Lite, 0 to 2; 0 where another backbone stands for it.
        width: Channels of neck and head.
        depth: Separable convolutions of a tower.
        classes: Number of classes.
        reg_max: Last bin of a side's distribution, in strides.
        quality: The quality branch of GFL v2.
        act: Activation everywhere.
        backbone: EfficientNet-Lite, or the MobileNetV2 of the public detection-tuned starts, which cached
            features serve; its layers up to stride 8 keep their ReLU6.
        neck: `additive` as in the paper, or `concat`: the hybrid's, with depthwise convolutions.
        levels: Maps that predict: 3, or 4 with the concatenating neck (strides 8 to 64).
    """

    family: ClassVar[str] = "efficientlite-gfl"
    variant: int = 0
    width: int = 96
    depth: int = 2
    classes: int = COCO
    reg_max: int = 7
    quality: bool = False
    act: str = "relu6"
    backbone: Literal["efficientnet-lite", "mobilenetv2-tuned"] = field(
        default="efficientnet-lite", metadata=LATER
    )
    neck: Literal["additive", "concat"] = field(default="additive", metadata=LATER)
    levels: int = field(default=3, metadata=LATER)

    def __post_init__(self) -> None:
        """Check the width, that the neck has the levels, and that one backbone is named."""
        check_channels("width", self.width)
        if self.levels not in ((3, 4) if self.neck == "concat" else (3,)):
            raise ConfigError(
                f"levels is {self.levels}: the additive neck has 3, the concatenating one (neck=concat) 3 "
                "or 4"
            )
        if self.backbone == "mobilenetv2-tuned" and self.variant:
            raise ConfigError(f"variant is {self.variant}, but the backbone is MobileNetV2: leave it 0")


@dataclass(frozen=True, kw_only=True)
class ImitationConfig:
    """The backbone of a detector alone, with 1x1 convolutions to the channels of the taps it imitates.

    Attributes:
        of: The detector whose backbone it is.
        channels: Of the imitated taps at strides 8, 16, 32.
    """

    family: ClassVar[str] = "imitation"
    of: HybridConfig | YoloConfig | LiteConfig
    channels: tuple[int, int, int] = (32, 96, 320)


DetectorConfig = HybridConfig | YoloConfig | LiteConfig
ModelConfig = DetectorConfig | ImitationConfig

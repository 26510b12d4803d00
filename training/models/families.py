"""The networks of the two founding papers, by name, as they are built there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from torch import Tensor, nn

from training.models.additive_pan import AdditivePAN
from training.models.efficientnet_lite import EfficientNetLite
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.staged import StagedBackbone
from training.models.towers import GFLTowers
from training.models.yolo_head import YoloHead
from training.models.yolo_neck import YoloNeck

VOC, COCO = 20, 80  # classes


@dataclass(frozen=True, kw_only=True)
class YoloConfig:
    """Paper A: a MobileNet, YOLOv3's neck with halved widths, three anchors a scale.

    Attributes:
        backbone: Which MobileNet.
        width: Its width multiplier.
        widths: Channels of the neck's maps at strides 8, 16, 32.
        classes: Number of classes.
        anchors: A scale.
        separable: Separable convolutions in the deepest stage of neck and head.
        pooled: The global-average-pooling branch.
        extra: The further upsampling path into stride 8.
        act: Activation of neck and head; the backbone has ReLU6.
    """

    backbone: Literal["mobilenetv1", "mobilenetv2"] = "mobilenetv1"
    width: float = 0.75
    widths: tuple[int, int, int] = (64, 128, 256)
    classes: int = VOC
    anchors: int = 3
    separable: bool = False
    pooled: bool = False
    extra: bool = False
    act: str = "leaky"


@dataclass(frozen=True, kw_only=True)
class LiteConfig:
    """Paper B: EfficientNet-Lite, additive PAN, GFL towers.

    Attributes:
        variant: Of EfficientNet-Lite, 0 to 2.
        width: Channels of neck and head.
        depth: Separable convolutions of a tower.
        classes: Number of classes.
        reg_max: Last bin of a side's distribution, in strides.
        quality: The quality branch of GFL v2.
        act: Activation everywhere.
    """

    variant: int = 0
    width: int = 96
    depth: int = 2
    classes: int = COCO
    reg_max: int = 7
    quality: bool = False
    act: str = "relu6"


class Network(nn.Module):
    """Backbone, neck and head one after the other."""

    def __init__(self, backbone: StagedBackbone, neck: nn.Module, head: nn.Module) -> None:
        """`neck` takes the backbone's taps, `head` the neck's maps."""
        super().__init__()
        self.backbone, self.neck, self.head = backbone, neck, head

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W), H and W multiples of 32, to raw outputs per level, finest first."""
        raw: list[Tensor] = self.head(self.neck(self.backbone(image)))
        return raw


def yolo_network(config: YoloConfig) -> Network:
    """Paper A's network, with random weights. Raises ConfigError."""
    make = {"mobilenetv1": MobileNetV1, "mobilenetv2": MobileNetV2}[config.backbone]
    backbone = make(config.width)
    neck = YoloNeck(
        backbone.channels,
        config.widths,
        separable=config.separable,
        pooled=config.pooled,
        extra=config.extra,
        act=config.act,
    )
    head = YoloHead(config.widths, config.classes, config.anchors, separable=config.separable, act=config.act)
    return Network(backbone, neck, head)


def lite_network(config: LiteConfig) -> Network:
    """Paper B's network, with random weights. Raises ConfigError."""
    backbone = EfficientNetLite(config.variant, config.act)
    outputs = (config.classes, config.reg_max)
    head = GFLTowers(config.width, config.depth, outputs, quality=config.quality, act=config.act)
    return Network(backbone, AdditivePAN(config.width, backbone.channels), head)


@dataclass(frozen=True, kw_only=True)
class Form:
    """A network as a paper describes it.

    Attributes:
        text: What it is, in words.
        side: Of its square input in pixels.
        config: Of the network, with the paper's number of classes.
    """

    text: str
    side: int
    config: YoloConfig | LiteConfig

    def network(self, classes: int | None = None) -> Network:
        """With random weights, and that many classes instead of the paper's. Raises ConfigError."""
        config = self.config if classes is None else replace(self.config, classes=classes)
        return yolo_network(config) if isinstance(config, YoloConfig) else lite_network(config)


_FULL = YoloConfig(separable=True, pooled=True, extra=True)
_LITE1 = LiteConfig(variant=1, width=128, depth=3, reg_max=10, act="silu")

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "mobilenet-yolo": Form(
            text="paper A without its additions: MobileNetV1 x0.75, YOLOv3 neck of half width",
            side=320,
            config=YoloConfig(),
        ),
        "mobilenet-yolo-separable": Form(
            text="… with separable convolutions in the deepest stage",
            side=320,
            config=YoloConfig(separable=True),
        ),
        "mobilenet-yolo-pooled": Form(
            text="… with the global-average-pooling branch", side=320, config=YoloConfig(pooled=True)
        ),
        "mobilenet-yolo-extra": Form(
            text="… with the further upsampling path", side=320, config=YoloConfig(extra=True)
        ),
        "mobilenet-yolo-full": Form(text="… with all three", side=320, config=_FULL),
        "mobilenetv2-yolo": Form(
            text="MobileNetV2 x1.0 under the same neck, with all three",
            side=320,
            config=replace(_FULL, backbone="mobilenetv2", width=1.0),
        ),
        "efficientlite0-gfl": Form(
            text="paper B, group 1: Lite0, PAN 96, GFL v1, ReLU6", side=320, config=LiteConfig()
        ),
        "efficientlite1-gfl": Form(
            text="paper B, group 3: Lite1, PAN 128, GFL v1, SiLU", side=416, config=_LITE1
        ),
        "efficientlite1-gfl2": Form(
            text="paper B, groups 4 and 5: the same with GFL v2",
            side=416,
            config=replace(_LITE1, quality=True),
        ),
        "efficientlite2-gfl2": Form(
            text="a teacher of the same family: Lite2",
            side=416,
            config=replace(_LITE1, variant=2, quality=True),
        ),
    }
)

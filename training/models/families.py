"""The networks of the two founding papers, by name, as they are built there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from training.models.detector import Detector
from training.models.shapes import LiteConfig, YoloConfig


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

    def network(self, classes: int | None = None) -> Detector:
        """With random weights, and that many classes instead of the paper's. Raises ConfigError."""
        return Detector(self.config if classes is None else replace(self.config, classes=classes))


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
        "mobilenet-yolo-tuned": Form(
            text="the same on the detection-tuned MobileNetV2, as trained here, 6 classes",
            side=320,
            config=replace(_FULL, backbone="mobilenetv2-tuned", width=1.0, classes=6, act="relu"),
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

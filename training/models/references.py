"""Networks of others that the founding papers compare theirs with: built for size and speed, not trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from training.models.shapes import COCO
from training.models.yolov3 import YoloV3
from training.models.yolov4_tiny import YoloV4Tiny


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A published network.

    Attributes:
        text: What it is, in words.
        side: Of its square input in pixels, as published.
        classes: As published.
        build: Makes it with random weights for a number of classes.
    """

    text: str
    side: int
    classes: int
    build: Callable[[int], nn.Module]

    def network(self, classes: int | None = None) -> nn.Module:
        """With random weights, and that many classes instead of the published ones."""
        return self.build(self.classes if classes is None else classes)


REFERENCES: Mapping[str, Reference] = MappingProxyType(
    {
        "yolov3-darknet53": Reference(
            text="beside paper A, untrained: YOLOv3 on Darknet-53", side=416, classes=COCO, build=YoloV3
        ),
        "yolov4-tiny": Reference(
            text="beside paper A, untrained: YOLOv4-tiny", side=416, classes=COCO, build=YoloV4Tiny
        ),
    }
)

"""YOLOv3 as published: Darknet-53, the neck of full width, three anchors a scale. Redmon and Farhadi 2018."""

from torch import Tensor, nn

from training.models.darknet53 import Darknet53
from training.models.yolo_head import YoloHead
from training.models.yolo_neck import YoloNeck

WIDTHS = (128, 256, 512)  # of the neck's maps at strides 8, 16, 32
ANCHORS = 3  # a cell


class YoloV3(nn.Module):
    """Image to raw outputs of three levels; built to be counted and timed, not trained here."""

    def __init__(self, classes: int) -> None:
        """Random weights."""
        super().__init__()
        self.backbone = Darknet53()
        self.neck = YoloNeck(self.backbone.channels, WIDTHS, pooled=False, extra=False)
        self.head = YoloHead(WIDTHS, classes, ANCHORS)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) to raw (B, 3 (5 + classes), H / s, W / s) at strides 8, 16, 32."""
        raw: list[Tensor] = self.head(self.neck(self.backbone(image)))
        return raw

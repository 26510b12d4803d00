"""Paper A's equation 5 from live views, for a GPU; never run there.

What it is compared with learns from both teachers as well; this learns from boxes alone, as in the paper.
"""

from dataclasses import replace

from training.losses.yolov3 import YoloV3Config
from training.recipes.mobilenet_yolo import mobilenet_yolo_320_live
from training.recipes.recipe import Recipe


def mobilenet_yolo_320_live_equation5() -> Recipe:
    """As mobilenet-yolo-320-live, by the paper's loss; a cell keeps its box's centre."""
    modern = mobilenet_yolo_320_live()
    return replace(
        modern,
        name="mobilenet-yolo-320-live-equation5",
        ships="mobilenet-yolo-320-equation5",
        model=replace(modern.model, reach=1.0),
        stages=tuple(replace(stage, guided=0, loss=YoloV3Config()) for stage in modern.stages),
        teachers=(),
        aliases=(),
    )

"""Paper A's family: MobileNetV2 from the detection-tuned start under YOLOv3's neck and anchors.

The neck has the paper's additions (separable deepest stage, global-average-pooling branch, further
upsampling) and ReLU instead of YOLO's leaky one, which int8 runtimes do not fuse. The caches are those of
mobilenetv2-gfl-320 at 320 x 320. docs/training/families.md says what was measured.
"""

from dataclasses import replace

from training.engine.config import StageConfig
from training.losses.criterion import LossConfig
from training.losses.yolov3 import YoloV3Config
from training.models.shapes import YoloConfig
from training.recipes.live import mobilenetv2_gfl_320_live
from training.recipes.mobilenetv2_gfl import LABELS, mobilenetv2_gfl_320
from training.recipes.recipe import Recipe

MODEL = YoloConfig(
    backbone="mobilenetv2-tuned",
    width=1.0,
    classes=len(LABELS),
    # python -m training anchors mobilenet-yolo-320, over 20,000 views
    anchors=(
        ((5, 9), (7, 20), (11, 13)),
        ((16, 26), (21, 58), (38, 36)),
        ((45, 86), (92, 110), (178, 179)),
    ),
    separable=True,
    pooled=True,
    extra=True,
    reach=3.0,
    act="relu",
)
V1_CREDIT = "Backbone start: MobileNetV1 0.75 of ImageNet, Coral test data, Apache-2.0"
LOSS = LossConfig(overlap="ciou")
HEAD = StageConfig(
    name="head",
    entry="taps",
    trains=("rest",),
    images=32_000,
    batch=8,
    rate=2e-3,
    warmup=150,
    guided=200,
    floor=0.06,
    loss=LOSS,
)
UPPER = StageConfig(
    name="upper",
    entry="low",
    trains=("high", "rest"),
    images=120_000,
    batch=8,
    rate=1.2e-3,
    backbone_rate=0.25,
    warmup=200,
    loss=LOSS,
)


def mobilenet_yolo_320() -> Recipe:
    """Assigned by quality, CIoU, varifocal on objectness x class, dense teacher: what ships."""
    hybrid = mobilenetv2_gfl_320()
    return replace(
        hybrid,
        name="mobilenet-yolo-320",
        ships="mobilenet-yolo-320",
        caches=hybrid.caches[:1],
        model=MODEL,
        stages=(HEAD, UPPER),
        aliases=(),
    )


def mobilenet_yolo_320_equation5() -> Recipe:
    """Stage head by the paper's equation 5, without a teacher's word; a cell keeps its box's centre.

    It is compared after that stage: what the losses make of the same features, for the same images.
    """
    ours, loss = mobilenet_yolo_320(), YoloV3Config()
    return replace(
        ours,
        name="mobilenet-yolo-320-equation5",
        ships="mobilenet-yolo-320-equation5",
        model=replace(MODEL, reach=1.0),
        stages=(replace(HEAD, guided=0, loss=loss),),
    )


def mobilenetv1_yolo_320() -> Recipe:
    """The same neck and loss on MobileNetV1 x0.75 from its ImageNet start, all parts from redrawn views."""
    ours = mobilenet_yolo_320()
    credits = (V1_CREDIT, *(c for c in ours.texts.credits if not c.startswith("Backbone start")))
    return replace(
        ours,
        name="mobilenetv1-yolo-320",
        ships="mobilenetv1-yolo-320",
        model=replace(MODEL, backbone="mobilenetv1", width=0.75),
        stages=(
            replace(HEAD, entry="view", images=16_000),
            replace(UPPER, name="all", entry="view", trains=("low", "high", "rest")),
        ),
        start="mobilenet_v1_0.75_imagenet.safetensors",
        features=ours.start,
        texts=replace(ours.texts, credits=credits),
    )


def mobilenet_yolo_320_live() -> Recipe:
    """The same with live views and both teachers, for a GPU; its rates are those of the hybrid, not tried."""
    live = mobilenetv2_gfl_320_live()
    loss = replace(live.stages[0].loss, overlap="ciou")
    return replace(
        live,
        name="mobilenet-yolo-320-live",
        ships="mobilenet-yolo-320",
        model=MODEL,
        stages=tuple(replace(stage, loss=loss) for stage in live.stages),
        aliases=(("mobilenet-yolo-416", (416, 416)),),
    )

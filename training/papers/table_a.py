"""Paper A's own ablation, which the paper does not print: each of its steps by itself.

The small twin trains neck and head on cached features of the detection-tuned MobileNetV2, whose views all
rows share; only the row of the smaller backbone, and the row that it is compared with, train everything from
redrawn views, both from ImageNet starts. The full rows are the paper's own network on PASCAL VOC, where each
step is added to those before it.
"""

from dataclasses import replace

from training.models.shapes import YoloConfig
from training.papers.rows import Row, Table
from training.recipes.mobilenet_yolo import HEAD, MODEL, UPPER, mobilenet_yolo_320
from training.recipes.paper_a import paper_a_voc
from training.recipes.recipe import Recipe

SMALL_IMAGES = 6_400
PLAIN = replace(MODEL, separable=False, pooled=False, extra=False)


def _head_only(model: YoloConfig) -> Recipe:
    base = mobilenet_yolo_320()
    stage = replace(HEAD, images=SMALL_IMAGES, warmup=80, guided=100)
    return replace(base, name="paper-a-small", model=model, stages=(stage,), int8=None)


def _whole(model: YoloConfig, start: str) -> Recipe:
    """All parts, from an ImageNet start; the views are those of the other rows, drawn again."""
    base = mobilenet_yolo_320()
    stage = replace(
        UPPER,
        name="all",
        entry="view",
        trains=("low", "high", "rest"),
        images=SMALL_IMAGES,
        rate=2e-3,
        warmup=80,
        guided=100,
    )
    return replace(
        base,
        name="paper-a-small",
        model=model,
        stages=(stage,),
        start=start,
        features=base.start,
        int8=None,
    )


def small() -> Table:
    """The steps on the data at hand, for a CPU."""
    v2 = replace(PLAIN, backbone="mobilenetv2", width=1.0)
    v1 = replace(PLAIN, backbone="mobilenetv1", width=0.75)
    rows = (
        Row(name="base", text="MobileNetV2 x1.0, YOLOv3 neck of half width", recipe=_head_only(PLAIN)),
        Row(
            name="separable",
            text="separable convolutions in the deepest stage",
            recipe=_head_only(replace(PLAIN, separable=True)),
            against="base",
        ),
        Row(
            name="pooled",
            text="global-average-pooling branch",
            recipe=_head_only(replace(PLAIN, pooled=True)),
            against="base",
        ),
        Row(
            name="extra",
            text="further upsampling path",
            recipe=_head_only(replace(PLAIN, extra=True)),
            against="base",
        ),
        Row(name="all-three", text="all three", recipe=_head_only(MODEL), against="base"),
        Row(
            name="x1.0",
            text="MobileNetV2 x1.0 of ImageNet, everything trained",
            recipe=_whole(v2, "mobilenet_v2_1.0_imagenet.safetensors"),
        ),
        Row(
            name="x0.75",
            text="MobileNetV1 x0.75 of ImageNet, everything trained",
            recipe=_whole(v1, "mobilenet_v1_0.75_imagenet.safetensors"),
            against="x1.0",
        ),
    )
    return Table(
        name="a",
        title="Paper A, step by step, small budget",
        about="Modern loss with the dense teacher; 320 x 320; the data at hand.",
        rows=rows,
    )


def full() -> Table:
    """The paper's rows on PASCAL VOC, for a GPU."""
    done = paper_a_voc()
    plain = replace(done.model, separable=False, pooled=False, extra=False)
    steps = (
        ("base", "MobileNetV1 x1.0, YOLOv3 neck of half width", plain),
        ("separable", "+ separable convolutions in the deepest stage", replace(plain, separable=True)),
        ("pooled", "+ global-average-pooling branch", replace(plain, separable=True, pooled=True)),
        ("extra", "+ further upsampling path", done.model),
    )
    rows = [
        Row(name=name, text=text, recipe=replace(done, model=model), against=before)
        for (name, text, model), before in zip(steps, ("", *(step[0] for step in steps)), strict=False)
    ]
    narrow = replace(
        done,
        model=replace(done.model, width=0.75),
        start="mobilenet_v1_0.75_imagenet.safetensors",
    )
    rows.append(Row(name="x0.75", text="+ width 0.75 (another start)", recipe=narrow, against="extra"))
    return Table(
        name="a-voc",
        title="Paper A on PASCAL VOC",
        about="Equation 5, 320 x 320, 20 classes, mean of all.",
        rows=tuple(rows),
    )

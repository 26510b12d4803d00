"""Paper A's own ablation, which the paper does not print: each of its steps by itself.

The small twin trains neck and head on cached features of the detection-tuned MobileNetV2, whose views all
rows share; only the rows of other backbones train everything, from redrawn views: MobileNetV2 x1.0 and
MobileNetV1 x0.75 from their ImageNet starts, and, as no two widths of one backbone have a start at hand,
MobileNetV2 of both widths from random weights that imitate features first. The full rows are the paper's own
network on PASCAL VOC, where each step is added to those before it.
"""

from dataclasses import replace

from training.data.balance import BalanceConfig
from training.data.denoise import DenoiseConfig
from training.models.shapes import YoloConfig
from training.papers.rows import Row, Table
from training.recipes.efficientlite import IMITATE
from training.recipes.mobilenet_yolo import HEAD, MODEL, UPPER, mobilenet_yolo_320
from training.recipes.paper_a import paper_a_voc
from training.recipes.recipe import Recipe

SMALL_IMAGES = 6_400
PLAIN = replace(MODEL, separable=False, pooled=False, extra=False)
BALANCED = BalanceConfig(remove_below=300, ratio=1.0)
DENOISED_WORDS = "wavelet denoising, which leaves most of these pictures, long coded as JPEG, as they are"
IMITATED = "mobilenetv2-gfl-320.onnx"
REFERENCES = ("yolov3-darknet53", "yolov4-tiny")
MORE = "there are more pictures, and other shares of their sources: a pasted one counts as its background's"


def _small(model: YoloConfig) -> Recipe:
    """Neck and head alone, on views that nothing balances; as many views as images seen."""
    base = mobilenet_yolo_320()
    stage = replace(HEAD, images=SMALL_IMAGES, warmup=80, guided=100)
    caches = tuple(replace(cache, views=SMALL_IMAGES, rare=()) for cache in base.caches)
    return replace(base, name="paper-a-small", caches=caches, model=model, stages=(stage,), int8=None)


def _whole(model: YoloConfig, start: str) -> Recipe:
    """All parts, from a start or none; the views are those of the other rows, drawn again."""
    made = _small(PLAIN)
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
    return replace(made, model=model, stages=(stage,), start=start, features=made.start)


def _imitating(width: float) -> Recipe:
    """MobileNetV2 of a width from random weights: half of the images to imitate features, half to detect."""
    made, half = _whole(replace(PLAIN, backbone="mobilenetv2", width=width), start=""), SMALL_IMAGES // 2
    imitate = replace(IMITATE, images=half, warmup=60)
    detect = replace(made.stages[0], images=half, backbone_rate=0.5)
    return replace(made, stages=(imitate, detect), imitated=IMITATED)


def _pasted(before: Row, gan_pictures: str, real_pictures: str) -> list[Row]:
    """The rows of pasted pictures, for the folders that there are; `before`: the row without them."""
    rows = []
    if real_pictures:
        rows.append(
            Row(
                name="pasted",
                text="crops of real boxes pasted into further pictures: the control of the GAN",
                recipe=replace(before.recipe, added=(real_pictures,)),
                against=before.name,
                also=MORE,
            )
        )
    if gan_pictures:
        rows.append(
            Row(
                name="gan",
                text="samples of a GAN pasted into further pictures",
                recipe=replace(before.recipe, added=(gan_pictures,)),
                against=rows[-1].name if rows else before.name,
                also="" if rows else MORE,
            )
        )
    return rows


def small(gan_pictures: str = "", real_pictures: str = "") -> Table:
    """The steps on the data at hand, for a CPU, each by itself.

    `gan_pictures`, `real_pictures`: folders that `gan-paste` made of samples and of real crops; rows without
    their folder are left out.
    """
    base = _small(PLAIN)
    v2 = replace(PLAIN, backbone="mobilenetv2", width=1.0)
    v1 = replace(PLAIN, backbone="mobilenetv1", width=0.75)
    steps = [
        ("separable", "separable convolutions in the deepest stage", _small(replace(PLAIN, separable=True))),
        ("pooled", "global-average-pooling branch", _small(replace(PLAIN, pooled=True))),
        ("extra", "further upsampling path", _small(replace(PLAIN, extra=True))),
        ("all-three", "all three", _small(MODEL)),
        ("balanced", "classes below 300 boxes removed, the others balanced", replace(base, balance=BALANCED)),
        ("denoised", DENOISED_WORDS, replace(base, denoise=DenoiseConfig())),
    ]
    first = Row(name="base", text="MobileNetV2 x1.0, YOLOv3 neck of half width", recipe=base)
    rows = (
        first,
        *(Row(name=name, text=text, recipe=recipe, against="base") for name, text, recipe in steps),
        *_pasted(first, gan_pictures, real_pictures),
        Row(
            name="x1.0",
            text="MobileNetV2 x1.0 of ImageNet, everything trained",
            recipe=_whole(v2, "mobilenet_v2_1.0_imagenet.safetensors"),
        ),
        Row(
            name="v1-x0.75",
            text="MobileNetV1 x0.75 instead of MobileNetV2 x1.0: another backbone, not the width alone",
            recipe=_whole(v1, "mobilenet_v1_0.75_imagenet.safetensors"),
            against="x1.0",
            also="the start",
        ),
        Row(
            name="width-1.0",
            text="MobileNetV2 x1.0 from random weights: imitates features, then everything trained",
            recipe=_imitating(1.0),
        ),
        Row(name="width-0.75", text="its width 0.75", recipe=_imitating(0.75), against="width-1.0"),
    )
    return Table(
        name="a",
        title="Paper A, step by step, small budget",
        about="Modern loss with the dense teacher; 320 x 320; the data at hand.",
        rows=rows,
        references=REFERENCES,
    )


def full(gan_pictures: str = "", real_pictures: str = "") -> Table:
    """The paper's rows on PASCAL VOC, for a GPU, each with the steps before it."""
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
        done, model=replace(done.model, width=0.75), start="mobilenet_v1_0.75_imagenet.safetensors"
    )
    balanced = replace(narrow, balance=BalanceConfig(remove_below=300, ratio=1.5))
    denoised = replace(balanced, denoise=DenoiseConfig())
    later = [
        ("x0.75", "+ width 0.75", narrow, "the start: its weights come from elsewhere"),
        ("balanced", "+ classes below 300 boxes removed, the others balanced", balanced, ""),
        ("denoised", "+ wavelet denoising", denoised, ""),
    ]
    for name, text, recipe, also in later:
        rows.append(Row(name=name, text=text, recipe=recipe, against=rows[-1].name, also=also))
    rows += _pasted(rows[-1], gan_pictures, real_pictures)
    return Table(
        name="a-voc",
        title="Paper A on PASCAL VOC",
        about="Equation 5, 320 x 320, 20 classes, mean of all.",
        rows=tuple(rows),
        references=REFERENCES,
    )

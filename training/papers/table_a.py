"""Paper A's own ablation, which the paper does not print: each of its steps by itself.

The small twin trains neck and head on cached features of the detection-tuned MobileNetV2, whose views all
rows share; only the row of the smaller backbone, and the row that it is compared with, train everything from
redrawn views, both from ImageNet starts. The full rows are the paper's own network on PASCAL VOC, where each
step is added to those before it.
"""

from dataclasses import replace

from training.data.balance import BalanceConfig
from training.data.denoise import DenoiseConfig
from training.models.shapes import YoloConfig
from training.papers.rows import Row, Table
from training.recipes.mobilenet_yolo import HEAD, MODEL, UPPER, mobilenet_yolo_320
from training.recipes.paper_a import paper_a_voc
from training.recipes.recipe import Recipe

SMALL_IMAGES = 6_400
PLAIN = replace(MODEL, separable=False, pooled=False, extra=False)
BALANCED = BalanceConfig(remove_below=300, ratio=1.0)
GAN_WORDS = "samples of a GAN pasted into further pictures"


def _small(model: YoloConfig) -> Recipe:
    """Neck and head alone, on views that nothing balances; as many views as images seen."""
    base = mobilenet_yolo_320()
    stage = replace(HEAD, images=SMALL_IMAGES, warmup=80, guided=100)
    caches = tuple(replace(cache, views=SMALL_IMAGES, rare=()) for cache in base.caches)
    return replace(base, name="paper-a-small", caches=caches, model=model, stages=(stage,), int8=None)


def _whole(model: YoloConfig, start: str) -> Recipe:
    """All parts, from an ImageNet start; the views are those of the other rows, drawn again."""
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


def small(gan_pictures: str = "") -> Table:
    """The steps on the data at hand, for a CPU, each by itself.

    `gan_pictures`: folder that `gan-paste` made; without it there is no such row.
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
        ("denoised", "wavelet denoising", replace(base, denoise=DenoiseConfig())),
    ]
    if gan_pictures:
        steps.append(("gan", GAN_WORDS, replace(base, added=(gan_pictures,))))
    rows = (
        Row(name="base", text="MobileNetV2 x1.0, YOLOv3 neck of half width", recipe=base),
        *(Row(name=name, text=text, recipe=recipe, against="base") for name, text, recipe in steps),
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


def full(gan_pictures: str = "") -> Table:
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
        ("x0.75", "+ width 0.75 (another start)", narrow),
        ("balanced", "+ classes below 300 boxes removed, the others balanced", balanced),
        ("denoised", "+ wavelet denoising", denoised),
    ]
    if gan_pictures:
        later.append(("gan", f"+ {GAN_WORDS}", replace(denoised, added=(gan_pictures,))))
    for name, text, recipe in later:
        rows.append(Row(name=name, text=text, recipe=recipe, against=rows[-1].name))
    return Table(
        name="a-voc",
        title="Paper A on PASCAL VOC",
        about="Equation 5, 320 x 320, 20 classes, mean of all.",
        rows=tuple(rows),
    )

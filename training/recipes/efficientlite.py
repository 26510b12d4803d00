"""Paper B's family: EfficientNet-Lite, additive PAN, GFL; Lite0 with ReLU for CPUs, Lite1 with SiLU for GPUs.

No public start of EfficientNet-Lite is at hand. Its stem and first blocks begin as MobileNetV2's of ImageNet;
then the backbone imitates the features of the detector that ships, whose first layers filled the caches, and
only then it learns to detect. The caches are those of mobilenetv2-gfl-320; pictures are drawn again from
them. docs/training/families.md says what was measured.
"""

from dataclasses import replace

from training.engine.config import StageConfig
from training.losses.criterion import LossConfig
from training.losses.imitation import ImitationLossConfig
from training.models.activations import FUSED
from training.models.shapes import LiteConfig
from training.recipes.live import mobilenetv2_gfl_320_live
from training.recipes.mobilenetv2_gfl import LABELS, mobilenetv2_gfl_320
from training.recipes.recipe import Recipe

START = "mobilenet_v2_1.0_imagenet.safetensors"
CREDIT = "Backbone start: MobileNetV2 1.0 of ImageNet, Coral test data, Apache-2.0"
TAUGHT = "Features imitated: mobilenetv2-gfl-320 of surveil, Apache-2.0"
LITE0 = LiteConfig(variant=0, width=96, depth=2, classes=len(LABELS), reg_max=7, act="relu")
LITE2 = replace(LITE0, variant=2)  # Lite0's neck and head: its cells and bins, so it may teach
LITE1 = LiteConfig(variant=1, width=128, depth=3, classes=len(LABELS), reg_max=10, quality=True, act="silu")
EVERYTHING = ("low", "high", "rest")
# two cores draw, look and learn at about ten images a second here: a stop must not cost twenty minutes
IMITATE = StageConfig(
    name="imitate",
    entry="view",
    trains=EVERYTHING,
    images=30_000,
    batch=8,
    rate=2e-3,
    backbone_rate=1.0,
    warmup=150,
    floor=0.05,
    checkpoint_images=3_200,
    loss=ImitationLossConfig(),
)
# neck and head first: a study lost 4.4 AP where a fresh head trained a backbone from the first step on
HEAD = StageConfig(
    name="head",
    entry="view",
    trains=("rest",),
    images=12_000,
    batch=8,
    rate=2e-3,
    warmup=150,
    guided=300,
    floor=0.06,
    checkpoint_images=3_200,
)
# what is below stride 8 has learned by imitation, and costs half of a step that goes back through it
UPPER = replace(
    HEAD,
    name="upper",
    trains=("high", "rest"),
    images=64_000,
    rate=1.2e-3,
    backbone_rate=0.5,
    warmup=200,
    guided=0,
    floor=0.0,
)


def _lite(name: str, model: LiteConfig, caches: tuple[int, ...], stages: tuple[StageConfig, ...]) -> Recipe:
    """`caches`: which of the hybrid's the views come from."""
    hybrid = mobilenetv2_gfl_320()
    credits = tuple(c for c in hybrid.texts.credits if not c.startswith("Backbone start"))
    return replace(
        hybrid,
        name=name,
        ships=name,
        caches=tuple(hybrid.caches[n] for n in caches),
        model=model,
        stages=stages,
        start=START,
        features=hybrid.start,
        imitated="mobilenetv2-gfl-320.onnx",
        int8=hybrid.int8 if model.act in FUSED else None,
        texts=replace(hybrid.texts, credits=(CREDIT, TAUGHT, *credits)),
        aliases=(),
    )


def efficientlite0_gfl_320() -> Recipe:
    """Lite0, PAN 96, two convolutions a tower, GFL v1, ReLU: group 1 of the paper for a CPU."""
    return _lite("efficientlite0-gfl-320", LITE0, (0,), (IMITATE, HEAD, UPPER))


def efficientlite2_gfl_320() -> Recipe:
    """Lite2 under Lite0's neck and head: a larger teacher of Lite0 (`recipes.distilled`)."""
    return _lite("efficientlite2-gfl-320", LITE2, (0,), (IMITATE, HEAD, UPPER))


def efficientlite1_gfl_416() -> Recipe:
    """Lite1, PAN 128, three convolutions a tower, GFL v2, SiLU: groups 4 and 5, for a GPU; no int8 form.

    It learns at 320 x 320, where an image costs 0.6 of what it costs at 416 and there are more views, and
    from stage `upper` on at both in turn.
    """
    stages = (replace(IMITATE, caches=(1,)), replace(HEAD, caches=(1,)), replace(UPPER, caches=(0, 1)))
    return _lite("efficientlite1-gfl-416", LITE1, (1, 0), stages)


def _live(cached: Recipe, turns: tuple[int, ...]) -> Recipe:
    """All parts from live views; `turns`: which of 320 x 320, 416 x 416, 416 x 256 a step has."""
    live = mobilenetv2_gfl_320_live()
    stage = replace(
        live.stages[-1],
        name="all",
        images=3_000_000,
        caches=turns,
        backbone_rate=1.0,
        guided=1000,
        loss=LossConfig(distill_score=1.5),
    )
    return replace(
        live,
        name=f"{cached.name}-live",
        ships=cached.ships,
        caches=live.caches,
        model=cached.model,
        stages=(stage,),
        start=cached.start,
        texts=replace(cached.texts, credits=tuple(c for c in cached.texts.credits if c != TAUGHT)),
        int8=cached.int8,
        aliases=(),
    )


def efficientlite0_gfl_320_live() -> Recipe:
    """Lite0 for a GPU to train; never run there."""
    return _live(efficientlite0_gfl_320(), (0, 1, 0, 2))


def efficientlite2_gfl_320_live() -> Recipe:
    """Lite2 for a GPU to train; never run there."""
    return _live(efficientlite2_gfl_320(), (0, 1, 0, 2))


def efficientlite1_gfl_416_live() -> Recipe:
    """Lite1 for a GPU to train; never run there. What ships is for 416 x 416 first."""
    made = _live(efficientlite1_gfl_416(), (0, 1, 0, 2))
    square, large, wide = made.caches
    return replace(made, caches=(large, square, wide))

"""The hybrid with live views for one GPU: all parts trained at 320, 416 and 416 x 256, two dense teachers.

Never run on a GPU so far; its rates are guesses from the CPU recipe (docs/training/gpu-queue.md says what to
look at first). What was measured on a CPU: on 100 fully labelled COCO training pictures at 416 the two
teachers merged find people at AP 37.4, PicoDet-S alone at 35.0, NanoDet-Plus alone at 34.4.
"""

from dataclasses import replace

from training.data.plan import AugmentConfig
from training.engine.config import StageConfig
from training.losses.criterion import LossConfig
from training.recipes.mobilenetv2_gfl import mobilenetv2_gfl_320
from training.recipes.recipe import Recipe

BATCH = 128
# every view is new and both teachers look at it: their word counts for more than 7,000 pictures' boxes
LOSS = LossConfig(distill_score=1.5)


def mobilenetv2_gfl_320_live() -> Recipe:
    """The shipped model with live views.

    Sums: 2.1 M views are 300 of each picture. In turn, 416, 320, 416, 416 x 256 cost 1.36 times what 320
    alone costs: 25 minutes need 1,400 images/s of that mixture, 1,900 at 320. Say --budget for another pace.
    """
    cached = mobilenetv2_gfl_320()
    return replace(
        cached,
        name="mobilenetv2-gfl-320-live",
        teachers=("picodet_s_416_coco.onnx", "nanodet_plus_m_416.onnx"),
        augment=AugmentConfig(
            scale=(0.5, 2.2),
            aspect=0.15,
            mosaic=0.5,
            mosaic_scale=(0.7, 2.0),
            colour=0.7,
            grey=0.08,
            blur=0.06,
            compress=0.1,
            noise=0.05,
            letterbox=0.1,
            mixup=0.1,
            cutmix=0.1,
            night=0.06,
            motion=0.04,
            calm=0.12,
        ),
        # sources and rare classes have their shares among so many views
        caches=tuple(replace(cache, views=200_000) for cache in cached.caches),
        stages=(
            StageConfig(
                name="head",
                entry="image",
                trains=("rest",),
                images=100_000,
                caches=(0, 1),
                batch=BATCH,
                rate=3e-3,
                guided=100,
                floor=0.1,
                average_every=1,
                ema=0.99,
                loss=LOSS,
            ),
            StageConfig(
                name="all",
                entry="image",
                trains=("low", "high", "rest"),
                images=2_000_000,
                caches=(1, 0, 1, 2),
                batch=BATCH,
                rate=2e-3,
                backbone_rate=0.3,
                warmup=300,
                average_every=1,
                ema=0.9995,
                checkpoint_images=64_000,
                loss=LOSS,
            ),
        ),
    )

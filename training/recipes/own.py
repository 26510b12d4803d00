"""Your own pictures and classes: the shipped model's backbone, a new neck and head, no teacher.

Made for a few hundred to a few thousand pictures on a CPU; docs/training/own-data.md walks through it.
"""

from dataclasses import replace

from training.data.cache import CacheConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.export.card import CardTexts
from training.recipes.mobilenetv2_gfl import mobilenetv2_gfl_320
from training.recipes.recipe import Recipe

TEXTS = CardTexts(
    labels_name="own",
    licence="of whoever trained it",
    credits=("Backbone start: mobilenetv2-gfl-320 of surveil, Apache-2.0",),
    notes=(),
)


def own() -> Recipe:
    """Classes are said with --labels, or are all that the annotations know."""
    base = mobilenetv2_gfl_320()
    common = StageConfig(
        name="head",
        entry="image",
        trains=("rest",),
        images=6_000,
        batch=8,
        warmup=100,
        atss=150,  # nobody else knows at first which cells fit an object
        floor=0.1,
        average_every=1,
        checkpoint_images=2_000,
    )
    return replace(
        base,
        name="own",
        ships="own",
        labels=LabelConfig(labels=base.labels.labels, groups=()),
        augment=AugmentConfig(letterbox=0.1, calm=0.1),
        caches=(CacheConfig(size=(320, 320), views=20_000),),
        stages=(
            common,
            replace(
                common,
                name="upper",
                trains=("high", "rest"),
                images=12_000,
                rate=1e-3,
                backbone_rate=0.25,
                atss=0,
                floor=0.0,
            ),
        ),
        start="mobilenetv2-gfl-320.onnx",
        teachers=(),
        texts=TEXTS,
        report_sources=(),
        aliases=(),
        peers=(),
    )

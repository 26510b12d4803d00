"""The hybrid: MobileNetV2 from a detection-tuned start, PAN, GFL head, ReLU6."""

from training.data.augment import AugmentConfig
from training.data.cache import CacheConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.models.detector import ModelConfig
from training.recipes.recipe import Recipe

LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


def mobilenetv2_gfl_320() -> Recipe:
    """The model that ships, at 320 x 320."""
    return Recipe(
        name="mobilenetv2-gfl-320",
        labels=LabelConfig(
            labels=LABELS,
            weak_sources=("vehicles_openimages", "topview_vehicles", "person_capston2", "padilla_voc"),
        ),
        augment=AugmentConfig(),
        cache=CacheConfig(
            size=(320, 320),
            views=32_000,
            source_views=(
                ("coco_val2017_person", 12),
                ("coco_full80", 20),
                ("padilla_voc", 15),
                ("vehicles_openimages", 12),
                ("highway_rf40", 8),
                ("topview_vehicles", 7),
                ("person_capston2", 5),
            ),
            rare=(("bicycle", 8), ("motorcycle", 1.5), ("bus", 1.5), ("truck", 1.5)),
        ),
        model=ModelConfig(classes=len(LABELS), width=96, kernel=5, depth=2, reg_max=7),
        stages=(
            StageConfig(
                name="head",
                entry="taps",
                trains=("rest",),
                images=60_000,
                batch=8,
                rate=2e-3,
                warmup=150,
                guided=300,
                floor=0.06,
            ),
            StageConfig(
                name="upper",
                entry="low",
                trains=("high", "rest"),
                images=96_000,
                batch=8,
                rate=1.2e-3,
                backbone_rate=0.25,
                warmup=200,
            ),
        ),
        start="mobilenet_v2_1.0_pvb_2003.safetensors",
        teacher="picodet_s_416_coco.onnx",
    )

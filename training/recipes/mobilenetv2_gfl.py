"""The hybrid: MobileNetV2 from a detection-tuned start, PAN 96 with 5x5 kernels, GFL head, ReLU6.

Measured on val.json, 21 and 22 November 2026, on two cores without bfloat16, each stage upon the one before,
241,000 images in all (mean of five AP / person AP; with box voting from stage sizes on):

    upper    115,000 images    320: 48.95
    sizes    145,000 images    320: 50.6 / 30.8    416: 51.9 / 34.1
    more     241,000 images    320: 51.9 / 31.4    416: 53.2 / 34.8

Stage upper was ended by `--minutes 54` after 55,300 of 96,000 images, stage sizes by `--minutes 46` after
29,952 of 48,000: the numbers below are those that were run. More in docs/training/README.md.
"""

from dataclasses import replace

from training.data.cache import CacheConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.export.card import CardTexts
from training.export.int8 import Int8Config
from training.models.shapes import HybridConfig
from training.recipes.peers import PEERS
from training.recipes.recipe import Recipe

LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")

TEXTS = CardTexts(
    labels_name="surveil-6",
    licence="Apache-2.0 (weights); trained on images and annotations under their own terms, see credits",
    credits=(
        "Backbone start: person-vehicle-bike-detection-2003, Open Model Zoo, Apache-2.0",
        "Dense teacher: PicoDet-S 416, PaddleDetection, Apache-2.0",
        "Teacher detections: NanoDet-Plus-m 416 (NanoDet, Apache-2.0) and PicoDet-S 416",
        "COCO: annotations CC BY 4.0, images under Flickr terms",
        "highway_rf40, person_capston2, topview_vehicles: CC BY 4.0",
        "Open Images: images CC BY 2.0, annotations CC BY 4.0",
        "PASCAL VOC: images under Flickr terms",
    ),
    notes=(
        "Trained on 1,593 images of COCO val2017: do not score on val2017.",
        "Most vehicle boxes of val.json come from highway_rf40, a source that this model was trained on and "
        "its peers were not: read the coco_ row beside the mean.",
        "The mean is over person, car, motorcycle, bus and truck; bicycle has 15 boxes, too few to count.",
    ),
)
# all sizes in turn, 320 x 320 in every second step
SIZES = StageConfig(
    name="sizes",
    entry="low",
    trains=("high", "rest"),
    images=29_952,
    caches=(0, 1, 0, 2, 0, 1),
    batch=8,
    rate=8e-4,
    backbone_rate=0.25,
    warmup=100,
)
# the last stage: 416 x 416 in every second step
MORE = replace(SIZES, name="more", images=96_000, caches=(1, 0, 1, 2))


def views(size: tuple[int, int], count: int, seed: int) -> CacheConfig:
    """A cache of views with our shares of sources and rare classes."""
    return CacheConfig(
        size=size,
        views=count,
        seed=seed,
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
    )


def mobilenetv2_gfl_320() -> Recipe:
    """One set of weights for 320 x 320, 416 x 416 and 416 wide x 256 high, from the public start."""
    return Recipe(
        name="mobilenetv2-gfl-320",
        ships="mobilenetv2-gfl-320",
        labels=LabelConfig(
            labels=LABELS,
            weak_sources=("vehicles_openimages", "topview_vehicles", "person_capston2", "padilla_voc"),
        ),
        augment=AugmentConfig(),
        caches=(
            views((320, 320), 32_000, seed=1),
            views((416, 416), 20_000, seed=2),
            views((256, 416), 8_000, seed=3),
        ),
        model=HybridConfig(classes=len(LABELS), width=96, kernel=5, depth=2, reg_max=7),
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
                images=55_296,
                batch=8,
                rate=1.2e-3,
                backbone_rate=0.25,
                warmup=200,
            ),
            SIZES,
            MORE,
        ),
        start="mobilenet_v2_1.0_pvb_2003.safetensors",
        teachers=("picodet_s_416_coco.onnx",),
        int8=Int8Config(),
        texts=TEXTS,
        report_sources=("coco_", "highway_rf40"),
        aliases=(("mobilenetv2-gfl-416", (416, 416)),),
        peers=PEERS,
    )

"""Paper A on PASCAL VOC as its users download it: MobileNetV1, YOLOv3's neck of half width, equation 5.

`python -m training convert voc VOCdevkit --out DIR` makes the data folder. The start is timm's
`mobilenetv1_100.ra4_e3600_r224_in1k`: its `model.safetensors`, saved as `mobilenetv1_100.safetensors` among
the weights. 2 M views are some 120 epochs of VOC 2007 + 2012. The anchors are those of the boxes that it is
trained on, found when a run begins. Never run: it wants a GPU.
"""

from training.data.cache import CacheConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.export.card import CardTexts
from training.losses.yolov3 import YoloV3Config
from training.models.shapes import YoloConfig
from training.recipes.recipe import Recipe

VOC_LABELS = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)
START = "mobilenetv1_100.safetensors"
TEXTS = CardTexts(
    labels_name="voc-20",
    licence="of whoever trained it",
    credits=(
        "Backbone start: mobilenetv1_100.ra4_e3600_r224_in1k, timm, Apache-2.0",
        "PASCAL VOC: images under Flickr terms",
    ),
    notes=(),
)
STAGE = StageConfig(
    name="all",
    entry="image",
    trains=("low", "high", "rest"),
    images=2_000_000,
    batch=64,
    rate=2e-3,
    backbone_rate=0.3,
    warmup=500,
    average_every=1,
    ema=0.9995,
    checkpoint_images=64_000,
    loss=YoloV3Config(),
)


def paper_a_voc() -> Recipe:
    """All of the paper's additions to the network; its data steps are options of their own."""
    return Recipe(
        name="paper-a-voc",
        ships="mobilenet-yolo-voc",
        labels=LabelConfig(labels=VOC_LABELS, groups=()),
        augment=AugmentConfig(mosaic=0.5, letterbox=0.1, calm=0.12),
        caches=(CacheConfig(size=(320, 320), views=200_000),),
        model=YoloConfig(
            backbone="mobilenetv1",
            width=1.0,
            classes=len(VOC_LABELS),
            separable=True,
            pooled=True,
            extra=True,
        ),
        stages=(STAGE,),
        start=START,
        teachers=(),
        int8=None,
        texts=TEXTS,
        anchor_views=20_000,
    )

"""Paper B's ablation, group by group, on COCO as its users download it, and small twins on the data at hand.

| group | backbone, input | activation | head | 2:4 | larger teacher | precision |
|---|---|---|---|---|---|---|
| 1 | Lite0, 320 | ReLU6 | GFL v1 | | | float32 |
| 2 | Lite1, 416 | Mish | GFL v1 | | | float32 |
| 3 | Lite1, 416 | SiLU | GFL v1 | | | mixed |
| 4 | Lite1, 416 | SiLU | GFL v2 | x | | mixed |
| 5 | Lite1, 416 | SiLU | GFL v2 | x | x | mixed |

Precision belongs to the machine: say `--precision float32` for groups 1 and 2; CUDA's default is bfloat16.
All groups have both stages, so all see as many pictures; in groups 4 and 5 the second one begins with pruning
and holds its masks. docs/training/papers/sparsity.md has the commands. The full recipes were never run.

No start of EfficientNet-Lite is at hand, and a few thousand images do not make a backbone. In the small twins
the detection-tuned MobileNetV2 stands for Lite0 and Lite1 alike (what the larger backbone brings is not in
their table), cached features serve, and the teacher of group 5 is as deep with a wider neck and head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from training.data.cache import CacheConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import PARTS, StageConfig
from training.export.card import CardTexts
from training.losses.criterion import LossConfig
from training.models.shapes import LiteConfig
from training.recipes.adapt import taught
from training.recipes.coco import COCO_LABELS
from training.recipes.mobilenetv2_gfl import LABELS, mobilenetv2_gfl_320
from training.recipes.recipe import LargerTeacher, Recipe
from training.sparsity.pattern import SparsityConfig

STARTS = (  # `model.safetensors` of these models of timm, saved under these names among the weights
    "efficientnet_lite0.ra_in1k.safetensors",
    "tf_efficientnet_lite1.in1k.safetensors",
    "tf_efficientnet_lite2.in1k.safetensors",
)
# GFL v1's own weights and normalisation (Li et al. 2020); what classes aim at is smoothed
LOSS = LossConfig(
    quality="qfl", dfl=0.25, distill_score=0.0, distill_box=0.0, smoothing=0.1, norm="positives"
)
TRAIN = StageConfig(
    name="train",
    entry="image",
    trains=PARTS,
    images=11_800_000,  # 100 epochs of COCO
    batch=128,
    optimizer="sgd",
    rate=0.16,
    warmup_from=3e-4,
    warmup=500,
    rate_batch=128,
    backbone_rate=1.0,
    decay=4e-5,
    assigner="atss",
    clip=35.0,
    ema=0.9998,
    average_every=1,
    checkpoint_images=128_000,
    loss=LOSS,
)
RETRAIN = replace(TRAIN, name="retrain", images=5_900_000)
AUGMENT = AugmentConfig(
    scale=(0.5, 1.5), mosaic=0.5, grey=0.0, blur=0.0, compress=0.0, noise=0.0, letterbox=0.1, calm=0.1
)
# SGD needs more steps than the small twins have
SMALL_TRAIN = replace(
    TRAIN,
    entry="low",
    trains=("high", "rest"),
    images=4_800,
    batch=8,
    optimizer="adamw",
    rate=2e-3,
    warmup_from=0.0,
    warmup=60,
    rate_batch=0,
    backbone_rate=0.25,
    decay=0.03,
    clip=10.0,
    ema=0.99,
    average_every=4,
    checkpoint_images=1_200,
    log_steps=24,
)
# masks need all weights to learn, so pictures are drawn again
SMALL_RETRAIN = replace(
    SMALL_TRAIN, name="retrain", entry="view", trains=PARTS, images=1_600, rate=1e-3, warmup=20
)
WIDER = 2  # times the neck and head of its student has the small twins' teacher


@dataclass(frozen=True, kw_only=True)
class Group:
    """What one of the paper's groups is made of.

    Attributes:
        variant: Of EfficientNet-Lite; Lite0 sees 320 x 320, the others 416 x 416.
        act: Activation everywhere.
        quality: GFL v2.
        sparse: Pruned to 2:4 and trained again under the mask.
    """

    variant: int
    act: str
    quality: bool = False
    sparse: bool = False

    def model(self, classes: int) -> LiteConfig:
        """The network: Lite0's neck and head are smaller."""
        width, depth, reg_max = (128, 3, 10) if self.variant else (96, 2, 7)
        return LiteConfig(
            variant=self.variant,
            width=width,
            depth=depth,
            classes=classes,
            reg_max=reg_max,
            quality=self.quality,
            act=self.act,
        )

    @property
    def side(self) -> int:
        """Of the square input in pixels."""
        return 416 if self.variant else 320

    def stages(self, train: StageConfig, retrain: StageConfig) -> tuple[StageConfig, StageConfig]:
        """Dense, then under the mask if there is one."""
        return train, replace(retrain, sparse=SparsityConfig() if self.sparse else None)


GROUPS: Mapping[int, Group] = MappingProxyType(
    {
        1: Group(variant=0, act="relu6"),
        2: Group(variant=1, act="mish"),
        3: Group(variant=1, act="silu"),
        4: Group(variant=1, act="silu", quality=True, sparse=True),
    }
)
TEACHER = Group(variant=2, act="silu", quality=True)


def on_coco(name: str, group: Group) -> Recipe:
    """A group on COCO with its 80 classes, by live views; other classes: `--labels`."""
    start = STARTS[group.variant]
    return Recipe(
        name=name,
        ships=f"{name}-{group.side}",
        labels=LabelConfig(labels=COCO_LABELS, groups=()),
        augment=AUGMENT,
        caches=(CacheConfig(size=(group.side, group.side), views=400_000),),
        model=group.model(len(COCO_LABELS)),
        stages=group.stages(TRAIN, RETRAIN),
        start=start,
        teachers=(),
        int8=None,
        texts=CardTexts(
            labels_name="coco-80",
            licence="of whoever trained it",
            credits=(
                f"Backbone start: {start.removesuffix('.safetensors')}, timm, Apache-2.0",
                "COCO: annotations CC BY 4.0, images under Flickr terms",
            ),
            notes=(),
        ),
    )


def small(name: str, group: Group) -> Recipe:
    """A group for a CPU: the tuned MobileNetV2 for the backbone, from cached features, without a teacher."""
    model = replace(group.model(len(LABELS)), variant=0, backbone="mobilenetv2-tuned")
    return _at_hand(name, group, model, group.stages(SMALL_TRAIN, SMALL_RETRAIN))


def small_teacher(name: str) -> Recipe:
    """The teacher of the small twins: a wider neck and head, trained as long.

    Its layers up to stride 8 stay the start's, so that it can be asked from cached features.
    """
    model = replace(TEACHER.model(len(LABELS)), variant=0, backbone="mobilenetv2-tuned")
    longer = replace(SMALL_TRAIN, images=SMALL_TRAIN.images + SMALL_RETRAIN.images)
    return _at_hand(name, TEACHER, replace(model, width=WIDER * model.width), (longer,))


def _at_hand(name: str, group: Group, model: LiteConfig, stages: tuple[StageConfig, ...]) -> Recipe:
    """On surveil's own classes and data; as many of the hybrid's cached views as images are seen."""
    hybrid = mobilenetv2_gfl_320()
    seen = sum(stage.images for stage in stages)
    cache = next(cache for cache in hybrid.caches if cache.size == (group.side, group.side))
    return replace(
        hybrid,
        name=name,
        ships=f"{name}-{group.side}",
        caches=(replace(cache, used=seen),),
        model=model,
        stages=stages,
        int8=None,
        aliases=(),
    )


def paper_b_group1() -> Recipe:
    """Lite0 at 320, ReLU6, GFL v1."""
    return on_coco("paper-b-group1", GROUPS[1])


def paper_b_group2() -> Recipe:
    """Lite1 at 416, Mish, GFL v1."""
    return on_coco("paper-b-group2", GROUPS[2])


def paper_b_group3() -> Recipe:
    """Lite1 at 416, SiLU, GFL v1, mixed precision."""
    return on_coco("paper-b-group3", GROUPS[3])


def paper_b_group4() -> Recipe:
    """Lite1 at 416, SiLU, GFL v2, pruned to 2:4, mixed precision."""
    return on_coco("paper-b-group4", GROUPS[4])


def paper_b_group5() -> Recipe:
    """Group 4 taught by `paper-b-teacher`: its weights lie among the starts, or are said with --larger."""
    return with_teacher(on_coco("paper-b-group5", GROUPS[4]))


def with_teacher(student: Recipe) -> Recipe:
    """Group 5, taught by the recipe of the same budget."""
    teacher = student.name.replace("group5", "teacher")
    return taught(student, LargerTeacher(recipe=teacher, weights=f"{teacher}.safetensors"))


def paper_b_teacher() -> Recipe:
    """Lite2 with group 4's neck and head, dense: the teacher of group 5."""
    return on_coco("paper-b-teacher", TEACHER)


def paper_b_group1_small() -> Recipe:
    """Group 1 at a small budget."""
    return small("paper-b-group1-small", GROUPS[1])


def paper_b_group2_small() -> Recipe:
    """Group 2 at a small budget."""
    return small("paper-b-group2-small", GROUPS[2])


def paper_b_group3_small() -> Recipe:
    """Group 3 at a small budget."""
    return small("paper-b-group3-small", GROUPS[3])


def paper_b_group4_small() -> Recipe:
    """Group 4 at a small budget."""
    return small("paper-b-group4-small", GROUPS[4])


def paper_b_group5_small() -> Recipe:
    """Group 5 at a small budget."""
    return with_teacher(small("paper-b-group5-small", GROUPS[4]))


def paper_b_teacher_small() -> Recipe:
    """The teacher at a small budget."""
    return small_teacher("paper-b-teacher-small")


def activation_row(act: str, *, sparse: bool, full: bool = False) -> Recipe:
    """Is the paper's reason for SiLU true? Group 1 with an activation, dense or 2:4, all else alike."""
    group = Group(variant=0, act=act, sparse=sparse)
    name = f"paper-b-{act}-{'2to4' if sparse else 'dense'}"
    return on_coco(name, group) if full else small(f"{name}-small", group)

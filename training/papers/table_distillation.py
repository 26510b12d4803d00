"""Paper B's distillation, region by region: what a larger network's word about boxes brings, and where.

The small twin is the hybrid at half width, from the cached stride-8 tap; its teacher is the parent of the
model that ships, which has twice the width and begins with the same frozen layers. The full rows are Lite0
from live views, taught by Lite2. Rows differ in nothing but the distillation.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from training.engine.config import StageConfig
from training.losses.criterion import LossConfig
from training.losses.localization import DENSE, LocalizationConfig
from training.papers.rows import Row, Table
from training.recipes.adapt import taught, with_regions
from training.recipes.distilled import LITE2
from training.recipes.efficientlite import efficientlite0_gfl_320_live
from training.recipes.mobilenetv2_gfl import mobilenetv2_gfl_320
from training.recipes.recipe import LargerTeacher, Recipe

STUDY = LargerTeacher(recipe="mobilenetv2-gfl-320", weights="hybrid_study.safetensors")
EVERY_CELL = 1_000_000  # distributions of a view that live teachers keep
LARGER_ROWS: Mapping[str, tuple[str, LocalizationConfig]] = MappingProxyType(
    {
        "main": ("larger network, main region", LocalizationConfig(valuable=0.0, classes=0.0)),
        "valuable": ("larger network, valuable region", LocalizationConfig(main=0.0, classes=0.0)),
        "both": ("larger network, both regions", LocalizationConfig(classes=0.0)),
        "all": ("larger network, both regions and classes", LocalizationConfig()),
    }
)
COCO = LocalizationConfig(teacher=DENSE)


def _quiet(recipe: Recipe) -> Recipe:
    """The recipe without dense distillation: nobody teaches, but for who assigns the first cells."""
    stages = tuple(
        replace(stage, loss=replace(stage.loss, distill_score=0.0, distill_box=0.0))
        if isinstance(stage.loss, LossConfig)
        else stage
        for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


def _rows(shipped: Recipe, larger: LargerTeacher) -> tuple[Row, ...]:
    """All rows of a student; `shipped`: with dense distillation, as models that ship learn."""
    base = _quiet(shipped)
    every_cell = replace(base, caches=tuple(replace(cache, top=EVERY_CELL) for cache in base.caches))
    live = all(stage.entry == "image" for stage in base.stages)
    coco = with_regions(every_cell if live else base, COCO)
    kept = "" if live else f": PicoDet alone, at the {base.caches[0].top} cells of a view that caches keep"
    return (
        Row(name="without", text="no distillation", recipe=base),
        *(
            Row(name=name, text=text, recipe=taught(base, larger, regions), against="without")
            for name, (text, regions) in LARGER_ROWS.items()
        ),
        Row(
            name="coco", text=f"COCO teachers, both regions and classes{kept}", recipe=coco, against="without"
        ),
        Row(name="dense", text="COCO teachers, all cells, as shipped", recipe=shipped, against="without"),
    )


def small() -> Table:
    """The rows on the data at hand, for a CPU: neck and head first, then everything above stride 8."""
    hybrid = mobilenetv2_gfl_320()
    head = StageConfig(
        name="head",
        entry="low",
        trains=("rest",),
        images=3_200,
        batch=8,
        rate=2e-3,
        warmup=80,
        guided=100,
        floor=0.1,
    )
    upper = replace(
        head, name="upper", trains=("high", "rest"), images=4_800, rate=1.2e-3, guided=0, floor=0.0
    )
    student = replace(
        hybrid,
        name="distillation-small",
        ships="distillation-small",
        caches=hybrid.caches[:1],
        model=replace(hybrid.model, width=hybrid.model.width // 2),
        stages=(head, upper),
        int8=None,
        aliases=(),
    )
    return Table(
        name="distillation",
        title="Distillation by region, small budget",
        about="The hybrid at half width, taught by the one of full width; 320 x 320; the data at hand.",
        rows=_rows(student, STUDY),
    )


def full() -> Table:
    """Lite0 from live views taught by Lite2, for a GPU; the teacher's weights are to be trained before."""
    return Table(
        name="distillation-lite",
        title="Distillation by region: EfficientNet-Lite0 taught by Lite2",
        about="Live views at 320, 416 and 416 x 256.",
        rows=_rows(efficientlite0_gfl_320_live(), LITE2),
    )

"""Lite0 taught by Lite2, which has its neck and head: paper B's distillation from a larger network.

The rows that tell what each region brings are the table `distillation` (`papers.table_distillation`).
"""

from dataclasses import replace

from training.losses.localization import LocalizationConfig
from training.recipes.adapt import taught
from training.recipes.efficientlite import efficientlite0_gfl_320, efficientlite0_gfl_320_live
from training.recipes.recipe import LargerTeacher, Recipe

LITE2 = LargerTeacher(recipe="efficientlite2-gfl-320", weights="efficientlite2-gfl-320.safetensors")


def efficientlite0_gfl_320_distilled() -> Recipe:
    """From cached views, drawn again."""
    return replace(taught(efficientlite0_gfl_320(), LITE2), name="efficientlite0-gfl-320-distilled")


def efficientlite0_gfl_320_live_distilled(regions: LocalizationConfig | None = None) -> Recipe:
    """From live views, for a GPU; never run there. `regions`: what is taught, if not everything."""
    made = taught(efficientlite0_gfl_320_live(), LITE2, regions)
    return replace(made, name="efficientlite0-gfl-320-live-distilled")

"""The weights of an earlier study of this project, tuned at three sizes; what ships.

The study trained the same model on the same data for 451,000 images on a faster processor, from the same
public start. This recipe goes on from there, half of the steps at 416 x 416.
"""

from dataclasses import replace

from training.recipes.mobilenetv2_gfl import SIZES, TEXTS, mobilenetv2_gfl_320
from training.recipes.recipe import Recipe

IMAGES = 96_000
NOTE = (
    "Begun from hybrid_study.safetensors, an earlier study of this project: the same model, public start and "
    "data, 451,000 images."
)


def mobilenetv2_gfl_320_tuned() -> Recipe:
    """One more stage upon the study's weights."""
    fresh = mobilenetv2_gfl_320()
    return replace(
        fresh,
        name="mobilenetv2-gfl-320-tuned",
        init="hybrid_study.safetensors",
        stages=(replace(SIZES, name="tuned", images=IMAGES, caches=(1, 0, 1, 2), rate=6e-4),),
        texts=replace(TEXTS, notes=(*TEXTS.notes, NOTE)),
    )

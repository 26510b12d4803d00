"""Recipes by name: a visible table of functions that return a complete frozen configuration."""

from training.errors import ConfigError
from training.recipes.distilled import (
    efficientlite0_gfl_320_distilled,
    efficientlite0_gfl_320_live_distilled,
)
from training.recipes.efficientlite import (
    efficientlite0_gfl_320,
    efficientlite0_gfl_320_live,
    efficientlite1_gfl_416,
    efficientlite1_gfl_416_live,
    efficientlite2_gfl_320,
    efficientlite2_gfl_320_live,
)
from training.recipes.equation5 import mobilenet_yolo_320_live_equation5
from training.recipes.live import mobilenetv2_gfl_320_live
from training.recipes.mobilenet_yolo import (
    mobilenet_yolo_320,
    mobilenet_yolo_320_equation5,
    mobilenet_yolo_320_live,
    mobilenetv1_yolo_320,
)
from training.recipes.mobilenetv2_gfl import mobilenetv2_gfl_320
from training.recipes.mobilenetv2_gfl_tuned import mobilenetv2_gfl_320_tuned
from training.recipes.own import own
from training.recipes.paper_a import paper_a_voc
from training.recipes.paper_b import (
    paper_b_group1,
    paper_b_group1_small,
    paper_b_group2,
    paper_b_group2_small,
    paper_b_group3,
    paper_b_group3_small,
    paper_b_group4,
    paper_b_group4_small,
    paper_b_group5,
    paper_b_group5_small,
    paper_b_teacher,
    paper_b_teacher_small,
)
from training.recipes.recipe import Recipe

RECIPES = {
    "efficientlite0-gfl-320": efficientlite0_gfl_320,
    "efficientlite0-gfl-320-live": efficientlite0_gfl_320_live,
    "efficientlite0-gfl-320-distilled": efficientlite0_gfl_320_distilled,
    "efficientlite0-gfl-320-live-distilled": efficientlite0_gfl_320_live_distilled,
    "efficientlite1-gfl-416": efficientlite1_gfl_416,
    "efficientlite1-gfl-416-live": efficientlite1_gfl_416_live,
    "efficientlite2-gfl-320": efficientlite2_gfl_320,
    "efficientlite2-gfl-320-live": efficientlite2_gfl_320_live,
    "mobilenet-yolo-320": mobilenet_yolo_320,
    "mobilenet-yolo-320-equation5": mobilenet_yolo_320_equation5,
    "mobilenet-yolo-320-live": mobilenet_yolo_320_live,
    "mobilenet-yolo-320-live-equation5": mobilenet_yolo_320_live_equation5,
    "mobilenetv1-yolo-320": mobilenetv1_yolo_320,
    "mobilenetv2-gfl-320": mobilenetv2_gfl_320,
    "mobilenetv2-gfl-320-live": mobilenetv2_gfl_320_live,
    "mobilenetv2-gfl-320-tuned": mobilenetv2_gfl_320_tuned,
    "own": own,
    "paper-a-voc": paper_a_voc,
    "paper-b-group1": paper_b_group1,
    "paper-b-group1-small": paper_b_group1_small,
    "paper-b-group2": paper_b_group2,
    "paper-b-group2-small": paper_b_group2_small,
    "paper-b-group3": paper_b_group3,
    "paper-b-group3-small": paper_b_group3_small,
    "paper-b-group4": paper_b_group4,
    "paper-b-group4-small": paper_b_group4_small,
    "paper-b-group5": paper_b_group5,
    "paper-b-group5-small": paper_b_group5_small,
    "paper-b-teacher": paper_b_teacher,
    "paper-b-teacher-small": paper_b_teacher_small,
}


def recipe(name: str) -> Recipe:
    """The recipe `name`; a `ConfigError` lists the known ones."""
    if name not in RECIPES:
        raise ConfigError(f"unknown recipe {name}: one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]()

"""Recipes by name: a visible table of functions that return a complete frozen configuration."""

from training.errors import ConfigError
from training.recipes.live import mobilenetv2_gfl_320_live
from training.recipes.mobilenetv2_gfl import mobilenetv2_gfl_320
from training.recipes.mobilenetv2_gfl_tuned import mobilenetv2_gfl_320_tuned
from training.recipes.own import own
from training.recipes.recipe import Recipe

RECIPES = {
    "mobilenetv2-gfl-320": mobilenetv2_gfl_320,
    "mobilenetv2-gfl-320-live": mobilenetv2_gfl_320_live,
    "mobilenetv2-gfl-320-tuned": mobilenetv2_gfl_320_tuned,
    "own": own,
}


def recipe(name: str) -> Recipe:
    """The recipe `name`; a `ConfigError` lists the known ones."""
    if name not in RECIPES:
        raise ConfigError(f"unknown recipe {name}: one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]()

"""The options that give a recipe other teachers or another start."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import ConfigError

if TYPE_CHECKING:
    from training.recipes.recipe import Recipe

NONE = "none"


def add_starts(command: argparse.ArgumentParser) -> None:
    """The options of `with_starts`, and another public start (`recipes.start`)."""
    command.add_argument(
        "--start",
        metavar="FILE|hf:OWNER/NAME",
        help="another public start of the backbone, such as hf:timm/efficientnet_lite0.ra_in1k",
    )
    command.add_argument(
        "--teachers",
        metavar="FILE,FILE",
        help=f"dense teachers of live views, if not the recipe's; `{NONE}`: no distillation",
    )
    command.add_argument(
        "--init", metavar="FILE", help="whole weights of the same network that the first stage goes on from"
    )


def with_starts(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe with the teachers and the start of the options in place of its own.

    Files are typed as they lie here, or by the names that recipes use.

    Raises:
        ConfigError: Its caches hold what its own teacher said.
    """
    if getattr(options, "teachers", None):
        names = [] if options.teachers == NONE else options.teachers.split(",")
        teachers = tuple(_file(name.strip()) for name in names)
        cached = [stage.name for stage in recipe.stages if stage.entry != "image"]
        if cached and teachers != recipe.teachers:
            raise ConfigError(
                f"recipe {recipe.name}: stage {cached[0]} learns from caches, which hold what "
                f"{', '.join(recipe.teachers)} said: --teachers is for recipes with live views"
            )
        recipe = replace(recipe, teachers=teachers)
    if getattr(options, "init", None):
        recipe = replace(recipe, init=_file(options.init))
    return recipe


def _file(name: str) -> str:
    """A file that is here by its whole path, else a name that is looked for beside the data."""
    path = Path(name)
    return str(path.resolve()) if path.is_file() else name

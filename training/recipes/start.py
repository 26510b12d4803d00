"""Another public start of a recipe's backbone: a file, or a name of Hugging Face."""

import logging
from dataclasses import replace
from pathlib import Path

from training.errors import ConfigError
from training.fetch import fetch_weights
from training.models.detector import backbone_of
from training.models.starts import begin
from training.recipes.recipe import Recipe

log = logging.getLogger(__name__)

HUB = "hf:"
ABOUT = ("Backbone start", "Features imitated")  # credits that are no longer true


def with_start(recipe: Recipe, named: str, weights: Path | None = None) -> Recipe:
    """The recipe with the start of `--start FILE|hf:OWNER/NAME`; stages that imitate features are left out.

    Args:
        recipe: Its backbone is tried with the start at once.
        named: A file, or a model of Hugging Face, whose `model.safetensors` is fetched.
        weights: Where that is kept; None: in the user's cache.

    Raises:
        ConfigError: The recipe goes on from a whole model, or the name is none.
        DataError: It cannot be fetched.
        CheckpointError: It does not fit.
    """
    if recipe.init:
        raise ConfigError(
            f"--start: recipe {recipe.name} goes on from the whole model {recipe.init}: it has no start"
        )
    of_hub = named.startswith(HUB)
    name = named.removeprefix(HUB)
    path = fetch_weights(name, weights) if of_hub else Path(named).resolve()
    begin(backbone_of(recipe.model), path)  # said now, not after the caches were filled
    stages = tuple(stage for stage in recipe.stages if not stage.imitates)
    if left := len(recipe.stages) - len(stages):
        log.info("%d stage left out: a backbone with a start of its own imitates none", left)
    credit = f"Backbone start: {f'{name} of Hugging Face' if of_hub else path.name}"
    credits = tuple(line for line in recipe.texts.credits if not line.startswith(ABOUT))
    return replace(
        recipe,
        start=str(path),
        stages=stages,
        imitated="",
        texts=replace(recipe.texts, credits=(credit, *credits)),
    )

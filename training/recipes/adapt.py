"""Recipes for other budgets and other classes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.data.scenes import SOURCE
from training.engine.config import StageConfig
from training.errors import ConfigError
from training.losses.criterion import LossConfig
from training.losses.localization import LocalizationConfig
from training.recipes.recipe import LargerTeacher, Recipe


def shortened(recipe: Recipe, images: int) -> Recipe:
    """The recipe for a budget of so many images in all stages together.

    Stages keep their shares; a smaller budget shortens caches and first steps as well, a larger one only
    makes the stages longer.
    """
    if images < len(recipe.stages):
        raise ConfigError(f"budget: {images} images are too few for {len(recipe.stages)} stages")
    share = images / sum(stage.images for stage in recipe.stages)
    fewer = min(share, 1.0)
    return replace(
        recipe,
        caches=tuple(replace(cache, views=max(1, round(cache.views * fewer))) for cache in recipe.caches),
        stages=tuple(_shortened(stage, share, fewer) for stage in recipe.stages),
    )


def _shortened(stage: StageConfig, share: float, fewer: float) -> StageConfig:
    images = max(1, round(stage.images * share))
    batch, every = min(stage.batch, images), stage.average_every
    rounds = -(-images // (batch * every))
    return replace(
        stage,
        images=images,
        batch=batch,
        log_steps=every * max(1, min(stage.log_steps // every, rounds // 4)),  # a curve needs a few points
        warmup=max(1, round(stage.warmup * fewer)),
        guided=round(stage.guided * fewer),
        atss=round(stage.atss * fewer),
    )


def for_labels(recipe: Recipe, labels: Sequence[str]) -> Recipe:
    """The recipe for other classes, in the order of the detector's outputs. Raises ConfigError."""
    if recipe.init:
        raise ConfigError(
            f"recipe {recipe.name} goes on from a model of {', '.join(recipe.labels.labels)}: "
            "for other classes use the recipe own"
        )
    return replace(
        recipe,
        labels=replace(recipe.labels, labels=tuple(labels)),
        model=replace(recipe.model, classes=len(labels)),
    )


def with_scenes(recipe: Recipe, count: int, share: float = 5.0) -> Recipe:
    """The recipe with so many drawn street scenes among its pictures.

    `share`: how often a scene is drawn, as in `CacheConfig.source_views`.
    """
    return replace(
        recipe,
        scenes=count,
        caches=tuple(
            replace(cache, source_views=(*cache.source_views, (SOURCE, share))) for cache in recipe.caches
        ),
    )


def taught(recipe: Recipe, larger: LargerTeacher, regions: LocalizationConfig | None = None) -> Recipe:
    """The recipe with a larger teacher, in all stages that learn to detect and do not begin at cached taps.

    `regions`: what it teaches, if not the default. Raises ConfigError when no stage can be taught.
    """
    return with_regions(recipe, regions or LocalizationConfig(), larger)


def with_regions(recipe: Recipe, regions: LocalizationConfig, larger: LargerTeacher | None = None) -> Recipe:
    """The recipe with distillation by region; `larger`: who teaches, if not its dense teachers.

    A larger network has taps of its own: it cannot teach stages that begin at cached ones.

    Raises ConfigError when the teacher is not there.
    """
    stages = tuple(
        replace(stage, loss=replace(stage.loss, localization=regions))
        if isinstance(stage.loss, LossConfig) and not (larger and stage.entry == "taps")
        else stage
        for stage in recipe.stages
    )
    return replace(recipe, stages=stages, larger=larger)


def with_larger(recipe: Recipe, named: str) -> Recipe:
    """The recipe with the larger teacher of `--larger RECIPE=FILE`; what a recipe distils already stays.

    Raises ConfigError.
    """
    name, _, file = named.partition("=")
    if not name or not file:
        raise ConfigError(f"--larger is RECIPE=FILE: the teacher's recipe and its weights; got {named}")
    larger = LargerTeacher(recipe=name, weights=str(Path(file).resolve()))
    return replace(recipe, larger=larger) if recipe.larger else taught(recipe, larger)

"""Recipes for other budgets and other classes."""

from collections.abc import Sequence
from dataclasses import replace

from training.data.scenes import SOURCE
from training.engine.config import StageConfig
from training.errors import ConfigError
from training.recipes.recipe import Recipe


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

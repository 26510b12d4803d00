"""Recipes for other budgets and other classes."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.data.balance import class_boxes, sparse_classes
from training.data.cache import CacheConfig
from training.data.coco import read_coco
from training.data.layout import find_split
from training.data.records import Record, load_records
from training.data.scenes import SOURCE
from training.engine.config import StageConfig
from training.errors import ConfigError
from training.losses.criterion import LossConfig
from training.losses.localization import LocalizationConfig
from training.recipes.recipe import LargerTeacher, Recipe

log = logging.getLogger(__name__)


def shortened(recipe: Recipe, images: int) -> Recipe:
    """The recipe for a budget of so many images in all stages together.

    Stages keep their shares; a smaller budget shortens first steps as well and uses as much less of the
    caches, a larger one only makes the stages longer.
    """
    if images < len(recipe.stages):
        raise ConfigError(f"budget: {images} images are too few for {len(recipe.stages)} stages")
    share = images / sum(stage.images for stage in recipe.stages)
    fewer = min(share, 1.0)
    return replace(
        recipe,
        caches=tuple(_part_of(cache, fewer) for cache in recipe.caches) if share < 1 else recipe.caches,
        stages=tuple(_shortened(stage, share, fewer) for stage in recipe.stages),
    )


def _part_of(cache: CacheConfig, share: float) -> CacheConfig:
    """A cache of which only a share is used: the views themselves stay, so a full one serves as well."""
    return replace(cache, used=max(1, round(cache.count * share)))


def with_fresh_views(recipe: Recipe, images: int) -> Recipe:
    """`shortened`, where a larger budget has larger caches as well, up to a view for every image.

    So it does not see the same frozen views as many times more.
    """
    more = images / sum(stage.images for stage in recipe.stages)
    longer = shortened(recipe, images)
    return replace(
        longer,
        caches=tuple(
            replace(cache, views=max(cache.views, min(round(cache.count * more), seen)))
            for cache, seen in zip(longer.caches, seen_of_caches(longer), strict=True)
        ),
    )


def seen_of_caches(recipe: Recipe) -> list[int]:
    """Images that the stages draw from each cache; live views are from none."""
    seen = [0.0] * len(recipe.caches)
    for stage in recipe.stages:
        for place in stage.caches if stage.entry != "image" else ():
            seen[place] += stage.images / len(stage.caches)
    return [math.ceil(images) for images in seen]


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


def named_by(data: Path) -> list[str]:
    """Names of all categories of the training annotations, in their order. Raises DataError."""
    return list(read_coco(find_split(data, "train").annotations).categories)


def without_sparse(recipe: Recipe, data: Path) -> Recipe:
    """The recipe for a data folder without the classes that have too few boxes there, see `data.balance`.

    Boxes are counted as they are learned from: the annotated ones, and a teacher's for classes that nobody
    labelled; drawn scenes do not count.

    Raises:
        DataError: Annotations are missing or broken, or no class is left.
        ConfigError: The recipe goes on from a model of its classes.
    """
    balance, labels = recipe.balance, recipe.labels
    if not balance.remove_below and not balance.ratio:
        return recipe
    boxes = class_boxes(training_records(recipe, data), len(labels.labels))
    sparse = sparse_classes(boxes, labels.labels, balance)
    recipe = replace(recipe, balance=replace(balance, remove_below=0))
    if not sparse:
        return recipe
    log.info("removed, with fewer than %d boxes: %s", balance.remove_below, ", ".join(sparse))
    if not balance.keep_outputs:
        recipe = for_labels(recipe, [name for name in labels.labels if name not in sparse])
    return replace(recipe, labels=replace(recipe.labels, removed=(*labels.removed, *sparse)))


def training_records(recipe: Recipe, data: Path) -> list[Record]:
    """Records of the training split as the recipe's labels read them, with the sizes of the picture files."""
    split = find_split(data, "train")
    return load_records(split.annotations, recipe.labels, split.teacher)


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

"""Recipes that depend on the data: classes with enough boxes, anchors for the boxes that are there."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.data.anchors import cluster, drawn_sides, levels_of, report
from training.data.cache import CacheConfig, draw_order, identity
from training.data.coco import read_json
from training.data.decode import fitted
from training.data.layout import find_split
from training.data.records import data_hash
from training.errors import DataError
from training.files import write_whole
from training.launch import place_of
from training.models.shapes import Anchors, YoloConfig
from training.recipes.adapt import training_records, without_sparse
from training.recipes.recipe import Recipe

log = logging.getLogger(__name__)

KEPT = "anchors.json"  # in a run's folder


def for_data(recipe: Recipe, data: Path, out: Path | None = None) -> Recipe:
    """The recipe for a data folder: without classes that are sparse there, with anchors for its boxes.

    Args:
        recipe: With `balance.remove_below` and `anchor_views` where it wants such.
        data: The folder.
        out: Folder of the run: anchors are kept there, so that a run goes on with what it began with.

    Raises:
        DataError: Annotations are missing or broken, no class is left, or boxes are too few for anchors.
        ConfigError: Classes would be removed from a recipe that goes on from a model of them.
    """
    return with_anchors(without_sparse(recipe, data), data, out)


def with_anchors(recipe: Recipe, data: Path, out: Path | None = None) -> Recipe:
    """The recipe with as many anchors as it has, for the boxes of `anchor_views` views; see `for_data`.

    Views are of the recipe's first size; the same data give the same anchors, whatever the budget. Drawn
    scenes and added folders do not count.
    """
    if not recipe.anchor_views or not isinstance(recipe.model, YoloConfig):
        return recipe
    cache = replace(recipe.caches[0], views=recipe.anchor_views, used=0)
    count = sum(len(level) for level in recipe.model.anchors)
    made_of = _made_of(recipe, cache, data) | {"count": count}
    file = out / KEPT if out else None
    anchors = _kept(file, made_of) if file else None
    if anchors is None:
        anchors = _found(recipe, cache, data, count)
        place = place_of()
        if file and (place is None or place.rank == 0):  # all processes find the same
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps({"anchors": anchors, "made_of": made_of}, indent=1).encode())
    return replace(recipe, anchor_views=0, model=replace(recipe.model, anchors=anchors))


def _made_of(recipe: Recipe, cache: CacheConfig, data: Path) -> dict[str, Any]:
    """What decides the anchors, as JSON values."""
    split = find_split(data, "train")
    hashed = data_hash(*(file for file in (split.annotations, split.teacher) if file))
    return identity(cache, recipe.labels, recipe.augment, hashed, recipe.data_steps)


def _kept(file: Path, made_of: dict[str, Any]) -> Anchors | None:
    """Anchors that a run found before; None where there are none, or they are of other data or views."""
    if not file.exists():
        return None
    try:
        content = read_json(file)
        anchors = tuple(tuple((w, h) for w, h in level) for level in content["anchors"])
        same = content["made_of"] == made_of
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: not what a run wrote there ({error}); remove it, and it is made anew"
        ) from error
    return anchors if same else None


def _found(recipe: Recipe, cache: CacheConfig, data: Path, count: int) -> Anchors:
    records = [fitted(record) for record in training_records(recipe, data)]
    order = draw_order(records, cache, recipe.labels.labels, recipe.balance)
    sides = drawn_sides(records, order.tolist(), recipe.augment, cache)
    anchors = cluster(sides, count)
    log.info("anchors %s; %s", levels_of(anchors), report(sides, anchors))
    return levels_of(anchors)

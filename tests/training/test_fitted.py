# ruff: noqa: E402 - what needs torch is imported after the skip
"""Recipes for the data at hand: anchors for the boxes that are there, kept with the run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import LABELS, TinyData
from tests.training.tiny_families import YOLO
from training.data.anchors import shape_iou
from training.data.cache import draw_order
from training.data.plan import Planner
from training.errors import CheckpointError, ConfigError, DataError
from training.models.detector import Detector, load_model, save_model
from training.models.shapes import YOLOV3_ANCHORS
from training.papers.run import Place
from training.papers.tables import table_of
from training.recipes import fitted as fitted_module
from training.recipes import recipe
from training.recipes.adapt import for_labels, shortened
from training.recipes.fitted import KEPT, for_data
from training.recipes.recipe import Recipe
from training.settings import told
from training.workspace import Workspace


@pytest.fixture(scope="module")
def voc() -> Recipe:
    """Paper A's recipe for the tiny data, with few views."""
    return replace(for_labels(recipe("paper-a-voc"), LABELS.labels), anchor_views=120)


def boxes_of_views(tiny: TinyData, made: Recipe) -> np.ndarray:
    """Sides of whole boxes in views, from their plans' placements alone."""
    cache = replace(made.caches[0], views=made.anchor_views)
    order = draw_order(tiny.records, cache, made.labels.labels)
    planner, sides = Planner(tiny.records, made.augment, cache.size), []
    for k, i in enumerate(order):
        plan = planner.plan(int(i), np.random.default_rng((cache.seed, k)))
        for layer in plan.layers:
            boxes, place = tiny.records[layer.record].boxes, layer.placement
            sides.append((boxes[:, 2:] - boxes[:, :2]) * [abs(place.sx), abs(place.sy)])
    return np.concatenate(sides)


def test_anchors_are_those_of_the_training_boxes(tiny: TinyData, voc: Recipe, tmp_path: Path) -> None:
    assert recipe("paper-a-voc").anchor_views == 20_000
    with pytest.raises(ConfigError, match=r"its anchors depend on the data: use what recipes\.fitted"):
        Workspace(recipe=voc, data=tiny.folder, out=tmp_path)
    made = for_data(voc, tiny.folder, tmp_path / "run")
    assert made.anchor_views == 0
    assert made == replace(voc, anchor_views=0, model=replace(voc.model, anchors=made.model.anchors))
    Workspace(recipe=made, data=tiny.folder, out=tmp_path)
    found, coco = (
        np.array([side for level in anchors for side in level], float)
        for anchors in (made.model.anchors, YOLOV3_ANCHORS)
    )
    assert found.shape == (9, 2)
    assert (np.diff(found.prod(1)) >= 0).all()  # the finest level has the smallest
    sides = boxes_of_views(tiny, voc)
    ours, theirs = (shape_iou(sides, anchors).max(1).mean() for anchors in (found, coco))
    assert ours > 0.75
    assert ours > theirs + 0.05
    assert for_data(voc, tiny.folder) == made  # without a folder as well, and every time
    assert for_data(shortened(voc, 1000), tiny.folder).model == made.model  # whatever the budget


def test_a_run_goes_on_with_the_anchors_that_it_began_with(
    tiny: TinyData, voc: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = for_data(voc, tiny.folder, tmp_path)
    other = tuple(tuple((w + 1, h) for w, h in level) for level in made.model.anchors)
    monkeypatch.setattr(fitted_module, "_found", lambda *_: other)
    assert for_data(voc, tiny.folder, tmp_path) == made
    shutil.copytree(tiny.folder, tmp_path / "data", ignore=shutil.ignore_patterns("*.npy"))
    content = json.loads((tmp_path / "data" / "train.json").read_text())
    content["annotations"][0]["bbox"][2] += 1
    (tmp_path / "data" / "train.json").write_text(json.dumps(content))
    assert for_data(voc, tmp_path / "data", tmp_path).model.anchors == other  # of other data
    assert json.loads((tmp_path / KEPT).read_text())["anchors"] == json.loads(json.dumps(other))
    (tmp_path / KEPT).write_text('{"anchors": 3}')
    with pytest.raises(DataError, match=r"anchors\.json: not what a run wrote there.*remove it"):
        for_data(voc, tiny.folder, tmp_path)


def test_too_few_boxes_and_models_without_anchors_are_refused(tiny: TinyData, voc: Recipe) -> None:
    with pytest.raises(DataError, match="9 need at least 90 boxes, but there are"):
        for_data(replace(voc, anchor_views=5), tiny.folder)
    with pytest.raises(ConfigError, match="its model has no anchors"):
        replace(recipe("own"), anchor_views=5)
    own = recipe("own")
    assert for_data(own, tiny.folder) is own


def test_the_papers_table_is_trained_with_them(tiny: TinyData, tmp_path: Path) -> None:
    row = table_of("a", full=True).rows[0]
    few = replace(for_labels(row.recipe, LABELS.labels), anchor_views=120)
    space = Place(data=tiny.folder, out=tmp_path).workspace(replace(row, recipe=few), 1)
    assert space.recipe.model.anchors != YOLOV3_ANCHORS
    assert (tmp_path / row.name / "seed-1" / KEPT).exists()


def test_weights_are_not_read_with_other_anchors(tmp_path: Path) -> None:
    save_model(Detector(YOLO), tmp_path / "w.safetensors")
    load_model(tmp_path / "w.safetensors", YOLO)
    (first, *more), *levels = YOLO.anchors
    other = replace(YOLO, anchors=(((first[0] + 1, first[1]), *more), *levels))
    with pytest.raises(
        CheckpointError, match=r"trained with the anchors \(\(\(10, 12\).*would be read wrongly"
    ):
        load_model(tmp_path / "w.safetensors", other)


def test_a_later_option_leaves_runs_what_they_were() -> None:
    assert "anchor_views" not in told(recipe("efficientlite0-gfl-320"))
    assert told(recipe("paper-a-voc"))["anchor_views"] == 20_000

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Recipes for other budgets and classes, and how fast live training is."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.errors import ConfigError
from training.live.bench import BenchReport, Timing
from training.recipes import recipe
from training.recipes.adapt import for_labels, seen_of_caches, shortened, with_fresh_views


def test_a_smaller_budget_shortens_everything() -> None:
    whole = recipe("mobilenetv2-gfl-320")
    total = sum(stage.images for stage in whole.stages)
    tenth = shortened(whole, total // 10)
    assert sum(stage.images for stage in tenth.stages) == pytest.approx(total / 10, abs=2)
    for before, after in zip(whole.stages, tenth.stages, strict=True):
        assert after.images == pytest.approx(before.images / 10, abs=1)
        assert after.guided == pytest.approx(before.guided / 10, abs=1)
        assert after.rate == before.rate
    assert [cache.count for cache in tenth.caches] == [round(cache.views / 10) for cache in whole.caches]
    assert [replace(cache, used=0) for cache in tenth.caches] == list(whole.caches)


def test_a_larger_budget_only_trains_longer() -> None:
    whole = recipe("mobilenetv2-gfl-320-live")
    twice = shortened(whole, 2 * sum(stage.images for stage in whole.stages))
    assert [s.images for s in twice.stages] == [2 * s.images for s in whole.stages]
    assert [s.warmup for s in twice.stages] == [s.warmup for s in whole.stages]
    assert twice.caches == whole.caches


def test_a_larger_budget_of_a_table_has_more_cached_views() -> None:
    cached = recipe("mobilenet-yolo-320")
    total = sum(stage.images for stage in cached.stages)
    assert [cache.views for cache in with_fresh_views(cached, 3 * total).caches] == [3 * 32_000]
    few = replace(cached, stages=(replace(cached.stages[0], images=10_000),))
    assert [cache.views for cache in with_fresh_views(few, 20_000).caches] == [32_000]
    assert [cache.views for cache in with_fresh_views(few, 50_000).caches] == [50_000]  # one for each image
    live = recipe("mobilenetv2-gfl-320-live")
    assert with_fresh_views(live, 9_000_000).caches == live.caches
    whole = recipe("mobilenetv2-gfl-320")
    sizes = replace(whole, stages=whole.stages[:3])  # at the end three caches in turn
    assert seen_of_caches(sizes) == [60_000 + 55_296 + 14_976, 9_984, 4_992]


def test_a_recipe_without_a_start_says_what_fills_its_caches() -> None:
    with pytest.raises(ConfigError, match="without a start, features must name what fills caches"):
        replace(recipe("mobilenetv1-yolo-320"), start="", features="")


def test_a_batch_is_no_larger_than_its_stage_and_too_little_is_refused() -> None:
    live = recipe("mobilenetv2-gfl-320-live")
    assert max(stage.batch for stage in shortened(live, 24).stages) <= 24
    assert shortened(live, 24).stages[1].log_steps == 1
    with pytest.raises(ConfigError, match="1 images are too few for 2 stages"):
        shortened(live, 1)


def test_other_classes_change_the_labels_and_the_head() -> None:
    made = for_labels(recipe("own"), ["helmet", "vest"])
    assert made.labels.labels == ("helmet", "vest")
    assert made.model.classes == 2
    assert made.teachers == ()


def test_a_recipe_that_goes_on_from_a_model_keeps_its_classes() -> None:
    with pytest.raises(ConfigError, match=r"goes on from a model of person, bicycle.* use the recipe own"):
        for_labels(recipe("mobilenetv2-gfl-320-tuned"), ["helmet"])


def report(draw_ms: float, paint_ms: float, learn_ms: float, whole_s: float, workers: int) -> BenchReport:
    parts = {"draw": draw_ms, "paint": paint_ms, "learn": learn_ms}
    return BenchReport(
        device="a device",
        batch=10,
        sizes=((256, 416),),
        parts=tuple(Timing(part=k, batch_ms=v, images_s=10_000 / v) for k, v in parts.items()),
        whole_images_s=whole_s,
        workers=workers,
        memory_mib=7,
    )


def test_the_slowest_part_limits() -> None:
    assert report(10, 5, 15, 490, workers=4).limit == "learn (75 % of the device's time)"
    assert report(200, 5, 15, 100, workers=4).limit == "drawing numbers, in 4 processes"
    assert report(10, 5, 15, 200, workers=4).limit == "the device waits for its work between the parts"
    assert report(10, 5, 15, 330, workers=0).limit == "learn (75 % of the device's time)"


def test_the_table_shows_every_part() -> None:
    shown = report(10, 5, 15, 490, workers=4)
    lines = shown.table().splitlines()
    assert lines[0] == "a device, batches of 10, sizes in turn 416x256"
    assert lines[3].split() == ["paint", "5.0", "2000"]
    assert lines[5].split() == ["all", "20.4", "490"]
    assert lines[-1] == "memory of the device: 7 MiB at most"
    assert shown.to_json()["parts"][2] == {"part": "learn", "batch_ms": 15, "images_s": 10_000 / 15}

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Rows of the papers' tables: training, results that stay, figures and what is said of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from tests.training.tiny import CACHE, LABELS, TinyData
from tests.training.tiny_families import write_tuned_start
from training.engine.config import Machine, StageConfig, WatchConfig
from training.errors import ConfigError, DataError
from training.models.shapes import HybridConfig
from training.papers.commands import TABLES
from training.papers.report import as_markdown, draw, measured, pooled_deviation, sentence, spread
from training.papers.rows import Row, Table, seeded
from training.papers.run import RESULT, Place, run_table
from training.papers.speed import time_rows
from training.papers.tables import table_of
from training.recipes import recipe

STAGE = StageConfig(
    name="all", entry="image", trains=("rest",), images=4, batch=2, average_every=1, log_steps=1
)


def row(name: str, against: str = "") -> Row:
    """A row of the tiny data, two steps long."""
    tiny_recipe = replace(
        recipe("mobilenetv2-gfl-320"),
        labels=LABELS,
        model=HybridConfig(classes=len(LABELS.labels), width=16, depth=1),
        caches=(CACHE,),
        aliases=(),
        stages=(STAGE,),
        start="start.safetensors",
        teachers=(),
        int8=None,
        report_sources=(),
    )
    return Row(name=name, text=f"step {name}", recipe=tiny_recipe, against=against)


def table(*rows: Row) -> Table:
    """Made up."""
    return Table(name="x", title="Made up", about="About.", rows=rows)


def write_result(place: Place, one: Row, seed: int, ap: float) -> None:
    """As `run_row` does."""
    folder = place.folder(one, seed)
    folder.mkdir(parents=True)
    mean = {"AP": ap, "AP50": ap + 10, "APs": None}
    result: dict[str, Any] = {
        "mean": {"AP": 0.0, "AP50": 0.0, "APs": None},  # of surveil's classes, which these are not
        "all": mean,
        "classes": {"person": {"AP": ap - 5}},
        "parameters": 250_000,
        "images": 3200,
        "minutes": 2.0,
    }
    (folder / RESULT).write_text(json.dumps(result))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(data=tmp_path, out=tmp_path / "out")


def test_rows_are_compared_with_rows_before_them() -> None:
    with pytest.raises(ConfigError, match="a needs later, which comes later"):
        table(row("a", "later"), row("later"))
    with pytest.raises(ConfigError, match="row a is there twice"):
        table(row("a"), row("a"))


def test_some_rows_bring_those_they_are_compared_with() -> None:
    whole = table(row("a"), row("b", "a"), row("c", "b"), row("d", "a"))
    assert [one.name for one in whole.only(("c",)).rows] == ["a", "b", "c"]
    taught = replace(row("e"), teacher="d")
    assert [one.name for one in table(*whole.rows, taught).only(("e",)).rows] == ["a", "d", "e"]
    with pytest.raises(ConfigError, match="no row e: choose among a, b, c, d"):
        whole.only(("e",))


def test_a_seed_changes_weights_and_order_and_no_view() -> None:
    before = row("a").recipe
    after = seeded(before, 3)
    assert [stage.seed for stage in after.stages] == [stage.seed + 3 for stage in before.stages]
    assert after.caches == before.caches


def test_what_seeds_differ_by_anyway_is_no_difference(place: Place) -> None:
    rows = table(row("a"), row("same", "a"), row("better", "a"), row("worse", "a"))
    for one, values in zip(rows.rows, ((20.0, 21.0), (20.5, 21.5), (25.0, 26.0), (15.0, 16.0)), strict=True):
        for seed, ap in enumerate(values):
            write_result(place, one, seed, ap)
    found = measured(rows, place, 2, {})
    deviation = pooled_deviation(found)
    assert deviation == pytest.approx(0.5**0.5)  # each pair is 1 apart: variance 0.5
    said = [sentence(one, found, deviation) for one in found]
    assert said[0] == "what the others are compared with"
    # two standard errors of a difference of two means of two: 2 sqrt(0.5) sqrt(1/2 + 1/2)
    assert said[1] == "+0.5 AP against a, within what seeds differ by (± 1.4): no difference seen"
    assert said[2] == "+5.0 AP against a (± 1.4): it helped"
    assert said[3] == "-5.0 AP against a (± 1.4): it did harm"


def test_one_seed_claims_nothing(place: Place) -> None:
    rows = table(row("a"), row("b", "a"))
    write_result(place, rows.rows[0], 0, 20.0)
    write_result(place, rows.rows[1], 0, 24.0)
    found = measured(rows, place, 2, {"b": {"onnxruntime": 7.25}})
    text = as_markdown(rows, found)
    assert "+4.0 AP against a, one seed each: it cannot be said" in text
    assert "| a | step a | 20.0 | 30.0 | - | 15.0 | 1.0 | - |" in text
    assert "| b | step b | 24.0 | 34.0 | - | 19.0 | 1.0 | 7.2 |" in text
    assert "3,200 images a row, 1 seed, 4 minutes in all" in text
    assert draw(rows, found, place.out / "x.png").stat().st_size > 5000


def test_rows_that_were_not_trained_are_left_out_and_none_is_an_error(place: Place) -> None:
    rows = table(row("a"), row("b", "a"))
    with pytest.raises(DataError, match="no row of table x was trained there yet"):
        measured(rows, place, 1, {})
    write_result(place, rows.rows[1], 0, 24.0)
    found = measured(rows, place, 1, {})
    assert [one.row.name for one in found] == ["b"]
    assert sentence(found[0], found, None) == "a is missing"


def test_a_broken_result_is_named(place: Place) -> None:
    one = row("a")
    place.folder(one, 0).mkdir(parents=True)
    (place.folder(one, 0) / RESULT).write_text("{")
    with pytest.raises(DataError, match=r"seed-0.result\.json: not JSON"):
        measured(table(one), place, 1, {})


def test_spread() -> None:
    assert spread([1.0, 2.0, 4.0]) == "2.3 ± 1.5"


@pytest.mark.timeout(400)  # five exports take their time on a busy machine
def test_a_table_is_trained_once(tiny: TinyData, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    torch.manual_seed(0)
    write_tuned_start(weights / "start.safetensors")
    machine = Machine(processes=1, workers=0, watch=WatchConfig(evaluate=False))
    here = Place(data=tiny.folder, out=tmp_path / "out", weights=weights, machine=machine)
    rows = table(row("a"), row("b", "a"))
    run_table(rows, here, seeds=1)
    found = measured(rows, here, 1, {})
    assert [one.results[0]["images"] for one in found] == [4, 4]
    assert found[0].results[0]["parameters"] > 1_000_000
    stamps = [(here.folder(one, 0) / RESULT).stat().st_mtime_ns for one in rows.rows]
    run_table(rows, here, seeds=1)
    assert [(here.folder(one, 0) / RESULT).stat().st_mtime_ns for one in rows.rows] == stamps
    speeds = time_rows(rows, here)
    assert set(speeds) == {"a", "b"}
    assert all(ms > 0 for each in speeds.values() for ms in each.values())
    longer = replace(rows.rows[0], recipe=replace(row("a").recipe, stages=(replace(STAGE, images=6),)))
    run_table(table(longer, rows.rows[1]), here, seeds=1)
    assert (here.folder(longer, 0) / RESULT).stat().st_mtime_ns != stamps[0]


@pytest.mark.parametrize("full", [False, True], ids=["small", "full"])
@pytest.mark.parametrize("name", TABLES)
def test_rows_of_a_table_see_as_many_images(name: str, full: bool) -> None:
    made = table_of(name, full=full)
    assert len(made.rows) > 3
    images = {sum(stage.images for stage in one.recipe.stages) for one in made.rows}
    assert len(images) == 1, "a row that sees more pictures gains by that"
    shorter = made.shortened(400)
    assert {sum(stage.images for stage in one.recipe.stages) for one in shorter.rows} <= {399, 400, 401}


@pytest.mark.parametrize("full", [False, True], ids=["small", "full"])
def test_gan_pictures_make_a_row_of_paper_a(full: bool) -> None:
    without, made = (table_of("a", full=full, gan_pictures=folder) for folder in ("", "drawn"))
    assert {one.name for one in made.rows} - {one.name for one in without.rows} == {"gan"}
    gan = next(one for one in made.rows if one.name == "gan")
    assert gan.recipe.added == ("drawn",)
    before = next(one for one in made.rows if one.name == gan.against)
    assert replace(gan.recipe, added=()) == before.recipe, "they differ in nothing but these pictures"
    with pytest.raises(ConfigError, match="--gan-pictures is for table a"):
        table_of("b", full=full, gan_pictures="drawn")


def test_data_steps_are_alone_in_their_rows() -> None:
    rows = {one.name: one.recipe for one in table_of("a", full=False).rows}
    assert replace(rows["balanced"], balance=rows["base"].balance) == rows["base"]
    assert replace(rows["denoised"], denoise=None) == rows["base"]
    assert replace(rows["separable"], model=rows["base"].model) == rows["base"]


def test_group_5_is_group_4_taught_by_the_row_before_it(tmp_path: Path) -> None:
    rows = {one.name: one for one in table_of("b", full=False).rows}
    place = Place(data=tmp_path, out=tmp_path / "out")
    recipe = place.workspace(rows["group5"], 1).recipe
    assert recipe.larger is not None
    assert recipe.larger.recipe == rows["teacher"].recipe.name
    assert recipe.larger.weights == str(tmp_path / "out" / "teacher" / "seed-1" / "weights.safetensors")
    assert recipe.model == rows["group4"].recipe.model

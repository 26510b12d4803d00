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
from training import cli
from training.data.cache import FeatureCache
from training.engine.config import Machine, StageConfig, WatchConfig
from training.engine.journal import read_journal
from training.errors import ConfigError, DataError, PausedError
from training.models.detector import Detector
from training.models.shapes import HybridConfig, ImitationConfig
from training.papers.commands import TABLES
from training.papers.report import Noise, as_markdown, draw, noise_of, sentence, spread
from training.papers.results import measured
from training.papers.rows import Row, Table, seeded, trimmed
from training.papers.run import RESULT, Place, identity, run_table
from training.papers.speed import Reference, Speeds, read_speeds, time_rows, write_speeds
from training.papers.tables import table_of
from training.recipes import recipe
from training.recipes.adapt import seen_of_caches

STAGE = StageConfig(
    name="all", entry="image", trains=("rest",), images=4, batch=2, average_every=1, log_steps=1
)


def row(name: str, against: str = "", **others: Any) -> Row:
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
        peers=(),
    )
    return Row(name=name, text=f"step {name}", recipe=tiny_recipe, against=against, **others)


def table(*rows: Row, **others: Any) -> Table:
    """Made up."""
    return Table(name="x", title="Made up", about="About.", rows=rows, **others)


def write_result(place: Place, one: Row, seed: int, ap: float, **others: Any) -> None:
    """As `run_row` does."""
    folder = place.folder(one, seed)
    folder.mkdir(parents=True)
    result: dict[str, Any] = {
        "row": one.name,
        "seed": seed,
        "mean": {"AP": 0.0, "AP50": 0.0, "APs": None},  # of surveil's classes, which these are not
        "all": {"AP": ap, "AP50": ap + 10, "APs": None},
        "classes": {"person": {"AP": ap - 5}, "car": {"AP": ap + 5}},
        "dead": {"pictures": 64, "channels": [1, 50], "weights": [3, 4000]},
        "parameters": 250_000,
        "images": 3200,
        "minutes": 2.0,
        "precision": "float32",
        "device": "cpu",
        **identity(place.workspace(one, seed)),
        **others,
    }
    (folder / RESULT).write_text(json.dumps(result))


@pytest.fixture
def place(tiny: TinyData, tmp_path: Path) -> Place:
    return Place(data=tiny.folder, out=tmp_path / "out")


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


def test_a_row_is_saved_often_and_has_no_view_that_it_does_not_see(place: Place) -> None:
    made = table_of("distillation", full=False).rows[0].recipe
    recipe = trimmed(made)
    assert [stage.checkpoint_images for stage in recipe.stages] == [800, 1200]  # a quarter of each
    assert [cache.count for cache in recipe.caches] == [8000]
    assert [cache.views for cache in recipe.caches] == [cache.views for cache in made.caches]
    whole = row("a").recipe
    assert trimmed(whole).caches == whole.caches  # live views are from no cache
    assert place.workspace(row("a"), 0).recipe.stages[0].checkpoint_images == 1


def test_what_seeds_differ_by_anyway_is_no_difference(place: Place) -> None:
    rows = table(row("a"), row("same", "a"), row("better", "a"), row("worse", "a", also="the start"))
    for one, values in zip(rows.rows, ((20.0, 21.0), (20.5, 21.5), (25.0, 26.0), (15.0, 16.0)), strict=True):
        for seed, ap in enumerate(values):
            write_result(place, one, seed, ap)
    found = measured(rows, place)
    noise = noise_of(found)
    assert noise == Noise(deviation=pytest.approx(0.5**0.5), freedom=4)  # pairs 1 apart: variance 0.5 each
    # Student's t, 95 %, 4 degrees of freedom: 2.776; two means of two: sqrt(0.5) sqrt(1/2 + 1/2)
    assert noise.margin(2, 2) == pytest.approx(2.776 * 0.5**0.5, abs=1e-3)
    said = [sentence(one, found, noise) for one in found]
    assert said[0] == "what the others are compared with"
    assert said[1] == "+0.5 AP against a, within what seeds differ by (± 2.0): no difference seen"
    assert said[2] == "+5.0 AP against a (± 2.0): it helped"
    assert said[3] == "-5.0 AP against a (± 2.0): it did harm; what differs besides: the start"


def test_few_seeds_leave_more_to_chance() -> None:
    assert Noise(deviation=1.0, freedom=1).margin(2, 2) == pytest.approx(12.706, abs=1e-3)
    assert Noise(deviation=1.0, freedom=1000).margin(2, 2) == pytest.approx(1.962, abs=1e-3)


def test_seeds_that_happen_to_agree_claim_nothing(place: Place) -> None:
    rows = table(row("a"), row("b", "a"))
    for one, values in zip(rows.rows, ((20.0, 20.0), (20.1, 20.12)), strict=True):
        for seed, ap in enumerate(values):
            write_result(place, one, seed, ap)
    found = measured(rows, place)
    said = sentence(found[1], found, noise_of(found))
    assert said.startswith("+0.1 AP against a, but the seeds happen to differ by 0.01 AP: too little to tell")
    assert "helped" not in said


def test_one_seed_claims_nothing(place: Place) -> None:
    rows = table(row("a"), row("b", "a"), dead=True)
    write_result(place, rows.rows[0], 0, 20.0)
    write_result(place, rows.rows[1], 0, 24.0)
    found = measured(rows, place)
    speeds = Speeds(
        machine="a processor",
        load=0.5,
        timings=1000,
        rows={"b": {"onnxruntime": 8.0}},
        references={"large": Reference(text="a large one", mb=246.1, ms={"onnxruntime": 400.0})},
    )
    text = as_markdown(rows, found, speeds)
    head = "| row | what | AP | AP50 | AP small | person AP | dead channels % | dead weights % | MB fp32 |"
    assert f"{head} ms onnxruntime | FPS onnxruntime | did it help |" in text
    assert "+4.0 AP against a, one seed each: it cannot be said" in text
    assert "| a | step a | 20.0 | 30.0 | - | 15.0 | 2.00 | 0.07 | 1.0 | - | - |" in text
    assert "| b | step b | 24.0 | 34.0 | - | 19.0 | 2.00 | 0.07 | 1.0 | 8.0 | 125.0 |" in text
    assert "| large | a large one | - | - | - | - | - | - | 246.1 | 400.0 | 2.5 | not trained |" in text
    assert "3,200 images a row, 1 seed, float32 (cpu), 4 minutes in all" in text
    assert "SiLU and Mish have next to no such slopes by definition" in text
    assert "a processor, median of 1,000 by turns" in text
    assert draw(rows, found, place.out / "x.png").stat().st_size > 5000
    write_speeds(speeds, place.out)
    assert read_speeds(place.out) == speeds
    (place.out / "speeds.json").write_text('{"b": {"onnxruntime": 8.0}}')
    with pytest.raises(DataError, match=r"speeds\.json: not times of a table"):
        read_speeds(place.out)
    plain = as_markdown(replace(rows, dead=False), found)
    assert "dead" not in plain
    assert "| MB fp32 | did it help |" in plain


def test_rows_with_other_classes_are_compared_over_those_of_both(place: Place) -> None:
    rows = table(row("all"), row("fewer", "all"))
    write_result(place, rows.rows[0], 0, 20.0)
    write_result(place, rows.rows[1], 0, 30.0, classes={"car": {"AP": 27.0}, "bus": {"AP": None}})
    found = measured(rows, place)
    assert (found[0].counted, found[1].counted) == ({"person", "car"}, {"car"})
    assert sentence(found[1], found, None).startswith("+2.0 AP against all over the 1 classes of both")


def test_rows_that_were_not_trained_are_left_out(place: Place) -> None:
    rows = table(row("a"), row("b", "a"))
    assert measured(rows, place) == []
    write_result(place, rows.rows[1], 0, 24.0)
    write_result(place, rows.rows[1], 2, 24.0)
    found = measured(rows, place)
    assert [one.row.name for one in found] == ["b"]
    assert [result["seed"] for result in found[0].results] == [0, 2]
    assert sentence(found[0], found, None) == "a is missing"


def test_results_of_other_settings_are_not_mixed_in(place: Place) -> None:
    one, other = row("a"), row("b", "a")
    write_result(place, one, 0, 24.0)
    longer = replace(one, recipe=replace(one.recipe, stages=(replace(STAGE, images=6),)))
    with pytest.raises(DataError, match=r"a.seed-0: .*recipe\.stages\[0\]\.images is 4 there and 6 here"):
        measured(table(longer), place)
    write_result(place, other, 0, 24.0, data="elsewhere")
    with pytest.raises(DataError, match=r"b.seed-0: this row was trained otherwise: data is elsewhere there"):
        measured(table(one, other), place)


def test_rows_are_compared_in_one_precision(place: Place) -> None:
    rows = table(row("a"), row("b", "a"))
    write_result(place, rows.rows[0], 0, 24.0)
    with pytest.raises(DataError, match="row a, seed 0: precision is float32 there and bfloat16 here"):
        measured(rows, place, "bfloat16")  # before anything is trained
    write_result(place, rows.rows[1], 0, 24.0, precision="bfloat16", device="cuda")
    with pytest.raises(DataError, match="row b, seed 0: precision is bfloat16 there and float32 here"):
        measured(rows, place)
    own = table(rows.rows[0], replace(rows.rows[1], precision="bfloat16"))
    text = as_markdown(own, measured(own, place))
    assert "float32 (cpu): a, bfloat16 (cuda): b," in text
    assert place.machine_of(own.rows[1]).precision == "bfloat16"


def test_a_broken_result_is_named(place: Place) -> None:
    one = row("a")
    place.folder(one, 0).mkdir(parents=True)
    (place.folder(one, 0) / RESULT).write_text("{")
    with pytest.raises(DataError, match=r"seed-0.result\.json: not JSON"):
        measured(table(one), place)


def test_spread() -> None:
    assert spread([1.0, 2.0, 4.0]) == "2.3 ± 1.5"


@pytest.mark.timeout(900)  # exports take their time on a busy machine
def test_a_table_that_was_paused_goes_on_and_is_trained_once(tiny: TinyData, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    torch.manual_seed(0)
    write_tuned_start(weights / "start.safetensors")
    machine = Machine(processes=1, workers=0, watch=WatchConfig(evaluate=False))
    here = Place(data=tiny.folder, out=tmp_path / "out", weights=weights, machine=machine)
    rows = table(row("a"), references=("mobilenet-yolo",))
    with pytest.raises(PausedError, match="the same command goes on"):
        run_table(rows, replace(here, machine=replace(machine, stop_at_s=0.0)), seeds=1)
    stage = here.folder(rows.rows[0], 0) / "1-all"
    assert json.loads((stage / "checkpoint" / "latest.json").read_text())["step"] == 1
    run_table(rows, here, seeds=1)
    assert [line["step"] for line in read_journal(stage / "log.csv")] == [1, 2]
    found = measured(rows, here)
    (result,) = found[0].results
    assert result["images"] == 4
    assert result["parameters"] > 1_000_000
    assert (result["precision"], result["device"]) == ("float32", "cpu")
    assert result["dead"]["pictures"] == 12
    assert all(
        0 <= dead <= total > 0 for dead, total in (result["dead"]["channels"], result["dead"]["weights"])
    )
    stamp = (here.folder(rows.rows[0], 0) / RESULT).stat().st_mtime_ns
    run_table(rows, here, seeds=1)
    assert (here.folder(rows.rows[0], 0) / RESULT).stat().st_mtime_ns == stamp
    speeds = time_rows(rows, here, rounds=1)
    assert (set(speeds.rows), speeds.timings) == ({"a"}, 40)
    assert speeds.references["mobilenet-yolo"].mb > 1
    timed = [*speeds.rows.values(), speeds.references["mobilenet-yolo"].ms]
    assert all(ms > 0 for each in timed for ms in each.values())
    longer = replace(rows.rows[0], recipe=replace(row("a").recipe, stages=(replace(STAGE, images=6),)))
    with pytest.raises(DataError, match="images is 4 there and 6 here"):
        run_table(table(longer), here, seeds=1)


def test_a_table_pauses_and_shares_caches(tmp_path: Path) -> None:
    typed = ["table", "a", "--data", "d", "--out", "o", "--pause", "5", "--caches", str(tmp_path)]
    options = cli.parser().parse_args(typed)
    assert cli.machine_of(options).stop_at_s is not None
    assert options.caches == tmp_path


def test_caches_of_a_run_serve_the_rows_of_a_table(place: Place, tmp_path: Path) -> None:
    cached = replace(row("a").recipe, stages=(replace(STAGE, entry="taps"),))
    one = replace(row("a"), recipe=cached)
    shared = replace(place, caches=tmp_path / "run")
    space = shared.workspace(one, 0)
    config = space.recipe.caches[0]
    assert config.used == 4
    assert space.cache_folder(config).parent == tmp_path / "run"
    assert space.cache_folder(config).name.startswith("cache-96x64-")
    run = replace(space, out=tmp_path / "run", caches=None)  # as `train` keeps its own, all of it
    folder = run.cache_folder(CACHE)
    FeatureCache.create(folder, CACHE, len(LABELS.labels), run._made_of(CACHE))
    assert space.cache_folder(config) == folder


@pytest.mark.parametrize("full", [False, True], ids=["small", "full"])
@pytest.mark.parametrize("name", TABLES)
def test_rows_of_a_table_see_as_many_images(name: str, full: bool) -> None:
    made = table_of(name, full=full)
    assert len(made.rows) > 3
    images = {sum(stage.images for stage in one.recipe.stages) for one in made.rows}
    assert len(images) == 1, "a row that sees more pictures gains by that"
    shorter = made.with_budget(400)
    assert {sum(stage.images for stage in one.recipe.stages) for one in shorter.rows} <= {399, 400, 401}


def test_a_larger_budget_of_a_table_has_a_view_for_each_image() -> None:
    made = table_of("a", full=False)
    for before, after in zip(made.rows, made.with_budget(64_000).rows, strict=True):
        assert before.recipe.caches[0].count == sum(seen_of_caches(before.recipe)) == 6_400
        assert after.recipe.caches[0].count == sum(seen_of_caches(after.recipe)) == 64_000


@pytest.mark.parametrize("full", [False, True], ids=["small", "full"])
def test_pasted_pictures_make_rows_of_paper_a(full: bool) -> None:
    made = {
        folders: {one.name: one for one in table_of("a", full=full, **dict(folders)).rows}
        for folders in (
            (),
            (("gan_pictures", "drawn"),),
            (("gan_pictures", "drawn"), ("real_pictures", "real")),
        )
    }
    none, alone, both = made.values()
    assert (set(alone) - set(none), set(both) - set(none)) == ({"gan"}, {"gan", "pasted"})
    gan, before = alone["gan"], alone[alone["gan"].against]
    assert gan.recipe.added == ("drawn",)
    assert replace(gan.recipe, added=()) == before.recipe, "they differ in nothing but these pictures"
    assert "shares of their sources" in gan.also  # which more pictures bring along
    assert both["pasted"].against == gan.against
    assert both["pasted"].recipe == replace(before.recipe, added=("real",))
    assert (both["gan"].against, both["gan"].also) == ("pasted", "")
    with pytest.raises(ConfigError, match="--real-pictures are for table a"):
        table_of("b", full=full, real_pictures="real")


def test_data_steps_are_alone_in_their_rows() -> None:
    rows = {one.name: one.recipe for one in table_of("a", full=False).rows}
    assert replace(rows["balanced"], balance=rows["base"].balance) == rows["base"]
    assert replace(rows["denoised"], denoise=None) == rows["base"]
    assert replace(rows["separable"], model=rows["base"].model) == rows["base"]


def test_the_width_is_alone_in_its_row() -> None:
    rows = {one.name: one for one in table_of("a", full=False).rows}
    narrow, wide = rows["width-0.75"], rows["width-1.0"]
    assert narrow.against == "width-1.0"
    assert replace(narrow.recipe, model=replace(narrow.recipe.model, width=1.0)) == wide.recipe
    assert wide.recipe.start == ""
    assert rows["v1-x0.75"].also == "the start"
    for one, channels in ((narrow, (24, 72, 240)), (wide, (32, 96, 320))):
        with torch.device("meta"):
            network = Detector(ImitationConfig(of=one.recipe.model))
        assert network.backbone.channels == channels


def test_group_5_is_group_4_taught_by_the_row_before_it(tmp_path: Path) -> None:
    rows = {one.name: one for one in table_of("b", full=False).rows}
    place = Place(data=tmp_path, out=tmp_path / "out")
    recipe = place.workspace(rows["group5"], 1).recipe
    assert recipe.larger is not None
    assert recipe.larger.recipe == rows["teacher"].recipe.name
    assert recipe.larger.weights == str(tmp_path / "out" / "teacher" / "seed-1" / "weights.safetensors")
    assert recipe.model == rows["group4"].recipe.model

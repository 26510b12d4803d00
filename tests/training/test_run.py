# ruff: noqa: E402 - what needs torch is imported after the skip
"""A whole run on made-up pictures: live views, training, evaluation, export, int8, cards, shipping."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from safetensors.torch import save_file

from surveil.detect.card import load_card, sha256_of
from surveil.errors import OutputError
from tests.training.tiny import CACHE, LABELS, SIZE, TinyData
from tests.training.tiny_families import LITE_V2, YOLO
from training import cli, files
from training import finish as finish_module
from training import workspace as workspace_module
from training.data.plan import AugmentConfig
from training.engine.config import Machine, StageConfig
from training.engine.stage import StageJob
from training.errors import ConfigError, ExportError, TrainingError
from training.export.card import CardTexts, build_card
from training.export.int8 import Int8Config
from training.export.sensitivity import LAST, Errors, GroupError, Sensitivity
from training.finish import Finished, export_int8, finish, finish_int8, int8_facts, ship, ship_int8
from training.models.backbone import MobileNetV2
from training.models.detector import Detector, load_model, save_model
from training.models.shapes import DetectorConfig, HybridConfig
from training.recipes import RECIPES, recipe
from training.workspace import Workspace

TALL = (96, 64)
STAGE = StageConfig(
    name="all", entry="image", trains=("low", "high", "rest"), images=8, batch=2, average_every=2, log_steps=2
)


@pytest.fixture(scope="module")
def space(tiny: TinyData, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose recipe needs no teacher and whose start is random."""
    torch.manual_seed(0)
    convs = [m for m in MobileNetV2().modules() if isinstance(m, torch.nn.Conv2d)]
    start = {f"{k:02}_conv.{n}": t.half() for k, m in enumerate(convs) for n, t in m.state_dict().items()}
    weights = tmp_path_factory.mktemp("weights")
    save_file(start, weights / "start.safetensors")
    tiny_recipe = replace(
        recipe("mobilenetv2-gfl-320"),
        ships="tiny",
        labels=LABELS,
        model=HybridConfig(classes=len(LABELS.labels), width=16, depth=1),
        caches=(CACHE, replace(CACHE, size=TALL)),
        aliases=(("tall", TALL),),
        augment=AugmentConfig(mosaic=0.5),
        stages=(STAGE,),
        start="start.safetensors",
        teachers=(),
        int8=Int8Config(images=4, max_loss=100.0, probe=2),
    )
    return Workspace(
        recipe=tiny_recipe, data=tiny.folder, out=tmp_path_factory.mktemp("run"), weights=weights
    )


def two_groups() -> Sensitivity:
    """What was measured of a model of two groups of layers."""
    little, much = Errors(scores=0.1, boxes=0.001), Errors(scores=0.3, boxes=0.003)
    rows = tuple(GroupError(group=g, layers=1, alone=little, in_float=much) for g in ("neck", "head"))
    return Sensitivity(everything=much, groups=rows, names={"neck": (), "head": ()})


@pytest.mark.timeout(900)  # ONNX Runtime quantises slowly on a busy machine
def test_train_finish_and_ship(space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = two_groups()
    # fifteen quantisations of seconds each; tests/training/test_sensitivity.py runs it on a small graph
    monkeypatch.setattr(finish_module, "measure", lambda *_: measured)
    machine = Machine(processes=2, workers=0)  # live views are drawn for one of them
    weights = space.train(machine)
    assert weights == space.final_weights
    stamp = weights.stat().st_mtime_ns
    assert space.train(machine).stat().st_mtime_ns == stamp  # it had ended: nothing is done again
    model, files = finish(space, weights)
    ship(files, tmp_path / "models")
    ship(finish_int8(space, weights, model), tmp_path / "models")
    names = sorted(p.name for p in (tmp_path / "models").iterdir())
    cards = ["tall", "tall-int8", "tiny", "tiny-int8"]
    assert names == sorted([*(f"{name}.json" for name in cards), "tiny-int8.onnx", "tiny.onnx"])
    for name in cards:
        card = load_card(tmp_path / "models" / f"{name}.json")
        assert card.name == name
        assert card.sha256 == sha256_of(tmp_path / "models" / card.file)
        assert card.input.shapes == ((TALL, SIZE) if name.startswith("tall") else (SIZE, TALL))
        assert card.labels.names == LABELS.labels
        assert card.training["data_hash"] == space.data_hash
        assert card.training["stages"]["all"]["images"] == 8
        for size in ("96x64", "64x96"):
            assert card.measured["ap"][size]["mean"].keys() == {"AP", "AP50", "AP75", "APs", "APm", "APl"}
        assert {row["input"] for row in card.measured["latency"]} == {"96x64", "64x96"}
        assert all(row["median_ms"] > 0 for row in card.measured["latency"])
        assert card.measured["parameters"] > 1e6
        assert any("val2017" in note for note in card.measured["notes"])
    small = load_card(tmp_path / "models" / "tiny-int8.json").measured["int8"]
    assert small["kept_in_float"][0].startswith("decoding")
    assert small["mean_ap_lost"].keys() == {"96x64", "64x96"}
    assert small["mean_errors"] == measured.to_json()
    assert "warning" not in small
    exact = load_card(tmp_path / "models" / "tiny.json").measured["torch_parity"]
    assert max(exact["96x64"]["scores"], exact["64x96"]["boxes"]) <= 1e-3


@pytest.mark.parametrize("shape", [YOLO, LITE_V2], ids=["yolo", "lite-gfl2"])
def test_a_papers_model_is_exported_judged_and_carded(
    space: Workspace, shape: DetectorConfig, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    made = replace(space.recipe, model=shape, ships="paper", aliases=(), int8=None)
    papers = replace(space, recipe=made, out=tmp_path, images=space.out)
    weights = tmp_path / "random.safetensors"
    save_model(Detector(shape), weights)
    model, files = finish(papers, weights)
    assert [file.name for file in files] == ["paper.onnx", "paper.json"]
    assert set(model.judged) == {SIZE, TALL}
    card = load_card(files[1])
    assert card.output == "surveil"
    assert card.sha256 == sha256_of(files[0])
    assert card.training["weights"] == "random.safetensors, not trained by this run"
    assert card.measured["torch_parity"]["96x64"]["scores"] <= 1e-3
    with pytest.raises(ConfigError, match="has no int8 form"):
        finish_int8(papers, weights, model)


def test_a_cache_without_a_teacher_is_refused(space: Workspace) -> None:
    stage = replace(STAGE, entry="taps", trains=("rest",))
    cached = replace(space, recipe=replace(space.recipe, stages=(stage,)))
    with pytest.raises(TrainingError, match="needs a dense teacher"):
        cached.fill_cache(cached.recipe.caches[0], processes=1)


@pytest.mark.parametrize("init", ["", "model.safetensors"])
def test_the_first_stage_begins_where_the_recipe_says(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: str
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in filter(None, ("start.safetensors", init)):
        (weights / name).write_bytes(b"not read here")
    begun: list[Path | None] = []

    def remember(job: StageJob, group: object) -> Path:
        begun.append(job.init)
        return job.out / "model.safetensors"

    monkeypatch.setattr(workspace_module, "run_stage", remember)
    stages = (STAGE, replace(STAGE, name="more"))
    twice = replace(space, recipe=replace(space.recipe, stages=stages, init=init), weights=weights)
    twice.train(Machine(processes=1, workers=0))
    assert begun == [weights / init if init else None, twice.stage_folder(0) / "model.safetensors"]


def test_what_is_kept_of_the_init_is_blended_in(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, shape = tmp_path / "weights", space.recipe.model
    weights.mkdir()
    (weights / "start.safetensors").write_bytes(b"not read here")
    torch.manual_seed(0)
    init, trained = Detector(shape), Detector(shape)
    save_model(init, weights / "init.safetensors")

    def end(job: StageJob, group: object) -> Path:
        job.out.mkdir(parents=True, exist_ok=True)
        save_model(trained, job.out / "model.safetensors")
        return job.out / "model.safetensors"

    monkeypatch.setattr(workspace_module, "run_stage", end)
    recipe_of = replace(space.recipe, init="init.safetensors", keep=0.25)
    blended = replace(space, recipe=recipe_of, weights=weights, out=tmp_path / "run", images=space.out)
    file = blended.train(Machine(processes=1, workers=0))
    assert file == blended.final_weights
    values = [model.head.out[0].weight for model in (load_model(file, shape), init, trained)]
    assert torch.allclose(values[0], 0.25 * values[1] + 0.75 * values[2], atol=1e-6)
    with pytest.raises(ConfigError, match="keep is a share"):
        replace(space.recipe, keep=0.5)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_are_complete(name: str) -> None:
    made = recipe(name)
    assert made.name == name
    assert made == recipe(name)
    assert made.model.classes == len(made.labels.labels)
    named = re.search(r"-(\d{3})", made.ships)
    side = int(named[1]) if named else 320
    assert made.sizes[0] == (side, side)
    assert all(s.images > 0 for s in made.stages)


def test_the_command_line_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "python -m training train mobilenetv2-gfl-320 --data" in out
    for command in ("train", "cache", "evaluate", "failures", "export", "inspect"):
        assert command in out


def test_the_command_line_reports_errors_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["mobilenetv2-gfl-320", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert cli.main(["train", *options]) == 2
    assert "no val.json there" in capsys.readouterr().err  # what judges is read first
    assert cli.main(["export", *options, "--weights-file", str(tmp_path / "none")]) == 2


def test_a_recipe_names_caches_that_are_there(space: Workspace) -> None:
    with pytest.raises(TrainingError, match="counted from 0"):
        replace(space.recipe, stages=(replace(STAGE, caches=(0, 2)),))
    with pytest.raises(TrainingError, match="all different"):
        replace(space.recipe, caches=(CACHE, replace(CACHE, seed=9)))
    with pytest.raises(TrainingError, match="not one of"):
        replace(space.recipe, aliases=(("huge", (640, 640)),))


def test_what_cannot_ship_says_where(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "models").write_text("a file in the way")
    with pytest.raises(OutputError, match=r"model.onnx: cannot be written"):
        ship([tmp_path / "model.onnx"], tmp_path / "models")


def scored(*figures: float) -> Finished:
    """A model with these means of AP at 320 and 416."""
    shapes = ((320, 320), (416, 416))
    judged = {
        shape: SimpleNamespace(evaluation=SimpleNamespace(mean=(figure,)))
        for shape, figure in zip(shapes, figures, strict=True)
    }
    return Finished(path=Path("float.onnx"), judged=judged)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("losses", "kept", "warning"),
    [
        ([(0.1, 0.3)], [], None),  # what is allowed is allowed
        ([(0.1, 0.304), (0.2, 0.1)], ["neck"], None),  # 0.304 is not 0.3
        ([(0.4, 0.1), (0.35, 0.0), (0.31, 0.0)], ["neck", "head"], "0.310 of mean AP at 320x320"),
    ],
)
def test_layers_stay_in_float_while_int8_loses_too_much(
    space: Workspace,
    losses: list[tuple[float, float]],
    kept: list[str],
    warning: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = iter([scored(52 - a, 55 - b) for a, b in losses])
    measured = two_groups()
    monkeypatch.setattr(finish_module, "letterboxed", lambda *_: [])
    monkeypatch.setattr(finish_module, "calibrate", lambda *_: None)
    monkeypatch.setattr(finish_module, "measure", lambda *_: measured)
    monkeypatch.setattr(finish_module, "quantise", lambda *_: None)
    monkeypatch.setattr(finish_module, "judge_sizes", lambda *_: next(tries))
    strict = replace(space, recipe=replace(space.recipe, int8=Int8Config(max_loss=0.3, float_groups=5)))
    _, facts = export_int8(strict, scored(52, 55))
    assert facts["int8"]["kept_in_float"][1:] == kept
    assert next(tries, None) is None
    if warning is None:
        assert "warning" not in facts["int8"]
    else:
        assert warning in facts["int8"]["warning"]
        assert facts["int8"]["warning"] in caplog.text


def test_the_last_layers_of_anchor_heads_stand_on_the_card(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def remember(*arguments: object) -> Sensitivity:
        asked.append(arguments[-1])
        return replace(two_groups(), names={"neck": ("n",), "head": ("h",), LAST: ("o",)}, always=(LAST,))

    quantised: list[object] = []
    monkeypatch.setattr(finish_module, "letterboxed", lambda *_: [])
    monkeypatch.setattr(finish_module, "calibrate", lambda *_: None)
    monkeypatch.setattr(finish_module, "measure", remember)
    monkeypatch.setattr(finish_module, "quantise", lambda *arguments: quantised.append(arguments[-1]))
    monkeypatch.setattr(finish_module, "judge_sizes", lambda *_: scored(52, 55))
    yolo = replace(space, recipe=replace(space.recipe, model=YOLO, stages=(STAGE,)))
    _, facts = export_int8(yolo, scored(52, 55))
    assert asked == [(LAST,)]
    assert quantised == [["o"]]
    assert facts["int8"]["kept_in_float"][1:] == [LAST]


def test_int8_that_loses_too_much_does_not_ship(tmp_path: Path) -> None:
    made, card = tmp_path / "tiny-int8.onnx", tmp_path / "tiny-int8.json"
    made.write_bytes(b"model")
    texts = CardTexts(labels_name="three", licence="Apache-2.0", credits=("someone",), notes=())
    plain = build_card(made, texts, ("a",), ((64, 96),))
    for lost in (0.3, 0.6):
        facts = int8_facts(two_groups(), (), {"96x64": lost}, 4, Int8Config())
        replace(plain, measured={"int8": facts}).save(card)
        if lost < 0.5:
            ship_int8([made, card], tmp_path / "models")
        else:
            with pytest.raises(ExportError, match=r"does not ship: int8 loses 0\.600 of mean AP at 96x64"):
                ship_int8([made, card], tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "models" / "tiny-int8.onnx").read_bytes() == b"model"


def test_a_full_disk_ships_nothing_by_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "model.onnx").write_bytes(b"before")
    (tmp_path / "model.onnx").write_bytes(b"after")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        ship([tmp_path / "model.onnx"], models)
    assert [(file.name, file.read_bytes()) for file in models.iterdir()] == [("model.onnx", b"before")]

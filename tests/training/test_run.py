# ruff: noqa: E402 - what needs torch is imported after the skip
"""A whole run on made-up pictures: live views, training, evaluation, export, int8, cards, shipping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from safetensors.torch import save_file

from surveil.detect.card import load_card, sha256_of
from tests.training.tiny import CACHE, LABELS, SIZE, TinyData
from training import cli
from training.data.plan import AugmentConfig
from training.engine.config import Machine, StageConfig
from training.errors import TrainingError
from training.export.int8 import Int8Config
from training.finish import finish, finish_int8, ship
from training.models.backbone import MobileNetV2
from training.models.detector import ModelConfig
from training.recipes import RECIPES, recipe
from training.workspace import Workspace

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
        model=ModelConfig(classes=len(LABELS.labels), width=16, depth=1),
        caches=(CACHE,),
        augment=AugmentConfig(mosaic=0.5),
        stages=(STAGE,),
        start="start.safetensors",
        teachers=(),
        int8=Int8Config(images=4, max_loss=100.0),
    )
    return Workspace(
        recipe=tiny_recipe, data=tiny.folder, out=tmp_path_factory.mktemp("run"), weights=weights
    )


@pytest.mark.timeout(400)  # ONNX Runtime quantises slowly on a busy machine
def test_train_finish_and_ship(space: Workspace, tmp_path: Path) -> None:
    machine = Machine(processes=1, workers=0)
    weights = space.train(machine)
    assert weights == space.final_weights
    stamp = weights.stat().st_mtime_ns
    assert space.train(machine).stat().st_mtime_ns == stamp  # it had ended: nothing is done again
    model = finish(space, weights)
    for finished in (model, finish_int8(space, weights, model)):
        ship(finished, tmp_path / "models")
    names = sorted(p.name for p in (tmp_path / "models").iterdir())
    assert names == ["tiny-int8.json", "tiny-int8.onnx", "tiny.json", "tiny.onnx"]
    for name in ("tiny", "tiny-int8"):
        card = load_card(tmp_path / "models" / f"{name}.json")
        assert card.sha256 == sha256_of(tmp_path / "models" / card.file)
        assert card.input.shapes == (SIZE,)
        assert card.labels.names == LABELS.labels
        assert card.training["data_hash"] == space.data_hash
        assert card.training["stages"]["all"]["images"] == 8
        assert {"AP", "AP50", "AP75", "APs", "APm", "APl"} == card.measured["ap"]["mean"].keys()
        assert card.measured["latency"]["median_ms"] > 0
        assert any("val2017" in note for note in card.measured["notes"])


def test_a_cache_without_a_teacher_is_refused(space: Workspace) -> None:
    stage = replace(STAGE, entry="taps", trains=("rest",))
    cached = replace(space, recipe=replace(space.recipe, stages=(stage,)))
    with pytest.raises(TrainingError, match="needs a dense teacher"):
        cached.fill_cache(cached.recipe.caches[0], processes=1)


def test_live_views_need_one_process(space: Workspace) -> None:
    with pytest.raises(TrainingError, match="one process"):
        replace(space, out=space.out / "two", images=space.out).train(Machine(processes=2, workers=0))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_are_complete(name: str) -> None:
    made = recipe(name)
    assert made.name == name
    assert made == recipe(name)
    assert made.model.classes == len(made.labels.labels)
    assert made.sizes[0] == (320, 320)
    assert np.prod([s.images for s in made.stages]) > 0


def test_the_command_line_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "python -m training train mobilenetv2-gfl-320 --data" in out
    for command in ("train", "cache", "evaluate", "export", "inspect"):
        assert command in out


def test_the_command_line_reports_errors_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["mobilenetv2-gfl-320", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert cli.main(["train", *options]) == 2
    assert "no train.json there" in capsys.readouterr().err
    assert cli.main(["export", *options, "--weights-file", str(tmp_path / "none")]) == 2


def test_a_recipe_names_caches_that_are_there(space: Workspace) -> None:
    with pytest.raises(TrainingError, match="counted from 0"):
        replace(space.recipe, stages=(replace(STAGE, caches=(0, 1)),))
    with pytest.raises(TrainingError, match="all different"):
        replace(space.recipe, caches=(CACHE, replace(CACHE, seed=9)))

# ruff: noqa: E402 - what needs torch is imported after the skip
"""`--start`: another public start of a recipe's backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import save_file

from tests.training.test_starts import STAGES, as_timm
from tests.training.tiny import CACHE, TinyData
from tests.training.tiny_families import write_tuned_start
from training import cli
from training.cli import adapted, parser
from training.errors import CheckpointError, ConfigError
from training.models.efficientnet_lite import EfficientNetLite
from training.recipes import recipe
from training.recipes import start as start_module
from training.recipes.recipe import Recipe
from training.recipes.start import with_start
from training.workspace import Workspace

NAME = "efficientnet_lite0.ra_in1k.safetensors"


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lite0 with random weights as timm stores it."""
    path = tmp_path_factory.mktemp("timm") / NAME
    save_file(as_timm(EfficientNetLite(0), STAGES["lite"][0]), path)
    return path


def made_of(*options: str, tiny: TinyData, out: Path) -> Recipe:
    """The recipe that the command line makes of options."""
    named = ["--data", str(tiny.folder), "--out", str(out)]
    return adapted(parser().parse_args(["train", *options, *named]))


def test_a_start_takes_the_place_of_the_recipes_own_and_of_imitation(
    lite0: Path, tiny: TinyData, tmp_path: Path
) -> None:
    before = recipe("efficientlite0-gfl-320")
    made = made_of(
        "efficientlite0-gfl-320", "--start", str(lite0), "--budget", "960", tiny=tiny, out=tmp_path
    )
    assert made.start == str(lite0)
    assert [stage.name for stage in made.stages] == ["head", "upper"]
    assert sum(stage.images for stage in made.stages) == 960
    assert (made.imitated, made.features) == ("", before.features)
    assert made.texts.credits[0] == f"Backbone start: {NAME}"
    assert not [line for line in made.texts.credits[1:] if line.startswith(("Backbone", "Features"))]
    assert len(made.texts.credits) == len(before.texts.credits) - 1
    space = Workspace(recipe=made, data=tiny.folder, out=tmp_path)
    assert space.weight_file(made.start) == lite0


def test_a_name_of_the_hub_is_fetched_to_the_weights(
    lite0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(start_module, "fetch_weights", lambda *given: asked.append(given) or lite0)
    made = with_start(recipe("paper-b-group1"), "hf:timm/efficientnet_lite0.ra_in1k", tmp_path)
    assert asked == [("timm/efficientnet_lite0.ra_in1k", tmp_path)]
    assert made.start == str(lite0)
    assert made.stages == recipe("paper-b-group1").stages
    assert made.texts.credits[0] == "Backbone start: timm/efficientnet_lite0.ra_in1k of Hugging Face"


def test_a_start_that_does_not_fit_is_said_before_anything_is_done(
    lite0: Path, tiny: TinyData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckpointError, match=r"timm's, .*are for networks with batch norms"):
        with_start(recipe("mobilenetv2-gfl-320"), str(lite0))
    with pytest.raises(CheckpointError, match="does not fit EfficientNetLite"):
        with_start(recipe("efficientlite1-gfl-416"), str(lite0))
    with pytest.raises(ConfigError, match="goes on from the whole model"):
        with_start(recipe("mobilenetv2-gfl-320-tuned"), str(lite0))
    options = ["--data", str(tiny.folder), "--out", str(tmp_path / "run"), "--start", "none.safetensors"]
    assert cli.main(["train", "efficientlite0-gfl-320", *options]) == 2
    assert "none.safetensors: not a safetensors file that can be read" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_caches_of_another_start_are_others(tiny: TinyData, tmp_path: Path) -> None:
    """Its features fill the caches, and the run's folder does not tell it from the recipe's own."""
    tuned = write_tuned_start(tmp_path / "tuned.safetensors")
    plain = Workspace(recipe=recipe("mobilenetv2-gfl-320"), data=tiny.folder, out=tmp_path)
    assert "start" not in plain._made_of(CACHE)
    given = Workspace(recipe=with_start(plain.recipe, str(tuned)), data=tiny.folder, out=tmp_path)
    assert given._made_of(CACHE) == plain._made_of(CACHE) | {"start": given._made_of(CACHE)["start"]}
    assert len(given._made_of(CACHE)["start"]) == 64

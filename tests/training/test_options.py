"""Other teachers and another start for a recipe, from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.errors import ConfigError
from training.options import add_starts, with_starts
from training.recipes import recipe
from training.recipes.recipe import Recipe


def changed(name: str, *typed: str) -> Recipe:
    """A recipe with what was typed."""
    parser = ArgumentParser()
    add_starts(parser)
    return with_starts(recipe(name), parser.parse_args(typed))


def test_without_options_nothing_changes() -> None:
    for name in ("mobilenetv2-gfl-320-live", "mobilenetv2-gfl-320-tuned"):
        assert changed(name) == recipe(name)


def test_live_views_take_other_teachers() -> None:
    one = changed("mobilenetv2-gfl-320-live", "--teachers", "picodet_s_416_coco.onnx")
    assert one.teachers == ("picodet_s_416_coco.onnx",)
    both = changed("mobilenetv2-gfl-320-live", "--teachers", "b.onnx, a.onnx")
    assert both.teachers == ("b.onnx", "a.onnx")
    assert changed("mobilenetv2-gfl-320-live", "--teachers", "none").teachers == ()


def test_caches_hold_what_their_own_teacher_said() -> None:
    with pytest.raises(ConfigError, match="stage head learns from caches"):
        changed("mobilenetv2-gfl-320", "--teachers", "nanodet_plus_m_416.onnx")
    same = changed("mobilenetv2-gfl-320", "--teachers", "picodet_s_416_coco.onnx")
    assert same == recipe("mobilenetv2-gfl-320")


def test_a_file_that_is_here_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert changed("own", "--init", "model.safetensors").init == str(tmp_path / "model.safetensors")
    assert changed("own", "--init", "hybrid_study.safetensors").init == "hybrid_study.safetensors"


def test_equation_5_learns_from_boxes_alone() -> None:
    modern, paper = recipe("mobilenet-yolo-320-live"), recipe("mobilenet-yolo-320-live-equation5")
    assert paper.model.reach == 1
    assert paper.teachers == ()
    assert [stage.images for stage in paper.stages] == [stage.images for stage in modern.stages]
    assert {type(stage.loss).__name__ for stage in paper.stages} == {"YoloV3Config"}

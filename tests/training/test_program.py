"""The detector as a program of torch.export, as the application runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surveil.detect.assets import find_model
from surveil.detect.open import open_detector
from training.export.fold import fold, round_to_half
from training.export.graph import Deployed
from training.export.program import main
from training.models.detector import Detector, save_model
from training.recipes import recipe

RECIPE = "mobilenetv2-gfl-320"


def test_a_wrong_name_is_said_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--weights-file",
        "none.safetensors",
        "--card",
        "none.json",
        "--out",
        str(tmp_path / "a.onnx"),
    ]
    assert main([RECIPE, *arguments]) == 2
    assert "a program's name ends in .pt2" in capsys.readouterr().err


def test_weights_that_are_not_there_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = find_model(RECIPE).path.with_suffix(".json")
    arguments = ["--weights-file", "none.safetensors", "--card", str(card), "--out", str(tmp_path / "a.pt2")]
    assert main([RECIPE, *arguments]) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_application_computes_what_torch_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Detector(recipe(RECIPE).model).eval()
    weights, out = tmp_path / "w.safetensors", tmp_path / "net-torch.pt2"
    save_model(model, weights)
    card = find_model(RECIPE).path.with_suffix(".json")
    assert main([RECIPE, "--weights-file", str(weights), "--card", str(card), "--out", str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "net-torch.json",
        "net-torch.pt2",
        weights.name,
    ]
    detector = open_detector(str(out), device="cpu", runtime="torch")
    assert detector.card.name == "net-torch"
    deployed = Deployed(round_to_half(fold(model))).eval()
    for shape in ((1, 320, 320, 3), (2, 256, 416, 3), (1, 416, 416, 3)):
        picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        with torch.no_grad():
            wanted = deployed(torch.from_numpy(picture))
        for got, want in zip(detector.network.run(picture), wanted, strict=True):
            assert np.abs(got - want.numpy()).max() <= 1e-3

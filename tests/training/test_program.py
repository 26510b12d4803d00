# ruff: noqa: E402 - what needs torch is imported after the skip
"""The detector as a program of torch.export, as the application runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")

from surveil.detect.assets import find_model
from surveil.detect.devices import parse_device
from surveil.detect.open import open_detector
from surveil.detect.program import read_program
from surveil.detect.runner import NetworkConfig
from surveil.detect.torch_runner import open_torch
from surveil.errors import ModelError, OutputError
from tests.training.tiny_families import LITE, LITE_V2, YOLO
from training import files
from training.cli import main
from training.deploy import program as deploy_program
from training.errors import ExportError
from training.export.fold import fold, round_to_half
from training.export.graph import Deployed
from training.export.program import OUTPUTS, export_program, save_program
from training.models.activations import ACTIVATIONS, activation
from training.models.detector import Detector, save_model
from training.models.shapes import DetectorConfig
from training.recipes import recipe

RECIPE = "mobilenetv2-gfl-320"
FAMILIES = {"yolo": YOLO, "lite": LITE, "lite-gfl2": LITE_V2}


def network(path: Path, size: tuple[int, int] = (128, 160)) -> object:
    """A program in the hands of the application."""
    config = NetworkConfig(path=path, shape=(1, *size, 3), device=parse_device("cpu"), threads=1)
    return open_torch(config)


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.onnx", "--out", "a.onnx"], "a program's name ends in .pt2"),
        ([RECIPE, "--out", "a.pt2"], "name --weights-file and --card, or give an exported .onnx"),
        (["m.onnx", "--weights-file", "w", "--out", "a.pt2"], "m.onnx has weights"),
        (["none.onnx", "--out", "a.pt2"], "none.onnx: no such model file"),
    ],
)
def test_what_cannot_be_written_is_said(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["program", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_there_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = find_model(RECIPE).path.with_suffix(".json")
    arguments = ["--weights-file", "none.safetensors", "--card", str(card), "--out", str(tmp_path / "a.pt2")]
    assert main(["program", RECIPE, *arguments]) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


class Small(torch.nn.Module):
    """A convolution, every activation, and the steps of both papers that are their own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(8, 8, 1) for _ in ACTIVATIONS)
        self.acts = torch.nn.ModuleList(activation(name) for name in ACTIVATIONS)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.cat([image.permute(0, 3, 1, 2).float() / 255] * 3, 1)[:, :8]
        for layer, act in zip(self.layers, self.acts, strict=True):
            x = act(layer(x))
        top = x.reshape(x.shape[0], 2, 4, -1).softmax(2).topk(2, dim=2).values
        return x + x.mean((2, 3), keepdim=True), torch.cat([top, top.mean(2, keepdim=True)], 2)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Path]:
    """`Small` with random weights, and its program."""
    torch.manual_seed(0)
    module, path = Small().eval(), tmp_path_factory.mktemp("small") / "small.pt2"
    with torch.no_grad():
        save_program(torch.export.export(module, (torch.from_numpy(pictures(1, 32, 32)),)), path, OUTPUTS)
    return module, path


def test_every_activation_and_the_papers_own_steps_are_carried_out(small: tuple[Small, Path]) -> None:
    module, path = small
    with torch.no_grad():
        wanted = module(torch.from_numpy(pictures(1, 32, 32)))
    for got, want in zip(network(path, (32, 32)).run(pictures(1, 32, 32)), wanted, strict=True):
        assert np.abs(got - want.numpy()).max() < 1e-5
    topk = next(step for step in read_program(path).steps if "topk" in step.op)
    assert len(topk.outputs) == 2


@pytest.mark.gpu
def test_cuda_computes_what_the_cpu_computes(small: tuple[Small, Path]) -> None:
    x = pictures(1, 32, 32)
    config = NetworkConfig(path=small[1], shape=x.shape, device=parse_device("cuda"))
    cuda, cpu = open_torch(config), network(small[1], (32, 32))
    for _ in range(2):  # the second time from the recorded graph
        for got, want in zip(cuda.run(x), cpu.run(x), strict=True):
            assert np.abs(got - want).max() < 1e-3


def test_a_full_disk_leaves_what_was_there(
    small: tuple[Small, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "small.pt2"
    path.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    program = torch.export.export(small[0], (torch.from_numpy(pictures(1, 32, 32)),))
    with pytest.raises(OutputError, match="No space left"):
        save_program(program, path, OUTPUTS)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("small.pt2", b"before")]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_runs_as_a_program(family: str, act: str, tmp_path: Path) -> None:
    shape: DetectorConfig = replace(FAMILIES[family], act=act)
    torch.manual_seed(0)
    deployed = Deployed(round_to_half(fold(Detector(shape).eval()))).eval()
    out = tmp_path / "family.pt2"
    export_program(deployed, out)
    found = network(out)
    for size in ((1, 128, 160), (2, 256, 128)):
        with torch.no_grad():
            wanted = deployed(torch.from_numpy(pictures(*size)))
        for got, want in zip(found.run(pictures(*size)), wanted, strict=True):
            assert got.shape == want.shape
            assert np.abs(got - want.numpy()).max() < 1e-3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_application_computes_what_torch_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Detector(recipe(RECIPE).model).eval()
    weights, out = tmp_path / "w.safetensors", tmp_path / "net-torch.pt2"
    save_model(model, weights)
    card = find_model(RECIPE).path.with_suffix(".json")
    arguments = ["--weights-file", str(weights), "--card", str(card), "--out", str(out)]
    assert main(["program", RECIPE, *arguments]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "net-torch.json",
        "net-torch.pt2",
        weights.name,
    ]
    detector = open_detector(str(out), device="cpu", runtime="torch")
    assert detector.card.name == "net-torch"
    deployed = Deployed(round_to_half(fold(model))).eval()
    for size in ((1, 320, 320), (2, 256, 416), (1, 416, 416)):
        with torch.no_grad():
            wanted = deployed(torch.from_numpy(pictures(*size)))
        for got, want in zip(detector.network.run(pictures(*size)), wanted, strict=True):
            assert np.abs(got - want.numpy()).max() <= 1e-3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_ships_becomes_a_program_from_its_onnx_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped, out = find_model(RECIPE), tmp_path / "net-torch.pt2"
    assert main(["program", str(shipped.path), "--out", str(out)]) == 0
    assert f"--model {out} --runtime torch" in capsys.readouterr().out
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["labels"]["names"] == list(shipped.card.labels.names)
    assert "latency" not in card["measured"]
    x = pictures(1, 320, 320)
    exact = open_detector(str(shipped.path), device="cpu", runtime="onnxruntime")
    program = open_detector(str(out), device="cpu", runtime="torch")
    both = [dict(zip(d.network.outputs, d.network.run(x), strict=True)) for d in (exact, program)]
    assert np.abs(both[0]["scores"] - both[1]["scores"]).max() < 1e-3
    assert np.abs(both[0]["boxes"] - both[1]["boxes"]).max() < 0.32


@pytest.mark.parametrize("error", [ExportError("does not agree with torch"), ModelError("unknown step")])
def test_a_program_that_surveil_does_not_compute_alike_is_not_left(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    torch.manual_seed(0)
    card = find_model(RECIPE).card
    model = Detector(replace(YOLO, classes=len(card.labels)))
    monkeypatch.setattr(deploy_program, "_of", lambda *_: (model, card))
    monkeypatch.setattr(deploy_program, "export_program", lambda _, path: path.write_bytes(b"program"))
    monkeypatch.setattr(deploy_program, "check_program", refuse)
    with pytest.raises(type(error), match=str(error)):
        deploy_program.write_program(RECIPE, tmp_path / "a.pt2")
    assert not list(tmp_path.iterdir())

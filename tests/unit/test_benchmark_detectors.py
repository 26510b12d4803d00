"""The benchmark of detectors: every runtime on its own files, batches, JSON, the page made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import detectors, table
from tests.support.onnx_models import SIDE, colour_model
from tests.support.programs import colour_program
from tests.support.runtimes import need

PARTS = {"p50_ms", "p95_ms", "best_ms", "prepare_ms", "frames_s", "ratio", "best_ratio"}


def timed(monkeypatch: pytest.MonkeyPatch, out: Path, *options: str) -> dict[str, Any]:
    """What the command writes, of three rounds on small pictures."""
    monkeypatch.setattr(detectors, "SCENE", "test://street?size=160x90&fps=2&seconds=2&seed=7")
    detectors.main(
        ["--sizes", f"{SIDE}x{SIDE}", "--rounds", "3", "--json", str(out), "--threads", "1", *options]
    )
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_a_program_of_torch_is_timed_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("torch")
    program = colour_program(tmp_path, free_batch=True)
    model = colour_model(tmp_path)
    found = timed(
        monkeypatch, tmp_path / "out.json", "--model", str(program), "--model", str(model), "--batch", "2",
        "--runtimes", "onnxruntime,torch",
    )  # fmt: skip
    assert (found["batch"], found["gpu"], found["beside"]) == (2, None, "colours-torch")
    first, second = found["detectors"]
    assert first["device"].endswith("(torch)")
    assert second["device"].endswith("(ONNX Runtime)")
    assert first["ratio"] == 1
    for part in found["detectors"]:
        assert part["size"] == f"{SIDE}x{SIDE}"
        assert min(part[name] for name in PARTS) > 0
        assert part["frames_s"] == pytest.approx(2000 / part["p50_ms"])
    page = table.detectors(found)
    assert "2 frames a call" in page
    assert "|colours-torch|" in page
    on_gpu = table.detectors({**found, "gpu": "NVIDIA X", "batch": 1})
    assert "## NVIDIA X: detectors\n" in on_gpu
    assert "One frame at a time" in on_gpu


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--runtimes", "torch"], "none of torch runs it"),
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["--runtimes", "tensorrt"], "unknown runtime 'tensorrt'"),
    ],
)
def test_what_cannot_be_timed_is_said(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = colour_model(tmp_path)
    with pytest.raises(SystemExit, match=message):
        timed(monkeypatch, tmp_path / "out.json", "--model", str(model), *options)
    assert not (tmp_path / "out.json").exists()

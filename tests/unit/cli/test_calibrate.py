"""Thresholds from what a model finds, on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")


@pytest.fixture
def det(tmp_path: Path) -> Path:
    """Many weak detections and some good ones, as MOT text."""
    rng = np.random.default_rng(0)
    found = np.concatenate([0.1 + rng.exponential(0.05, 2000), rng.normal(0.7, 0.05, 300)])
    path = tmp_path / "det.txt"
    lines = (f"{k % 100 + 1},-1,10,10,30,60,{min(score, 1):.3f}\n" for k, score in enumerate(found))
    path.write_text("".join(lines))
    return path


def test_calibrate_then_use_then_forget(cli: Cli, det: Path, model: Path, tmp_path: Path) -> None:
    outcome = cli("calibrate", "--from-detections", det, "--model", model)
    assert outcome.code == 0, outcome.err
    (path,) = (tmp_path / "data" / "calibration").iterdir()
    assert str(path) in outcome.out
    cut = json.loads(path.read_text())["thresholds"]
    assert f"birth    0.500 -> {cut['birth']:.3f}" in outcome.out
    shown = json.loads(cli("models", "show", model).out)
    assert shown["thresholds"] == cut
    assert shown["measured"]["calibrated"]["from"] == ["det.txt"]
    assert "the card's thresholds hold again" in cli("calibrate", "--forget", "--model", model).out
    assert "was not calibrated" in cli("calibrate", "--forget", "--model", model).out


def test_a_clip_with_too_little_in_it_changes_nothing(
    cli: Cli, clip: Path, model: Path, tmp_path: Path
) -> None:
    outcome = cli("calibrate", clip, "--model", model, "--every", "2")
    assert outcome.code == 2
    assert "no valley" in outcome.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("arguments", [[], ["clip.mp4", "--from-detections", "det.txt"]])
def test_recordings_or_detections(cli: Cli, arguments: list[str]) -> None:
    outcome = cli("calibrate", *arguments)
    assert outcome.code == 2
    assert "give recordings, or --from-detections FILE" in outcome.err

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from surveil.detect.assets import find_model
from surveil.detect.calibration import calibration_path, forget_calibration, save_calibration
from surveil.detect.card import Thresholds
from surveil.errors import ModelError, OutputError
from tests.support.onnx_models import colour_model

OWN = Thresholds(low=0.2, high=0.3, birth=0.4, display=0.3)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, with a user's data folder that is empty."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
    return colour_model(tmp_path)


def test_what_was_calibrated_goes_over_the_card_until_it_is_forgotten(model: Path) -> None:
    card = find_model(str(model)).card
    path = save_calibration(card, OWN, {"from": ["yard.mp4"]})
    now = find_model(str(model)).card
    assert now.thresholds == OWN
    assert now.measured["calibrated"] == {"file": str(path), "from": ["yard.mp4"]}
    assert forget_calibration(card.name)
    assert not forget_calibration(card.name)
    assert find_model(str(model)).card == card


def test_another_file_of_that_name_is_another_model(model: Path) -> None:
    card = find_model(str(model)).card
    save_calibration(replace(card, sha256="0" * 64), OWN, {})
    assert find_model(str(model)).card == card


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "expected version 1, got 2"),
        ({"thresholds": {}}, "low"),
        ({"thresholds": {"low": 0.9, "high": 0.3, "birth": 0.4, "display": 0.3}}, "low <= high <= birth"),
    ],
)
def test_a_wrong_file_is_said_to_be_wrong(model: Path, change: dict[str, object], said: str) -> None:
    path = save_calibration(find_model(str(model)).card, OWN, {})
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=f"not a calibration.*{said}.*: remove it, or calibrate again"):
        find_model(str(model))
    path.write_text("{")
    with pytest.raises(ModelError, match="not a calibration"):
        find_model(str(model))


def test_a_folder_that_cannot_be_made(model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        save_calibration(find_model(str(model)).card, OWN, {})


def test_the_place_is_the_user_s(model: Path, tmp_path: Path) -> None:
    assert calibration_path("m") == tmp_path / "data" / "calibration" / "m.json"

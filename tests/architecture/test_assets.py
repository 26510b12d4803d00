"""What ships: models with their cards, clips with their truth, and nothing too large."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from surveil.detect.assets import DEFAULT_CPU_MODEL, DEFAULT_MODEL
from surveil.detect.card import load_card

MIB = 2**20
ASSETS = Path(__file__).resolve().parents[2] / "assets"
MODELS = sorted((ASSETS / "models").glob("*.onnx"))
CARDS = sorted((ASSETS / "models").glob("*.json"))
CLIPS = ASSETS / "clips"

each_model = pytest.mark.parametrize("model", MODELS, ids=[path.stem for path in MODELS])


@pytest.mark.parametrize("name", [DEFAULT_MODEL, DEFAULT_CPU_MODEL])
def test_the_default_model_ships_and_is_light(name: str) -> None:
    default = ASSETS / "models" / f"{name}.onnx"
    assert default in MODELS
    assert default.stat().st_size <= 6 * MIB


@each_model
def test_every_model_has_a_card_of_its_name(model: Path) -> None:
    assert load_card(model.with_suffix(".json")).file == model.name


@pytest.mark.parametrize("path", CARDS, ids=[path.stem for path in CARDS])
def test_every_card_has_a_model_with_its_hash(path: Path) -> None:
    card = load_card(path)
    assert card.name == path.stem  # several names may share one file
    assert card.sha256 == hashlib.sha256((path.parent / card.file).read_bytes()).hexdigest()
    assert card.licence
    assert card.credits


@each_model
def test_no_model_is_large(model: Path) -> None:
    assert model.stat().st_size <= 16 * MIB


def test_the_models_together_are_small() -> None:
    assert sum(model.stat().st_size for model in MODELS) <= 64 * MIB


def test_clips_are_small_and_have_their_truth() -> None:
    videos = sorted(CLIPS.glob("*.mp4"))
    assert videos
    assert sum(path.stat().st_size for path in CLIPS.rglob("*") if path.is_file()) < 3_000_000
    assert [video.name for video in videos if not list(CLIPS.glob(f"{video.stem}.*json"))] == []

"""A tiny model, a tiny clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveil.detect.card import Thresholds
from tests.support.clips import write_clip
from tests.support.onnx_models import colour_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds colours; its card lies beside it."""
    cuts = Thresholds(low=0.4, high=0.45, birth=0.5, display=0.45)
    return colour_model(tmp_path_factory.mktemp("model"), thresholds=cuts)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 10 pictures a second, 64x48, with an orange square."""
    return write_clip(tmp_path_factory.mktemp("clip") / "square.mp4", frames=40)

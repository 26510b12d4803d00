"""What the tests of live cameras share: a clip, the shipped detector, and a way to print figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveil.detect.detector import Detector
from surveil.detect.open import open_detector
from tests.support.clips import write_clip
from tests.support.live import KeptDetector


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 160x120 at 15 frames a second, a keyframe every 10."""
    return write_clip(tmp_path_factory.mktemp("live") / "clip.mp4", frames=30, rate=15, size=(160, 120))


@pytest.fixture(scope="session")
def other_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another size, another rate."""
    return write_clip(tmp_path_factory.mktemp("live") / "other.mp4", frames=20, rate=10, size=(320, 180))


@pytest.fixture(scope="session")
def shipped() -> Iterator[Detector]:
    """The model that comes with surveil, opened once."""
    detector = open_detector(None, threads=1)
    yield KeptDetector(detector)  # type: ignore[misc]
    detector.close()


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Any], None]:
    """Prints a figure, also where pytest keeps the output to itself."""

    def say(name: str, value: Any) -> None:
        with capsys.disabled():
            text = value if isinstance(value, str) else json.dumps(value)
            sys.stdout.write(f"\n{name}: {text}")
            sys.stdout.flush()

    return say

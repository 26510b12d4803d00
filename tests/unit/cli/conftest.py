"""The command line with a tiny model and a tiny clip."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from surveil.cli.main import main
from surveil.detect.card import Thresholds
from tests.support.clips import write_clip
from tests.support.onnx_models import colour_model

CUTS = Thresholds(low=0.4, high=0.45, birth=0.5, display=0.45)


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds colours; its card lies beside it."""
    return colour_model(tmp_path_factory.mktemp("model"), thresholds=CUTS)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 10 pictures a second, 64x48, with an orange square."""
    return write_clip(tmp_path_factory.mktemp("clip") / "square.mp4")


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def no_window(sources: Sequence[str], options: object) -> int:
        raise AssertionError("no window was asked for")

    def call(*arguments: object, open_window: Any = no_window) -> Outcome:
        capfd.readouterr()
        code = main(open_window, [str(argument) for argument in arguments])
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

    return call


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a process of its own, in an empty folder; the caller waits for it."""

    def begin(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "surveil", *map(str, arguments)],
            cwd=tmp_path,
            env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin

"""Two trainings never write into one folder; a process that dies frees it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from surveil.errors import OutputError
from tests.training.tiny import TinyData
from training import cli
from training.errors import ConfigError
from training.lock import RUN, locked

HOLDER = """
import sys
from pathlib import Path
from training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lock until it is told or killed."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_another_process_is_named_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run" / RUN
    with (
        held_by_another(path) as other,
        pytest.raises(
            ConfigError, match=rf"run: process {other.pid} on .* trains there: let it end, stop it"
        ),
        locked(path),
    ):
        pass
    with locked(path):  # it was killed
        assert path.read_text().startswith("process ")
    assert path.read_text() == ""
    with locked(path):
        pass


def test_a_lock_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="the lock cannot be written"), locked(tmp_path / "file" / RUN):
        pass


@pytest.mark.parametrize("command", ["train", "cache", "table"])
def test_commands_that_train_are_refused_and_others_are_not(
    command: str, tiny: TinyData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--data", str(tiny.folder), "--out", str(tmp_path)]
    what = [command, "a" if command == "table" else "own"]
    with locked(tmp_path / RUN):
        assert cli.main([*what, *out]) == 2
        assert "trains there: let it end, stop it, or write into another folder" in capsys.readouterr().err
        assert cli.main(["table", "a", *out, "--report", str(tmp_path / "report")]) == 2
        assert "no row of table a was trained there yet" in capsys.readouterr().err  # not the lock

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import surveil
from surveil.cli import demo, models
from surveil.errors import DeviceError, ModelError, OutputError, RegressionError, SourceCause, SourceError

COMMANDS = [["run"], ["demo"], ["gui"], ["doctor"], ["models", "list"], ["models", "show"],
            ["bench", "detect"], ["bench", "pipeline"]]  # fmt: skip
HEAVY = "{'av', 'cv2', 'numpy', 'onnxruntime', 'PyQt6', 'scipy', 'filterpy', 'torch', 'pydantic', 'rich'}"

Cli = Callable[..., Any]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example(cli: Cli, command: list[str]) -> None:
    outcome = cli(*command, "--help")
    assert outcome.code == 0
    assert f"surveil {' '.join(command)}" in outcome.out.split("show this message", 1)[-1]


def test_help_names_every_command(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    for command in COMMANDS:
        assert f"  {command[0]} " in outcome.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"surveil {surveil.__version__}\n"


def test_help_loads_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from surveil.__main__ import main; sys.argv = ['surveil', '--help']; main(); "
        f"heavy = {HEAVY} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutputError("x"), 1),
        (surveil.errors.UsageError("x"), 2),
        (SourceError("x", SourceCause.DNS), 3),
        (ModelError("x"), 4),
        (DeviceError("x"), 4),
        (RegressionError("x"), 5),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
        (ZeroDivisionError("x"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_exit_codes(cli: Cli, error: BaseException, code: int) -> None:
    def fail(sources: object, options: object) -> int:
        raise error

    assert cli("gui", open_window=fail).code == code


def test_errors_are_one_redacted_line_and_a_traceback_on_request_only(cli: Cli) -> None:
    def fail(sources: object, options: object) -> int:
        raise ValueError("rtsp://admin:hunter2@10.0.0.7/x broke")

    quiet = cli("gui", open_window=fail)
    assert quiet.err.splitlines() == [
        "error: internal error: ValueError('rtsp://***@10.0.0.7/x broke') "
        "(-v shows where it happened; please report it)"
    ]
    verbose = cli("gui", "-v", open_window=fail)
    assert "Traceback" in verbose.err
    assert "hunter2" not in verbose.err


def test_window_gets_what_was_asked_for(cli: Cli) -> None:
    asked: list[Any] = []

    def window(sources: Any, options: Any) -> int:
        asked.append((list(sources), options))
        return 0

    assert cli("gui", "a.mp4", "0", "--device", "cpu", "--exit-after", 3, open_window=window).code == 0
    sources, options = asked[0]
    assert sources == ["a.mp4", "0"]
    assert (options.model.device, options.exit_after_s) == ("cpu", 3.0)
    assert cli("gui", open_window=lambda sources, options: 7).code == 7


def test_next_steps_name_this_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "surveil run clip.mp4" in demo.next_steps("surveil")
    (tmp_path / "launch.py").touch()
    monkeypatch.setattr(demo, "assets_dir", lambda: tmp_path / "assets")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert demo.command() == "python3 launch.py"
    monkeypatch.setattr(sys, "prefix", "elsewhere")
    monkeypatch.setattr(sys, "argv", ["lib/surveil/__main__.py"])
    assert demo.command() == "python -m surveil"
    monkeypatch.setattr(sys, "argv", ["bin/surveil"])
    assert demo.command() == "surveil"


def test_models_are_listed_and_shown(
    cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("surveil.detect.assets.model_folders", lambda: (model.parent,))
    listed = cli("models", "list")
    assert listed.code == 0, listed.err
    head, row = listed.out.splitlines()
    assert head.split() == ["name", "input", "classes", "MB", "licence"]
    assert row.split()[:3] == ["colours", "64x64", "3"]
    shown = cli("models", "show", "colours")
    assert json.loads(shown.out)["name"] == "colours"
    assert cli("models", "show", "nosuch").code == 4
    assert models.build() is not models.build()


def test_ctrl_c_while_it_loads_is_no_traceback() -> None:
    script = (
        "import sys, surveil.__main__ as door, signal, os\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "sys.exit(door.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")

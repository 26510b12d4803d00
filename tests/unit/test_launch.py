"""The launcher, with a false system: nothing is installed and nothing is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import launch
from surveil import system

Answer = Callable[[list[str]], int]


class FalseMachine:
    """Stands for `subprocess`, `os.execv` and the disk; remembers what was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.commands: list[list[str]] = []
        self.started: list[str] = []
        self.missing: list[str] = []
        self.programs: set[str] = set()
        self.fails: tuple[str, ...] = ()  # a command that holds one of these words fails
        self.user = 1000
        (root / "pyproject.toml").write_text("[project]\n")
        venv = root / ".venv"
        for name, value in {"ROOT": root, "VENV": venv, "STAMP": venv / "surveil-stamp.json"}.items():
            monkeypatch.setattr(launch, name, value)
        monkeypatch.setattr(launch.subprocess, "run", self.run)
        monkeypatch.setattr(launch.subprocess, "call", self.start)
        monkeypatch.setattr(launch.os, "execv", lambda _, command: self.start(command))
        monkeypatch.setattr(launch.os, "geteuid", lambda: self.user, raising=False)
        monkeypatch.setattr(launch.os, "chdir", lambda _: None)
        monkeypatch.setattr(launch.signal, "signal", lambda *_: None)
        monkeypatch.setattr(launch.shutil, "which", lambda name: name if name in self.programs else None)
        monkeypatch.setattr(launch.platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(launch, "missing_packages", lambda _: list(self.missing))
        monkeypatch.setenv("QT_QPA_PLATFORM", "")

    def run(self, command: list[str], **_: Any) -> SimpleNamespace:
        self.commands.append(command)
        if any(word in " ".join(command) for word in self.fails):
            return SimpleNamespace(returncode=1)
        if command[-1].startswith("import") and not launch.venv_python().exists():
            raise FileNotFoundError(command[0])
        if "venv" in command:
            launch.venv_python().parent.mkdir(parents=True, exist_ok=True)
            launch.venv_python().touch()
        if command[:2] == ["apt-get", "install"]:
            self.missing = []
        return SimpleNamespace(returncode=0)

    def start(self, command: list[str]) -> int:
        self.started = command[1:]
        return 0

    def ran(self, word: str) -> list[list[str]]:
        return [command for command in self.commands if word in command]

    @property
    def installed(self) -> list[str]:
        """What pip was asked for, in order."""
        return [command[-1].removeprefix(str(launch.ROOT)) for command in self.ran("pip")]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FalseMachine:
    return FalseMachine(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "started"),
    [
        ([], ["-m", "surveil", "gui"]),
        (["demo"], ["-m", "surveil", "demo"]),
        (["run", "a b.mp4", "--every", "2"], ["-m", "surveil", "run", "a b.mp4", "--every", "2"]),
        (["test", "-m", "slow"], ["-m", "pytest", "-m", "slow"]),
        (["--version"], ["-m", "surveil", "--version"]),
    ],
)
def test_first_start_installs_and_hands_over(
    machine: FalseMachine, arguments: list[str], started: list[str]
) -> None:
    launch.main(arguments)
    assert machine.started == started
    assert machine.ran("venv") == [[sys.executable, "-m", "venv", "--clear", str(launch.VENV)]]
    assert machine.installed == ["[dev,openvino,train]" if arguments[:1] == ["test"] else "[openvino]"]


def test_repeats_find_everything_in_place(machine: FalseMachine) -> None:
    launch.main(["demo"])
    machine.commands.clear()
    launch.main(["demo"])
    assert [command[-1] for command in machine.commands] == ["import pip, surveil"]
    assert machine.started == ["-m", "surveil", "demo"]


def test_extras_are_added_and_kept(machine: FalseMachine) -> None:
    for arguments in (["demo"], ["test"], ["demo"]):
        launch.main(arguments)
    assert machine.installed == ["[openvino]", "[dev,openvino,train]"]
    (launch.ROOT / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    launch.main(["demo"])
    assert machine.installed[2:] == ["[dev,openvino,train]"]
    assert len(machine.ran("venv")) == 1


def test_an_unfinished_installation_is_finished(machine: FalseMachine) -> None:
    machine.fails = ("--editable",)
    with pytest.raises(SystemExit, match="pip could not install surveil: the reason is above"):
        launch.main(["demo"])
    assert machine.started == []
    assert not launch.STAMP.exists()
    machine.fails = ()
    launch.main(["demo"])
    assert machine.started == ["-m", "surveil", "demo"]


@pytest.mark.parametrize("stamp", ["", "{", "[]", "null", '{"project": 1}', '{"project": "x", "extras": 3}'])
def test_a_damaged_stamp_counts_as_none(machine: FalseMachine, stamp: str) -> None:
    launch.main(["demo"])
    launch.STAMP.write_text(stamp)
    launch.main(["demo"])
    assert machine.installed == ["[openvino]", "[openvino]"]


def test_a_broken_environment_is_made_anew(machine: FalseMachine) -> None:
    launch.main(["test"])
    launch.venv_python().unlink()
    launch.main(["demo"])
    assert len(machine.ran("venv")) == 2
    assert machine.installed == ["[dev,openvino,train]", "[openvino]"]


def test_an_environment_that_cannot_be_made_is_told(machine: FalseMachine) -> None:
    machine.fails = ("--clear",)
    with pytest.raises(SystemExit, match="the virtual environment could not be made"):
        launch.main(["demo"])


def test_an_answering_driver_brings_cuda_once(machine: FalseMachine) -> None:
    machine.programs = {"nvidia-smi"}
    launch.main(["demo"])
    launch.main(["demo"])
    assert machine.installed == ["[cuda]"]
    assert json.loads(launch.STAMP.read_text())["extras"] == ["cuda"]
    assert len([command for command in machine.commands if command[0] == "nvidia-smi"]) == 1


def test_a_silent_driver_counts_as_none(machine: FalseMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.programs, machine.fails = {"nvidia-smi"}, ("nvidia-smi",)
    launch.main(["demo"])

    def stuck(command: list[str], **options: Any) -> SimpleNamespace:
        if command[0] == "nvidia-smi":
            raise subprocess.TimeoutExpired(command, options["timeout"])
        return machine.run(command, **options)

    monkeypatch.setattr(launch.subprocess, "run", stuck)
    launch.main(["demo"])
    assert machine.installed == ["[openvino]"]
    assert launch.nvidia_driver() is False


def test_other_processors_get_neither(machine: FalseMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.programs = {"nvidia-smi"}
    monkeypatch.setattr(launch.platform, "machine", lambda: "aarch64")
    launch.main(["demo"])
    assert machine.installed == [""]


def test_root_on_debian_gets_the_packages(machine: FalseMachine) -> None:
    machine.programs, machine.user, machine.missing = {"apt-get"}, 0, ["libgl1", "libglib2.0-0"]
    launch.main(["demo"])
    assert machine.commands[:2] == [
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "libgl1", "libglib2.0-0"],
    ]
    assert machine.started == ["-m", "surveil", "demo"]


def test_others_are_told_the_command(machine: FalseMachine) -> None:
    machine.programs, machine.missing = {"apt-get"}, ["libgl1"]
    with pytest.raises(SystemExit, match=r"sudo apt-get install --yes --no-install-recommends libgl1$"):
        launch.main(["demo"])
    machine.programs = set()
    with pytest.raises(SystemExit, match=r"lacks what Debian has in the packages libgl1\.\nInstall"):
        launch.main(["demo"])
    assert machine.commands == []


def test_packages_that_do_not_help_are_told(machine: FalseMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.programs, machine.user = {"apt-get"}, 0
    monkeypatch.setattr(launch, "missing_packages", lambda _: ["libgl1"])
    with pytest.raises(SystemExit, match="still not found: libgl1"):
        launch.main(["demo"])
    machine.fails = ("update",)
    with pytest.raises(SystemExit, match="could not update its lists"):
        launch.main(["demo"])


def test_an_old_python_is_told_so(machine: FalseMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(launch.platform, "python_version", lambda: "3.9.2")
    with pytest.raises(SystemExit, match=r"surveil needs Python 3\.11 or later; .* is 3\.9\.2"):
        launch.main([])
    assert machine.commands == []


def test_help_installs_nothing(machine: FalseMachine, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--help"]) == 0
    assert "python3 launch.py test" in capsys.readouterr().out
    assert machine.commands == []


def test_messages_leave_stdout_alone(machine: FalseMachine, capsys: pytest.CaptureFixture[str]) -> None:
    launch.main(["run", "x.mp4", "--jsonl", "-"])
    output = capsys.readouterr()
    assert output.out == ""
    assert "launch: making the virtual environment" in output.err
    assert "launch: installing" in output.err


def test_windows_waits_for_what_it_starts(machine: FalseMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "os", SimpleNamespace(name="nt", environ=os.environ))
    assert launch.venv_python().parts[-2:] == ("Scripts", "python.exe")
    assert launch.main(["demo"]) == 0
    assert machine.started == ["-m", "surveil", "demo"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [("demo", ("libgl1",)), ("test", ("libgl1", "libegl1")), ("gui", ("libgl1", "libegl1", "libxcb-sync1"))],
)
def test_what_each_command_needs(
    command: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch.sys, "platform", "linux")
    for name, package in (("BASE", "libgl1"), ("QT", "libegl1"), ("XCB", "libxcb-sync1")):
        monkeypatch.setattr(system, name, {f"lib-that-is-nowhere-{name}.so": package})
    monkeypatch.setattr(system, "wants_xcb", lambda: True)
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda _: None)
    venv = "python{}.{}-venv".format(*sys.version_info)
    assert launch.missing_packages(command) == [venv, *expected]
    monkeypatch.setattr(launch.sys, "platform", "darwin")
    assert launch.missing_packages(command) == []

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
FRIGATE = Path(__file__).parents[1] / "config" / "frigate.yml"


def test_init_check_show(cli: Cli, tmp_path: Path) -> None:
    made = cli("config", "init", "c.yaml")
    assert made.code == 0
    assert "surveil serve c.yaml" in made.out
    assert (tmp_path / "c.yaml").stat().st_mode & 0o777 == 0o600
    assert cli("config", "check", "c.yaml").out == "c.yaml: 1 camera, no mistakes\n"
    shown = cli("config", "show", "c.yaml")
    assert (shown.code, "url: test://street" in shown.out) == (0, True)
    again = cli("config", "init", "c.yaml")
    assert again.code == 2
    assert "is there already" in again.err


def test_the_file_of_the_user(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda *words, **more: tmp_path / "conf")
    assert "`surveil config init`" in cli("config", "check").err
    assert cli("config", "init").code == 0
    assert (tmp_path / "conf" / "surveil.yaml").is_file()
    assert cli("config", "check").code == 0


def test_check_says_everything(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("camras: []\ncameras:\n  - {id: a, inputs: ['rtsp://u:hunter2@h:x/']}\n")
    outcome = cli("config", "check", "c.yaml")
    assert outcome.code == 2
    assert outcome.out == ""
    first, second = outcome.err.splitlines()
    assert first == "c.yaml:1:1: camras: unknown key; did you mean 'cameras'?"
    assert second.startswith("c.yaml:3:22: cameras[0].inputs[0].url: address 'rtsp://***@h:x/'")
    assert cli("config", "show", "c.yaml").code == 2


def test_check_looks_references_up(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.yaml").write_text("cameras: ['rtsp://u:${DOOR_PW}@h/1']\n")
    missing = cli("config", "check", "c.yaml")
    assert missing.code == 2
    assert missing.err == "c.yaml:1:11: cameras[0]: the environment variable DOOR_PW is not set\n"
    monkeypatch.setenv("DOOR_PW", "hunter2")
    found = cli("config", "check", "c.yaml")
    assert (found.code, found.err) == (0, "")


def test_check_knows_the_classes_of_the_model(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("cameras: [{id: a, inputs: ['0'], detect: {classes: [persn, car]}}]\n")
    outcome = cli("config", "check", "c.yaml")
    assert outcome.code == 2
    assert "detect.classes: the model knows no class 'persn'; did you mean 'person'?" in outcome.err


def test_secrets_are_shown_on_request_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("cameras: [{id: a, inputs: [rtsp://h/1], password: hunter2}]\n")
    assert "hunter2" not in cli("config", "show", "c.yaml").out
    assert "hunter2" in cli("config", "show", "c.yaml", "--secrets").out


def test_schema_is_json(cli: Cli) -> None:
    assert "cameras" in json.loads(cli("config", "schema").out)["properties"]


def test_import_frigate(cli: Cli, tmp_path: Path) -> None:
    printed = cli("config", "import-frigate", FRIGATE)
    assert printed.code == 0
    assert "front_door" in printed.out
    assert "frigate.yml:1:1: mqtt: not taken over" in printed.err
    assert "2 cameras taken over" in printed.err
    assert "hunter2" not in printed.err
    assert cli("config", "import-frigate", FRIGATE, "--out", "c.yaml").out == ""
    assert (tmp_path / "c.yaml").read_text() == printed.out
    assert cli("config", "import-frigate", "none.yml").code == 2


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"a: [", b"cameras: 3", b"\t", b"[" * 9000, b"x" * 200_000]
)
def test_whatever_the_file_holds_there_is_no_traceback(cli: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    outcome = cli("config", "check", "c.yaml")
    assert outcome.code == (2 if content else 0)
    assert "Traceback" not in outcome.err
    assert all(line.startswith("c.yaml:") for line in outcome.err.splitlines())

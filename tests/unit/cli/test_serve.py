"""`surveil serve` and `surveil status` by their real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveil.cli.serve import listen
from surveil.cli.status import lines, named_in

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

Cli = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]
PAUSE = threading.Event()  # never set: something to wait on


def status(folder: Path) -> dict[str, Any]:
    file = folder / "status.json"
    return dict(json.loads(file.read_text())) if file.exists() else {"state": "", "cameras": {}}


def eventually(true: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if true():
            return
        assert process.poll() is None, process.communicate()[1]
        PAUSE.wait(0.02)
    raise AssertionError("did not become true within 60 s")


@pytest.fixture
def config(tmp_path: Path, model: Path, clip: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(
        f"cameras: [{{id: a, inputs: [{clip}]}}]\nmodel: {{name: {model}, device: cpu, threads: 1}}\n"
        "service: {status_file: status.json, lock_file: lock, status_period_s: 0.2, watch_period_s: 60}\n"
        "outputs: {annotated: true, jsonl: stdout}\n"
    )
    path.chmod(0o600)
    return path


def test_serve_reloads_on_sighup_and_ends_well_on_sigterm(
    start: Start, cli: Cli, config: Path, tmp_path: Path
) -> None:
    process = start("serve", config)
    eventually(lambda: status(tmp_path)["cameras"].get("a", {}).get("state") == "playing", process)
    shown = cli("status", config)
    assert shown.code == 0
    assert "service  running" in shown.out
    assert "playing" in shown.out
    sound = config.read_text()
    config.write_text(sound + "oops: 1\n")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: status(tmp_path)["state"] == "degraded", process)
    broken = cli("status", config)  # it is found where the file says, broken or not
    assert broken.code == 0
    assert "oops: unknown key" in broken.out
    config.write_text(sound.replace("id: a", "id: b"))
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "b" in status(tmp_path)["cameras"], process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [line.partition(": ")[0] for line in err.splitlines()] == [
        "error",
        "warning",
    ]  # of the broken file
    rows = [json.loads(line) for line in out.splitlines()]
    assert {row["camera"] for row in rows} == {"a", "b"}
    videos = sorted(path.relative_to(tmp_path).parts[1] for path in tmp_path.rglob("*.mp4"))
    assert videos == ["a", "b"]
    assert list(tmp_path.rglob("*.part")) == []
    ended = cli("status", config)
    assert ended.code == 1
    assert "service  stopped" in ended.out


def test_a_reader_that_leaves_ends_it_quietly(start: Start, config: Path) -> None:
    process = start("serve", config)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_signals_ask_once_and_end_at_once_the_second_time() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    asked: list[str] = []
    try:
        caught = listen(lambda: asked.append("stop"), lambda: asked.append("reload"))
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert asked == ["reload", "reload", "stop"]
    assert caught == [signal.SIGINT]


def test_status_without_a_service(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("status", "--file", "status.json")
    assert outcome.code == 2
    assert "surveil serve" in outcome.err
    (tmp_path / "status.json").write_text("{}")
    assert "no status file of" in cli("status", "--file", "status.json").err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("service: {lock_file: l, status_file: st.json, status_period_s: 1}\noops: [", "st.json"),
        (
            "service:\n  # status_file: no.json\n  status_file: 'my status.json'  # here\noops: 1",
            "my status.json",
        ),
        ("service:\n  status_file: a b.json # here\n\tx", "a b.json"),
        ("service: {status_file: null}\noops: 1", None),
        ("status_file:\n[", None),
        ("", None),
    ],
)
def test_where_a_broken_configuration_has_its_status(tmp_path: Path, text: str, named: str | None) -> None:
    path = tmp_path / "c.yaml"
    assert named_in(path) is None
    path.write_text(text)
    assert named_in(path) == named


def test_serve_without_a_file(cli: Cli) -> None:
    outcome = cli("serve", "none.yaml")
    assert outcome.code == 2
    assert "surveil config init none.yaml" in outcome.err


def test_the_status_in_words() -> None:
    camera = {
        "state": "stalled", "for_s": 7300.0, "fps": 14.96, "processed_fps": 5.0, "looked_fps": 0.5,
        "age_p95_ms": 41.2, "drops": {"overwritten": 3, "outputs": 1}, "cause": "no picture",
        "remedy": "Wait.", "counters": {"frames": 9, "lost_timeout": 2, "lost_no_route": 1},
        "decoder": "h264 (software)",
    }  # fmt: skip
    found = {
        "state": "running", "pid": 7, "device": "CPU",
        "load": {"rung": 2, "name": "looks seldom", "why": "door: 2 results a second", "for_s": 60},
        "config": {"path": "/c.yaml", "problems": ["c:1:1: x"]},
        "cameras": {"door": camera, "gate": {"state": "failed", "cause": "no secret"}},
        "outputs": {"trouble": {"tracks:": "disk full"}},
    }  # fmt: skip
    text = lines(found, alive=True, age_s=1.0)
    assert text[0] == "service  running, 1 s ago"
    assert "problem  c:1:1: x" in text
    assert "load     too much to do: looks seldom (door: 2 results a second), for 60 s" in text
    assert not any(
        row.startswith("load") for row in lines({**found, "load": {"rung": 0}}, alive=True, age_s=1)
    )
    assert "output   tracks: disk full" in text
    rows = [" ".join(row.split()) for row in text[-6:]]
    assert rows == [
        "camera state for fps in out looks age ms lost broke off decoded by",
        "door stalled 122 min 15.0 5.0 0.5 41 3 overwritten, 1 outputs 2 timeout, 1 no route h264 (software)",
        "gate failed - - - - - - - -",
        "",
        "door: no picture Wait.",
        "gate: no secret",
    ]
    assert "not running; it was running" in lines(found, alive=False, age_s=500)[0]

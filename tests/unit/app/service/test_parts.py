"""Lock, readiness, watch, status, metrics: the small parts around the loop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveil.app.service.lock import ProcessLock, is_held
from surveil.app.service.metrics import MetricsServer, as_text
from surveil.app.service.readiness import Supervisor
from surveil.app.service.status import Facts, as_json, read_status, write_status
from surveil.app.service.watch import FileWatch
from surveil.clock import SystemClock
from surveil.errors import OutputError, Problem, UsageError
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.pipeline.stats import CameraStats
from surveil.redact import Redactor

posix = pytest.mark.skipif(os.name != "posix", reason="sockets and rights of POSIX")


# ---- lock


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    about = {"config": "/c.yaml", "since": "noon"}
    with ProcessLock(path, about):
        assert is_held(path)
        with pytest.raises(UsageError, match=f"process {os.getpid()}, on /c.yaml, since noon"):
            ProcessLock(path, about).__enter__()
    assert not is_held(path)
    with ProcessLock(path, about):
        pass


def test_a_process_that_dies_frees_the_lock(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, os; from pathlib import Path; from surveil.app.service.lock import ProcessLock;"
        "lock = ProcessLock(Path(sys.argv[1]), {'config': 'x', 'since': 'y'}); lock.__enter__();"
        "print('held', flush=True);"
        "sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match=f"process {child.pid}"):
        ProcessLock(path, {}).__enter__()
    child.kill()
    child.communicate()
    with ProcessLock(path, {}):
        pass


def test_a_lock_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the lock"):
        ProcessLock(tmp_path / "file" / "lock", {}).__enter__()


# ---- readiness


@posix
def test_the_supervisor_is_told(tmp_path: Path) -> None:
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(5)
        supervisor = Supervisor({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}, SystemClock())
        assert supervisor.watchdog_s == 30
        supervisor.ready("3 cameras")
        supervisor.alive("ok")
        supervisor.reloading()
        supervisor.stopping()
        messages = [listener.recv(1000).decode() for _ in range(4)]
    assert messages[0] == "READY=1\nSTATUS=3 cameras"
    assert messages[1] == "WATCHDOG=1\nSTATUS=ok"
    assert messages[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert messages[3] == "STOPPING=1"
    supervisor.ready("nobody listens any more")


def test_without_a_supervisor_nothing_happens() -> None:
    supervisor = Supervisor({"WATCHDOG_USEC": "x"}, SystemClock())
    assert supervisor.watchdog_s is None
    supervisor.ready("")


# ---- watch


def test_a_change_is_told_once_it_has_settled(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("a")
    watch = FileWatch(path)
    assert not watch.changed()
    path.write_text("ab")
    assert not watch.changed()
    path.write_text("abc")
    assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()
    path.unlink()
    assert not watch.changed()
    assert watch.changed()


# ---- status


def facts(**changes: Any) -> Facts:
    drops = {"overwritten": 2}
    stats = CameraStats(received=9, processed=7, looked=3, fps=15.0, processed_fps=12.04, drops=drops)
    state = State(name="live", since_s=10.0, stats=stats, counters={"reconnects": 1}, decoder="h264")
    broken = State(name="failed-auth", since_s=12.0, cause="wrong password", detail="rtsp://u:hunter2@h/1")
    values: dict[str, Any] = {
        "state": "running", "pid": 5, "started_wall_s": 1.0, "now_wall_s": 2.0, "now_s": 15.0,
        "period_s": 2.0,
        "config": Path("/c.yaml"), "digest": "d", "problems": [], "device": "CPU",
        "load": Load(rung=1, why="door: 2 results a second", since_s=11.0),
        "cameras": {"door": ("Front", state), 'y"\\d': ("", broken)},
        "failed": {"gate": Problem(file="c", key="cameras[2]", reason="token hunter3-secret is wrong")},
        "outputs": {},
    }  # fmt: skip
    return Facts(**{**values, **changes})


def test_the_status_is_whole_and_holds_no_secret(tmp_path: Path) -> None:
    hide = Redactor()
    hide.register("hunter3-secret")
    path = tmp_path / "state" / "status.json"
    write_status(path, as_json(facts(), hide))
    assert "hunter" not in path.read_text()
    status = read_status(path)
    door = status["cameras"]["door"]
    assert (door["name"], door["state"], door["for_s"], door["processed_fps"]) == (
        "Front",
        "live",
        5.0,
        12.04,
    )
    assert door["age_p50_ms"] is None
    assert (door["looked"], door["attention"]) == (3, "full")
    assert status["load"] == {
        "rung": 1,
        "name": "fewer pictures a second are drawn on the screen",
        "why": "door: 2 results a second",
        "for_s": 4.0,
    }
    assert door["received"] - door["processed"] == sum(door["drops"].values())
    assert status["cameras"]["gate"] == {"state": "failed", "cause": "token *** is wrong"}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 99}', "\xff"])
def test_what_is_no_status_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "status.json"
    with pytest.raises(UsageError, match="no service has written"):
        read_status(path)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="no status file of"):
        read_status(path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the status"):
        write_status(tmp_path / "file" / "s", {})


# ---- metrics


def test_figures_in_the_text_format() -> None:
    lines = as_text(as_json(facts(), str)).splitlines()
    assert {"surveil_up 1", "surveil_config_ok 1"} <= set(lines)
    degraded = as_text(as_json(facts(state="degraded"), str))
    assert "surveil_up 1\n" in degraded
    assert "surveil_config_ok 0\n" in degraded
    assert 'surveil_camera_state{camera="door",state="live"} 1' in lines
    assert 'surveil_camera_state{camera="y\\"\\\\d",state="failed-auth"} 1' in lines
    assert 'surveil_camera_frames_received_total{camera="door"} 9' in lines
    assert 'surveil_camera_frames_looked_total{camera="door"} 3' in lines
    assert "surveil_load_rung 1" in lines
    assert 'surveil_device_info{device="CPU"} 1' in lines
    assert 'surveil_camera_decoder_info{camera="door",decoder="h264"} 1' in lines
    assert 'surveil_camera_dropped_total{camera="door",reason="overwritten"} 2' in lines
    assert 'surveil_camera_events_total{camera="door",event="reconnects"} 1' in lines
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")} <= set(families)


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, Any]]]:
    status = as_json(facts(), str)
    server = MetricsServer(0, "token-of-eight", lambda: status)
    server.start()
    yield f"http://127.0.0.1:{server.port}", status
    server.stop()


def get(url: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_server_wants_its_token(server: tuple[str, dict[str, Any]]) -> None:
    url, status = server
    assert get(f"{url}/metrics")[0] == 401
    assert get(f"{url}/metrics", "another-token")[0] == 401
    code, text = get(f"{url}/metrics", "token-of-eight")
    assert (code, text) == (200, as_text(status))
    assert get(f"{url}/../etc/passwd")[0] == 404
    assert get(f"{url}/healthz") == (200, "ok\n")
    status["state"] = "safe mode"
    assert get(f"{url}/healthz") == (503, "safe mode\n")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"cannot listen on 127.0.0.1:{port}"):
            MetricsServer(port, "token-of-eight", lambda: {})


def test_a_status_is_json() -> None:
    assert json.loads(json.dumps(as_json(facts(), str), allow_nan=False))["form"] == 1

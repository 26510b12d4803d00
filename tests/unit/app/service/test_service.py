"""The whole service with a tiny model and a recording as its camera; the loop runs in a thread."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from surveil.app.service.restarts import RESERVE
from surveil.app.service.service import Service, Signals
from surveil.app.service.status import read_status
from surveil.clock import SystemClock
from surveil.errors import ConfigError, OutputError, UsageError
from surveil.redact import Redactor

PAUSE = threading.Event()  # never set: something to wait on


def eventually(true: Callable[[], Any], timeout_s: float = 40.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.02)):
        if answer := true():
            return answer
        PAUSE.wait(0.02)
    raise AssertionError(f"did not become true within {timeout_s} s")


class Running:
    """A service in a thread, and its file."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.path, self.status_path = folder / "c.yaml", folder / "status.json"
        self.redactor = Redactor()
        self.signals = Signals(stop=threading.Event(), wake=threading.Event(), reload=threading.Event())
        self.service = Service(self.path, SystemClock(), environment or {}, self.signals, self.redactor)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="service")

    def _run(self) -> None:
        try:
            self.service.run()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o600)

    def status(self) -> dict[str, Any]:
        return read_status(self.status_path) if self.status_path.exists() else {"state": "", "cameras": {}}

    def wait_for(self, state: str, **cameras: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            assert self.error is None, self.error
            status = self.status()
            states = {name: camera["state"] for name, camera in status["cameras"].items()}
            return status if status["state"] == state and states == cameras else None

        return dict(eventually(there))

    def stop(self) -> None:
        self.signals.ask_to_stop()
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    service = Running(tmp_path, {"TOKEN": "token-of-eight", "PW": "hunter2-secret"})
    yield service
    if service.thread.ident is not None:
        service.stop()


@pytest.fixture
def base(model: Path) -> str:
    """The sections that all files here share."""
    return (
        f"model: {{name: {model}, device: cpu, threads: 1}}\n"
        "service: {status_file: status.json, lock_file: lock, status_period_s: 0.2, watch_period_s: 0.2}\n"
    )


def cameras(clip: Path, *names: str) -> str:
    return "cameras:\n" + "".join(f"  - {{id: {name}, inputs: [{clip}]}}\n" for name in names)


def test_cameras_come_and_go_with_the_file_and_others_are_not_touched(
    running: Running, base: str, clip: Path
) -> None:
    running.write(base + cameras(clip, "a", "b"))
    running.thread.start()
    running.wait_for("running", a="playing", b="playing")
    feed = running.service._session._cameras["a"].feed
    running.write(base + cameras(clip, "c", "a").replace("id: a,", "id: a, detect: {max_rate_hz: 3},"))
    status = running.wait_for("running", c="playing", a="playing")
    assert running.service._session._cameras["a"].feed is feed
    assert list(status["cameras"]) == ["c", "a"]
    running.write(base + cameras(clip, "a").replace("id: a,", "id: a, enabled: false,"))
    running.wait_for("running", a="off")
    running.stop()
    assert running.error is None
    assert running.status()["state"] == "stopped"


def test_a_file_that_breaks_changes_nothing(
    running: Running, base: str, clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running.write(base + cameras(clip, "a"))
    running.thread.start()
    running.wait_for("running", a="playing")
    feed = running.service._session._cameras["a"].feed
    with caplog.at_level(logging.WARNING):
        running.write(base + cameras(clip, "b") + "oops: 1\n")
        status = running.wait_for("degraded", a="playing")
    assert "c.yaml:5:1: oops: unknown key" in status["config"]["problems"][0]
    assert any("oops: unknown key" in record.getMessage() for record in caplog.records)
    running.path.unlink()
    eventually(lambda: "cannot be read" in running.status()["config"]["problems"][0])
    running.write(base + cameras(clip, "a"))
    running.wait_for("running", a="playing")
    assert running.service._session._cameras["a"].feed is feed


def test_a_file_that_is_broken_from_the_start_is_safe_mode_until_it_is_mended(
    running: Running, base: str, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "surveil.app.service.service.default_state", lambda name: running.path.with_name(name)
    )
    running.status_path = running.path.with_name("status.json")
    running.write("cameras: [\n")
    running.thread.start()
    status = running.wait_for("safe mode")
    assert "not YAML" in status["config"]["problems"][0]
    assert status["config"]["digest"] == ""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    elsewhere = f"status_file: elsewhere.json, metrics: {{port: {port}, token: '${{TOKEN}}'}}"
    running.write(base.replace("status_file: status.json", elsewhere) + cameras(clip, "a"))
    safe_mode, running.status_path = running.status_path, running.path.with_name("elsewhere.json")
    running.wait_for("running", a="playing")
    assert read_status(safe_mode)["state"] == "stopped"  # nobody writes it any more
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok\n"
    running.stop()
    assert running.error is None


def test_a_camera_that_cannot_be_known_is_said_and_the_others_go_on(
    running: Running, base: str, clip: Path
) -> None:
    running.write(base + cameras(clip, "a") + "  - {id: b, inputs: ['rtsp://u:${NO}@h/1']}\n")
    running.thread.start()
    status = running.wait_for("running", a="playing", b="failed")
    assert status["cameras"]["b"]["cause"] == "the environment variable NO is not set"
    running.service._environment["NO"] = "127.0.0.1:1"  # type: ignore[index]
    running.signals.ask_to_reload()  # the file is the same, but what it names is not
    eventually(lambda: running.status()["cameras"]["b"]["state"] in ("connecting", "reconnecting"))


def test_a_recording_that_was_missing_is_tried_again(
    running: Running, base: str, clip: Path, tmp_path: Path
) -> None:
    running.write(base + "cameras: [late.mp4]\n")
    running.thread.start()
    running.wait_for("running", late="failed")
    (tmp_path / "late.mp4").write_bytes(clip.read_bytes())
    running.signals.ask_to_reload()
    running.wait_for("running", late="playing")


def test_a_model_that_cannot_be_used_leaves_the_one_before(running: Running, base: str, clip: Path) -> None:
    running.write(base + cameras(clip, "a"))
    running.thread.start()
    running.wait_for("running", a="playing")
    running.write(base.replace("{name: ", "{name: /no/such/") + cameras(clip, "a"))
    status = running.wait_for("degraded", a="playing")
    assert "model" in status["config"]["problems"][0]
    running.write(base.replace("threads: 1", "thresholds: {low: 0.45}") + cameras(clip, "a"))
    running.wait_for("running", a="playing")


def test_no_secret_is_in_status_log_or_figures(
    running: Running, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    running.write(
        base + "cameras:\n  - {id: a, inputs: ['rtsp://127.0.0.1:1/x'], username: admin, password: '${PW}'}\n"
        "  - {id: b, inputs: ['http://127.0.0.1:1/${PW}/x']}\n"
    )
    with caplog.at_level(logging.DEBUG):
        running.thread.start()
        running.wait_for("running", a="reconnecting", b="reconnecting")
        written = running.status_path.read_text()
        running.stop()
    assert "hunter2" not in written
    assert "***" in written
    said = "\n".join(running.redactor(record.getMessage()) for record in caplog.records)
    assert "refuses the connection" in said
    assert "hunter2" not in said


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets of POSIX")
def test_outputs_and_the_supervisor_of_services(tmp_path: Path, base: str, clip: Path) -> None:
    """The right half is hidden: no recorded picture shows it."""
    masked = cameras(clip, "a").replace(
        "id: a,", "id: a, masks: {privacy: [[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]]},"
    )
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(40)
        running = Running(tmp_path, {"NOTIFY_SOCKET": address})
        running.write(base + masked + "outputs: {annotated: true, jsonl: files, folder: out}\n")
        messages: list[bytes] = []

        def collect() -> None:  # all the time: the system keeps ten of them
            while not messages or messages[-1] != b"STOPPING=1":
                messages.append(listener.recv(1000))

        collector = threading.Thread(target=collect, name="collector")
        collector.start()
        running.thread.start()
        try:
            assert eventually(lambda: messages)[0].startswith(b"READY=1\nSTATUS=running: ")
            eventually(lambda: list((tmp_path / "out" / "tracks").glob("*.jsonl")))
            eventually(lambda: list((tmp_path / "out" / "a").glob("*.part")))
            before = running.status()["config"]["digest"]
            running.write(base + cameras(clip, "a"))
            eventually(lambda: running.status()["config"]["digest"] != before)
        finally:
            running.stop()
        collector.join(40)
    assert running.error is None
    (video,) = (tmp_path / "out" / "a").iterdir()
    with av.open(str(video)) as container:
        images = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    assert images
    for image in images:
        assert image[24:, 36:].max() < 20  # below the line of facts; the border is blurred by the encoder
        assert image[24:, :28].mean() > 80
    assert any(message.startswith(b"RELOADING=1") for message in messages)
    assert any(message.startswith(b"WATCHDOG=1") for message in messages)


def told(folder: Path) -> list[dict[str, Any]]:
    """Lines of tracks of all pieces, the oldest first."""
    paths = sorted((folder / "out" / "tracks").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def ids_of(lines: list[dict[str, Any]]) -> set[int]:
    return {track["id"] for line in lines for track in line["tracks"]}


@pytest.mark.parametrize("ending", ["well", "killed", "damaged"])
def test_no_id_comes_twice_over_a_restart(
    tmp_path: Path, base: str, clip: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = base + cameras(clip, "a") + "outputs: {jsonl: files, folder: out}\n"
    first = Running(tmp_path)
    first.write(text)
    first.thread.start()
    eventually(lambda: ids_of(told(tmp_path)))
    kept = tmp_path / "status.tracks.json"
    beforehand = kept.read_bytes()  # as a crash would leave it: written before the first frame
    first.stop()
    before = told(tmp_path)
    if ending != "well":
        kept.write_bytes(beforehand if ending == "killed" else b"{")
    second = Running(tmp_path)
    second.write(text)
    second.thread.start()
    try:
        after = eventually(lambda: ids_of(told(tmp_path)[len(before) :]))
    finally:
        second.stop()
    assert first.error is second.error is None
    assert min(after) > max(ids_of(before))
    assert (min(after) - max(ids_of(before)) < RESERVE) == (ending == "well")
    assert ("tracks begin anew" in caplog.text) == (ending == "damaged")
    if ending == "well":  # what was there at the end is told to have gone
        alive = ids_of(before) - {gone for line in before for gone in line["removed"]}
        assert alive <= {gone for line in told(tmp_path)[len(before) :] for gone in line["removed"]}


def test_a_status_that_cannot_be_written_is_said_once_and_again_after_it_could(
    running: Running, base: str, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = threading.Event()
    refused, written = [], []

    def write(path: Path, status: dict[str, Any]) -> None:
        (refused if full.is_set() else written).append(status["state"])
        if full.is_set():
            raise OutputError(f"{path}: no space left on the device")

    def said() -> int:
        return sum("no space left" in one.getMessage() for one in caplog.records)

    monkeypatch.setattr("surveil.app.service.service.write_status", write)
    running.write(base + cameras(clip, "a"))
    running.thread.start()
    for times in (1, 2):
        eventually(lambda: written)
        full.set()
        eventually(lambda: len(refused) >= 3)
        assert said() == times
        full.clear()
        written.clear()
        eventually(lambda: written)
        refused.clear()


def test_a_second_one_refuses_and_names_the_first(running: Running, base: str, clip: Path) -> None:
    running.write(base + cameras(clip, "a"))
    running.thread.start()
    running.wait_for("running", a="playing")
    second = Running(running.path.parent)
    with pytest.raises(UsageError, match=r"another surveil serve is running: process \d+, on .*c\.yaml"):
        second.service.run()


def test_what_cannot_even_start(tmp_path: Path, base: str) -> None:
    with pytest.raises(UsageError, match="make one with `surveil config init"):
        Running(tmp_path).service.run()
    running = Running(tmp_path)
    running.write(base.replace("{status_file", "{metrics: {port: 1, token: '${NO}'}, status_file"))
    with pytest.raises(ConfigError, match=r"service\.metrics\.token: the environment variable NO"):
        running.service.run()
    assert running.status()["state"] == "stopped"

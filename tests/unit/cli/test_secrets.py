"""No password leaves the program: not in what it writes, says, or is called."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveil.app.service.metrics import as_text
from surveil.app.service.status import Facts, as_json
from surveil.cli.launch import setup_logging
from surveil.cli.main import build
from surveil.cli.status import lines
from surveil.errors import Problem, SourceCause, SourceError
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.redact import Redactor
from tests.support.rtsp_camera import RtspCamera
from tests.support.web_camera import WebCamera
from tests.unit.test_redact import HARD_CASES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PAUSE = threading.Event()  # never set: something to wait on
PASSWORD, WRITTEN, TOKEN = "f0rest/b@rk:9", "s3cond-secret", "token-of-the-figures"
FORMS = (PASSWORD, "f0rest", "b%40rk", "b@rk", "ZjByZXN0L2JAcms6O", WRITTEN, "admin", TOKEN)


def eventually(true: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    for _ in range(int(timeout_s / 0.05)):
        if answer := true():
            return answer
        PAUSE.wait(0.05)
    raise AssertionError(f"did not become true within {timeout_s} s")


def test_typed_secrets_do_not_stay_in_the_list_of_processes(root: Path) -> None:
    """All hard cases at once, as arguments of one process, which is asked what others see of it."""
    texts = [text.replace("\r\n", "") for text, _ in HARD_CASES.values()]
    code = (
        "from surveil.cli.title import hide_arguments; hide_arguments(); "
        "print(open('/proc/self/cmdline', encoding='utf-8').read())"
    )
    command = [sys.executable, "-c", code, "run", "clip.mp4", *texts]
    seen = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    seen = seen.replace("password", "")  # the word, which is in none of the secrets
    assert "\0run\0clip.mp4\0" in seen
    assert [secret for _, secrets in HARD_CASES.values() for secret in secrets if secret in seen] == []
    assert seen.count("\0") == len(command)


def refused(text: str) -> None:
    """A command that fails with an error whose text came from outside."""
    app = build()

    def fail() -> None:
        raise SourceError(text, SourceCause.REFUSED)

    app.command("fail")(fail)
    with pytest.raises(SystemExit) as ended:
        app(args=["fail"], prog_name="surveil")
    assert ended.value.code == 3


def written(text: str) -> str:
    """The status, its words and its figures of a service to which a camera has said this."""
    state = State(name="failed", since_s=0.0, cause=text, remedy=text, detail=text, decoder=text)
    problem = Problem(file="c.yaml", reason=text)
    facts = Facts(
        state="degraded", pid=1, started_wall_s=0.0, now_wall_s=1.0, now_s=1.0, period_s=1.0,
        config=Path("c.yaml"), digest="", problems=[problem], device=text, load=Load(rung=1, why=text),
        cameras={"a": (text, state)}, failed={"b": problem}, outputs={"tracks:": text},
    )  # fmt: skip
    status = as_json(facts, Redactor())
    return "\n".join([json.dumps(status), *lines(status, alive=True, age_s=1.0), as_text(status)])


@pytest.mark.parametrize("case", HARD_CASES)
def test_hard_cases_in_log_errors_and_status(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, secrets = HARD_CASES[case]
    setup_logging(verbose=True, quiet=False)
    logging.getLogger("surveil.capture").warning("it says %s", text, exc_info=ValueError(text))
    refused(text)
    told = capsys.readouterr()
    assert told.err.count("it says") == 1
    assert told.err.count("error: ") >= 1
    harmless = written("nothing")  # some of the secrets are words that are there anyway
    for seen, words in ((told.out + told.err, ""), (written(text), harmless)):
        assert [secret for secret in secrets if seen.count(secret) > words.count(secret)] == []


@pytest.fixture
def denying(clip: Path) -> Iterator[RtspCamera]:
    with RtspCamera(clip) as camera:
        camera.deny = "401 Unauthorized"
        yield camera


def test_a_service_with_wrong_passwords_keeps_them_to_itself(
    root: Path, tmp_path: Path, model: Path, denying: RtspCamera
) -> None:
    with WebCamera(login="admin:another") as web:
        config = tmp_path / "c.yaml"
        config.write_text(
            "cameras:\n"
            f"  - {{id: a, inputs: ['{denying.url}'], username: admin, password: '${{PW}}'}}\n"
            f"  - {{id: b, inputs: ['{web.url.replace('//', f'//admin:{WRITTEN}@')}?pwd={WRITTEN}']}}\n"
            "  - {id: c, inputs: ['rtsp://127.0.0.1:1/${PW}']}\n"
            f"  - {{id: d, inputs: ['rtsp://admin:{WRITTEN}@no-such-host.invalid/x']}}\n"
            f"model: {{name: {model}, device: cpu, threads: 1}}\n"
            "outputs: {annotated: true, jsonl: files, folder: out}\n"
            "service: {status_file: status.json, lock_file: lock, status_period_s: 0.2,\n"
            "  metrics: {port: 47613, token: '${TOKEN}'}}\n"
        )
        config.chmod(0o600)
        environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "PW": PASSWORD, "TOKEN": TOKEN}
        surveil = [sys.executable, "-m", "surveil"]
        with (tmp_path / "said").open("w") as said:
            service = subprocess.Popen(
                [*surveil, "serve", "-v", "c.yaml"], cwd=tmp_path, env=environment, stdout=said, stderr=said
            )
            try:
                seen = _watch(service, tmp_path, surveil, environment)
            finally:
                service.send_signal(signal.SIGTERM)
                code = service.wait(60)
    assert code == 0
    kept = {config, config.with_suffix(".yaml.bak")}
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file() and path not in kept):
        seen[str(path.relative_to(tmp_path))] = path.read_text(errors="replace")
    assert {"said", "status.json", "surveil status", "figures", "title", "threads"} <= seen.keys()
    assert "wrong password" in seen["surveil status"]
    assert "asks for another user name or password" in seen["said"]
    leaks = {(where, form) for where, text in seen.items() for form in FORMS if form in text}
    assert leaks == set()


def _watch(
    service: subprocess.Popen[bytes], folder: Path, surveil: list[str], environment: dict[str, str]
) -> dict[str, str]:
    """What can be seen of a running service, once its cameras have been refused."""
    status = folder / "status.json"

    def states() -> dict[str, str]:
        assert service.poll() is None, (folder / "said").read_text()
        cameras = json.loads(status.read_text())["cameras"] if status.exists() else {}
        return {name: camera["state"] for name, camera in cameras.items()}

    wanted = {"a": "failed-auth", "b": "failed-auth", "c": "reconnecting", "d": "reconnecting"}
    eventually(lambda: states() == wanted)
    shown = subprocess.run(
        [*surveil, "status", "c.yaml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    request = urllib.request.Request("http://127.0.0.1:47613/metrics")
    request.add_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        figures = answer.read().decode()
    process = Path("/proc") / str(service.pid)
    return {
        "surveil status": shown.stdout + shown.stderr,
        "figures": figures,
        "title": (process / "cmdline").read_text() + str((process / "exe").readlink()),
        "threads": " ".join((task / "comm").read_text() for task in (process / "task").iterdir()),
    }

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Weights over the network, from a server on this machine: what is kept, and what is refused."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import save

from training.errors import CheckpointError, ConfigError, DataError, TrainingError
from training.fetch import HubConfig, fetch_weights

WEIGHTS = save({"conv_stem.weight": torch.arange(3 * 200_000).reshape(-1, 3).float()})
FILE = "/resolve/main/model.safetensors"
PAGE = b"<!doctype html><title>Sign in</title>" + b" " * 60


WHOLE = len(WEIGHTS)
BODIES: dict[str, tuple[bytes, int | None]] = {  # and their Content-Length
    "timm/whole": (WEIGHTS, WHOLE),
    "other/whole": (WEIGHTS, WHOLE),
    "cdn/stored": (WEIGHTS, WHOLE),
    "timm/unsized": (WEIGHTS, None),
    "timm/cut": (WEIGHTS[:-9], WHOLE),
    "timm/short": (WEIGHTS[:-9], WHOLE - 9),
    "timm/page": (PAGE, len(PAGE)),
}
MOVED = {
    "timm/moved": f"http://127.0.0.1:{{}}/cdn/stored{FILE}",
    "timm/abroad": f"http://localhost:{{}}/cdn/stored{FILE}",
    "timm/opened": "ftp://127.0.0.1:{}/etc/passwd",
}
REFUSED = {"timm/private": 401, "timm/busy": 503}


class Hub(BaseHTTPRequestHandler):
    """Answers by the name of the model."""

    asked: list[str]

    def do_GET(self) -> None:
        """See `BaseHTTPRequestHandler`."""
        self.asked.append(self.path)
        name = self.path.removesuffix(FILE).removeprefix("/")
        if name in BODIES:
            self._answer(*BODIES[name])
        elif name in MOVED:
            self._go(MOVED[name].format(self.server.server_port))
        else:
            self.send_error(REFUSED.get(name, 404))

    def _answer(self, body: bytes, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def _go(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubConfig]:
    """A hub on this machine; `Hub.asked` are the addresses that it was asked for."""
    monkeypatch.setattr(Hub, "asked", [], raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="hub")
        thread.start()
        yield HubConfig(
            address=f"http://127.0.0.1:{server.server_port}", hosts=("127.0.0.1",), timeout_s=20.0
        )
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["whole", "moved", "unsized"])
def test_weights_are_fetched_once(
    hub: HubConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    path = fetch_weights(f"timm/{name}", tmp_path / "new", hub)
    assert path == tmp_path / "new" / f"{name}.safetensors"
    assert path.read_bytes() == WEIGHTS
    asked = list(Hub.asked)
    assert fetch_weights(f"timm/{name}", tmp_path / "new", hub) == path
    assert Hub.asked == asked
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert caplog.text.count(hashlib.sha256(WEIGHTS).hexdigest()) == 2


def test_weights_are_kept_in_the_users_cache_by_owner(
    hub: HubConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name, appauthor: tmp_path / name)
    assert fetch_weights("timm/whole", None, hub) == tmp_path / "surveil/starts/timm/whole.safetensors"
    assert fetch_weights("other/whole", None, hub) == tmp_path / "surveil/starts/other/whole.safetensors"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("none", DataError, r"404, no public model of this name has a model\.safetensors; or download it by"),
        ("private", DataError, "401, no public model of this name"),
        ("busy", DataError, "503, Service Unavailable; or download it by hand"),
        ("cut", DataError, "cut off after|cannot be fetched .*IncompleteRead"),
        ("short", CheckpointError, "not a safetensors file "),
        ("page", CheckpointError, "not a safetensors file, but a web page"),
        ("abroad", DataError, r"localhost:\d+/.*: neither http nor of 127\.0\.0\.1"),
        ("opened", DataError, r"ftp://127\.0\.0\.1:\d+/etc/passwd: neither http nor"),
    ],
)
def test_what_is_no_start_is_refused_and_nothing_is_left(
    hub: HubConfig, tmp_path: Path, name: str, error: type[TrainingError], message: str
) -> None:
    with pytest.raises(error, match=message):
        fetch_weights(f"timm/{name}", tmp_path, hub)
    assert list(tmp_path.iterdir()) == []


def test_a_file_beyond_all_starts_is_refused(hub: HubConfig, tmp_path: Path) -> None:
    for name in ("whole", "unsized"):
        with pytest.raises(DataError, match="larger than 1 MiB"):
            fetch_weights(f"timm/{name}", tmp_path, replace(hub, largest=1 << 20))
    assert list(tmp_path.iterdir()) == []


def test_nobody_answers(hub: HubConfig, tmp_path: Path) -> None:
    deaf = replace(hub, address="http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"cannot be fetched .*say --start FILE"):
        fetch_weights("timm/whole", tmp_path, deaf)


@pytest.mark.parametrize("name", ["whole", "timm/", "../../etc", "timm/../x", "timm/a/b", "timm/a?b", "-a/b"])
def test_a_name_is_an_owner_and_a_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="expected hf:OWNER/NAME, such as hf:timm/"):
        fetch_weights(name, tmp_path)


def test_the_hub_itself_is_https_alone() -> None:
    config = HubConfig()
    config.check("https://huggingface.co/timm/x")
    config.check("https://cas-bridge.xethub.hf.co/x?signature=1")
    for address in ("http://huggingface.co/x", "https://nothuggingface.co/x", "https://hf.co.evil.org/x"):
        with pytest.raises(DataError, match=r"neither https nor of huggingface\.co, hf\.co"):
            config.check(address)

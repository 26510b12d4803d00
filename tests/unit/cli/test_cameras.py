"""`surveil cameras`, against cameras on the loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from surveil.capture.onvif.discover import DiscoverConfig
from tests.support.onvif_camera import Crowd, OnvifCamera, match, matches

pytest.importorskip("defusedxml", reason="comes with the extra onvif")

Cli = Callable[..., Any]
SERVICE = "http://127.0.0.1:8000/onvif/device_service"


@pytest.fixture
def on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> Callable[[Crowd], None]:
    """Has the next search call to this crowd."""

    def use(crowd: Crowd) -> None:
        config = partial(DiscoverConfig, group=crowd.address, interfaces=("127.0.0.1",))
        monkeypatch.setattr("surveil.capture.onvif.discover.DiscoverConfig", config)

    return use


def test_find_prints_a_table_and_what_is_next(cli: Cli, on_the_loopback: Any) -> None:
    with Crowd(matches(match(SERVICE, name="Front%20door"))) as crowd:
        on_the_loopback(crowd)
        outcome = cli("cameras", "find", "--for", 0.5)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"127.0.0.1  Front door  DX-1  {SERVICE}\n"
    assert "surveil cameras streams 127.0.0.1 --username NAME" in outcome.err


def test_find_prints_json(cli: Cli, on_the_loopback: Any) -> None:
    with Crowd(matches(match(SERVICE, name="%3Cb%3E"))) as crowd:
        on_the_loopback(crowd)
        outcome = cli("cameras", "find", "--for", 0.5, "--json")
    assert json.loads(outcome.out) == [
        {"service": SERVICE, "host": "127.0.0.1", "name": "<b>", "hardware": "DX-1"}
    ]
    assert outcome.err == ""


def test_nobody_answers(cli: Cli, on_the_loopback: Any) -> None:
    with Crowd() as crowd:
        on_the_loopback(crowd)
        outcome = cli("cameras", "find", "--for", 0.5, "--json")
    assert outcome.code == 3
    assert json.loads(outcome.out) == []
    assert "no camera answered" in outcome.err
    assert "surveil cameras streams HOST" in outcome.err.replace("\n", " ")


def test_streams_prints_what_each_is_good_for(cli: Cli) -> None:
    with OnvifCamera("me", "secret word") as camera:
        outcome = cli("cameras", "streams", camera.host, "--username", "me", "--password", "secret word")
    assert outcome.code == 0, outcome.err
    large, small = outcome.out.splitlines()
    assert large.startswith("rtsp://127.0.0.1:8554/main?a=1&b=2  1920x1080  25 fps  H264  Main stream")
    assert large.endswith("<- record, live")
    assert small.endswith("Sub stream   <- detect")
    assert "secret" not in outcome.out + outcome.err


def test_streams_prints_json_and_reads_references(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_WORD", "secret word")
    with OnvifCamera("me", "secret word", by="digest") as camera:
        outcome = cli(
            "cameras", "streams", camera.service, "--username", "me", "--password", "${DOOR_WORD}", "--json"
        )
    assert [stream["size"] for stream in json.loads(outcome.out)] == [[1920, 1080], [640, 360]]


def test_a_wrong_password_is_an_error_with_its_remedy(cli: Cli) -> None:
    with OnvifCamera("me", "secret word") as camera:
        outcome = cli("cameras", "streams", camera.host, "--username", "me", "--password", "other word")
    assert outcome.code == 3
    assert "refuses this user and password" in outcome.err
    assert "word" not in outcome.err.replace("password", "")


def test_an_address_that_cannot_be_one(cli: Cli) -> None:
    assert cli("cameras", "streams", "a b").code == 2
    assert cli("cameras", "streams", "10.0.0.7", "--password", "${NOT_SET_ANYWHERE}").code == 2


def test_without_the_extra_it_says_how_to_get_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("defusedxml", "defusedxml.ElementTree"):
        monkeypatch.setitem(sys.modules, name, None)
    outcome = cli("cameras", "find")
    assert outcome.code == 2
    assert "pip install 'surveil[onvif]'" in outcome.err

from __future__ import annotations

import threading

import pytest

from surveil.app.doors import configure_cameras, plan_run
from surveil.app.login import log_in, with_login
from surveil.app.options import CameraOptions, GuiOptions, RunOptions
from surveil.capture.spec import expand_sources
from surveil.config.references import References
from surveil.errors import UsageError

HARD = "a@b/c:d?e#f %"
ENCODED = "a%40b%2Fc%3Ad%3Fe%23f%20%25"


def test_what_is_needed_is_encoded_and_what_was_looked_up_is_known_as_secret() -> None:
    references = References({"PW": HARD})
    url = with_login("rtsp://10.0.0.7:8554/1?x=1", "me@x.org", "${PW}", references)
    assert url == f"rtsp://me%40x.org:{ENCODED}@10.0.0.7:8554/1?x=1"
    assert HARD in references.secrets
    assert with_login("rtsp://h/1", None, None, references) == "rtsp://h/1"
    assert with_login("/dev/video0", "me", "pw", references) == "/dev/video0"


def test_network_cameras_alone_are_logged_in() -> None:
    specs = expand_sources(["rtsp://h/1", "0", "https://h/2"])
    first, usb, second = log_in(specs, "me", "keyring:door", References({}, lambda name: f"pw-of-{name}"))
    assert first.text == "rtsp://me:pw-of-door@h/1"
    assert (usb, second.text) == (specs[1], "https://me:pw-of-door@h/2")
    assert [spec.name for spec in (first, usb, second)] == [spec.name for spec in specs]
    assert "pw-of" not in repr(first) + first.shown


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("0", "no source is one"),
        ("rtsp://u:secret@h/1", "keep one of them"),
        ("rtsp://h/1", "NO_PW is not set"),
    ],
)
def test_a_login_that_cannot_work(source: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        log_in(expand_sources([source]), "me", "${NO_PW}", References({}))
    assert "secret" not in str(caught.value)


def test_a_run_takes_login_and_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_PW", HARD)
    camera = CameraOptions(transport="udp", verify_tls=True, username="me", password="${DOOR_PW}")
    run = plan_run(["rtsp://h/1"], RunOptions(camera=camera), threading.Event())
    assert run.specs[0].text == f"rtsp://me:{ENCODED}@h/1"
    config = run._parts.camera(run.specs[0])
    assert (config.transport, config.verify_tls) == ("udp", True)
    assert HARD not in repr(camera)


def test_the_window_takes_login_and_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_PW", HARD)
    camera = CameraOptions(transport="udp", verify_tls=True, username="me", password="${DOOR_PW}")
    network, recording = configure_cameras(["rtsp://h/1", "test://street"], GuiOptions(camera=camera))
    assert network.source.text == f"rtsp://me:{ENCODED}@h/1"
    assert (network.transport, network.verify_tls) == ("udp", True)
    assert recording.source.text == "test://street"

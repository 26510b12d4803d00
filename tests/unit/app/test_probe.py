from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from surveil.app.probe import probe, source_of
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.config.camera import Camera, Input, Masks
from surveil.config.shapes import Area
from surveil.errors import SourceCause, SourceError
from surveil.resources import demo_clip
from tests.support.rtsp_camera import RtspCamera
from tests.support.tls import TlsFront, make_certificate


def look(text: str, stop: threading.Event | None = None):
    return probe(parse_source(text), clock=SystemClock(), stop=stop or threading.Event())


def test_a_recording_says_what_it_is() -> None:
    found = look(str(demo_clip()))
    assert (found.size, found.rate_hz) == ((960, 540), 12.0)
    assert "h264" in found.decoder
    assert found.frame.image.shape == (540, 960, 3)


def test_what_is_private_is_not_seen_in_a_test_either() -> None:
    left = Area(points=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    masked = Camera(id="a", inputs=(Input(url="0"),), masks=Masks(privacy=(left,)))
    spec = parse_source(str(demo_clip()))
    found = probe(spec, clock=SystemClock(), stop=threading.Event(), camera=masked)
    assert found is not None
    assert not found.frame.image[:, :480].any()
    assert found.frame.image[:, 490:].any()


def test_an_encrypted_camera_is_asked_who_it_is_as_it_will_be_later(clip: Path, tmp_path: Path) -> None:
    with RtspCamera(clip) as plain, TlsFront(plain.port, make_certificate(tmp_path)) as front:
        url = f"rtsps://127.0.0.1:{front.port}/cam"
        camera = Camera(id="a", inputs=(Input(url=url),))
        assert probe(parse_source(url), clock=SystemClock(), stop=threading.Event(), camera=camera)
        proved = camera.model_copy(update={"verify_tls": True})
        with pytest.raises(SourceError) as refused:
            probe(parse_source(url), clock=SystemClock(), stop=threading.Event(), camera=proved)
    assert refused.value.cause is SourceCause.TLS


def test_a_camera_that_refuses_says_why_and_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError) as refused:
        look(f"rtsp://127.0.0.1:{port}/s")
    assert refused.value.cause is SourceCause.REFUSED
    assert "port" in refused.value.remedy


def test_a_camera_that_never_answers_can_be_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stop = threading.Event()
        threading.Timer(0.3, stop.set).start()
        began_s = SystemClock().monotonic()
        # Whichever is first: its own time limit, or that it was given up.
        with suppress(SourceError):
            assert look(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/s", stop) is None
        assert SystemClock().monotonic() - began_s < 5


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        look(str(tmp_path / "a.mp4"))


def test_what_is_opened_has_the_cameras_user_and_password() -> None:
    camera = Camera(
        id="door", inputs=(Input(url="rtsp://10.0.0.7/s"),), username="admin", password="${SECRET}"
    )
    spec = source_of(camera, Path("surveil.yaml"), {"SECRET": "a@b"})
    assert spec.text == "rtsp://admin:a%40b@10.0.0.7/s"


def test_a_relative_path_counts_from_the_file(tmp_path: Path) -> None:
    camera = Camera(id="clip", inputs=(Input(url="a.mp4"),))
    assert source_of(camera, tmp_path / "surveil.yaml", {}).text == str(tmp_path / "a.mp4")

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial

import pytest

from surveil.capture.onvif.http import LARGEST
from surveil.capture.onvif.login import Login
from surveil.capture.onvif.media import streams_of
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, UsageError
from tests.support.onvif_camera import BOMB, ENVELOPE, OnvifCamera, fault
from tests.support.tls import TlsFront, make_certificate

pytest.importorskip("defusedxml", reason="comes with the extra onvif")

WORD = "pass wörd & <b>"


def streams(service: str, user: str = "", password: str = "", stop: threading.Event | None = None):
    login = Login(username=user, password=password) if user else None
    return streams_of(service, login, clock=SystemClock(), stop=stop or threading.Event())


def failure(service: str, user: str = "", password: str = "") -> SourceError:
    with pytest.raises(SourceError) as caught:
        streams(service, user, password)
    assert "pass" not in str(caught.value).replace("password", "")
    return caught.value


def test_streams_with_their_figures_the_largest_first() -> None:
    with OnvifCamera() as camera:
        camera.streams = tuple(reversed(camera.streams))
        large, small = streams(camera.service)
    assert large.url == "rtsp://127.0.0.1:8554/main?a=1&b=2"
    assert (large.name, large.codec, large.size, large.rate_hz) == ("Main stream", "H264", (1920, 1080), 25.0)
    assert (small.size, small.rate_hz) == ((640, 360), 15.0)


@pytest.mark.parametrize("by", ["token", "digest"])
def test_user_and_password_are_proved(by: str) -> None:
    with OnvifCamera("me & you", WORD, by=by) as camera:
        assert len(streams(camera.service, "me & you", WORD)) == 2


@pytest.mark.parametrize("ahead", [timedelta(days=-4000), timedelta(hours=9)])
def test_a_camera_whose_clock_is_wrong_still_believes_us(ahead: timedelta) -> None:
    with OnvifCamera("me", WORD) as camera:
        camera.skew = ahead
        assert len(streams(camera.service, "me", WORD)) == 2


@pytest.mark.parametrize("year", ["9999", "0", "next", ""])
def test_a_camera_whose_time_makes_no_sense_is_asked_all_the_same(year: str) -> None:
    rest = "".join(f"<tt:{part}>1</tt:{part}>" for part in ("Month", "Day"))
    hours = "".join(f"<tt:{part}>1</tt:{part}>" for part in ("Hour", "Minute", "Second"))
    date = f"<tt:Date><tt:Year>{year}</tt:Year>{rest}</tt:Date><tt:Time>{hours}</tt:Time>"
    said = f"<tds:GetSystemDateAndTimeResponse><tt:UTCDateTime>{date}</tt:UTCDateTime>"
    answer = (ENVELOPE % f"{said}</tds:GetSystemDateAndTimeResponse>").encode()
    with OnvifCamera("me", WORD) as camera:
        camera.instead = lambda question: (200, answer) if question == "GetSystemDateAndTime" else None
        assert len(streams(camera.service, "me", WORD)) == 2


@pytest.mark.parametrize("by", ["token", "digest"])
def test_a_wrong_password_is_said_and_tried_once(by: str) -> None:
    with OnvifCamera("me", WORD, by=by) as camera:
        error = failure(camera.service, "me", "passion")
        assert camera.asked == ["GetSystemDateAndTime"]
    assert error.cause is SourceCause.AUTH
    assert "refuses this user and password" in str(error)


def test_without_a_password_it_asks_for_one() -> None:
    with OnvifCamera("me", WORD) as camera:
        error = failure(camera.service)
    assert error.cause is SourceCause.AUTH
    assert "asks for user and password" in str(error)


def test_a_camera_that_wants_the_password_itself_does_not_get_it() -> None:
    """HTTP's Basic scheme would send it readable for everybody."""
    with OnvifCamera("me", WORD, by="digest") as camera:
        camera._digest_fits = lambda request: False
        assert failure(camera.service, "me", WORD).cause is SourceCause.AUTH


def test_no_media_profiles() -> None:
    with OnvifCamera() as camera:
        camera.streams = ()
        error = failure(camera.service)
    assert error.cause is SourceCause.EMPTY
    assert "no media profile with video" in str(error)


def test_no_media_service() -> None:
    with OnvifCamera() as camera:
        nothing = (ENVELOPE % "<tds:GetCapabilitiesResponse/>").encode()
        camera.instead = lambda question: (200, nothing) if question == "GetCapabilities" else None
        assert "names no service for video" in str(failure(camera.service))


def test_a_profile_that_is_not_set_up_leaves_the_others() -> None:
    with OnvifCamera() as camera:
        first = iter([(500, fault("ter:NoProfile", "no such profile"))])
        camera.instead = lambda question: next(first, None) if question == "GetStreamUri" else None
        assert [stream.name for stream in streams(camera.service)] == ["Sub stream"]


def test_only_profiles_that_are_not_set_up() -> None:
    with OnvifCamera() as camera:
        said = (500, fault("ter:NoProfile", "<b>no</b>\nprofile"))
        camera.instead = lambda question: said if question == "GetStreamUri" else None
        error = failure(camera.service)
    assert "GetStreamUri failed: <b>no</b> profile" in str(error)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("rtsp://u:secret@127.0.0.1/s", "rtsp://127.0.0.1/s"),
        ("rtsps://127.0.0.1/s", "rtsps://127.0.0.1/s"),
        ("file:///etc/passwd", None),
        ("concat:a|b", None),
        ("rtsp://", None),
        ("", None),
    ],
)
def test_addresses_are_checked_and_hold_no_password(uri: str, url: str | None) -> None:
    with OnvifCamera() as camera:
        camera.uri = lambda token: uri
        if url is None:
            assert failure(camera.service).cause is SourceCause.EMPTY
        else:
            assert [stream.url for stream in streams(camera.service)] == [url]


def test_two_profiles_of_one_address_are_one_stream_and_nonsense_is_no_figure() -> None:
    with OnvifCamera() as camera:
        camera.uri = lambda token: "rtsp://127.0.0.1/s"
        camera.streams = (("a", "<i>A</i>", "H265", (-1, 10**9), 0), ("b", "B", "H264", (640, 360), 5))
        (stream,) = streams(camera.service)
    assert (stream.name, stream.size, stream.rate_hz) == ("<i>A</i>", (0, 0), 0.0)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html><body>Welcome</body></html>"),
        (200, b""),
        (404, b"not here"),
        (200, BOMB.encode()),
        (302, b""),
        (200, b"<a/>"),
        (200, b" " * (LARGEST + 10)),
        (500, b"\x00\xff"),
    ],
    ids=["page", "nothing", "404", "bomb", "elsewhere", "xml", "too much", "bytes"],
)
def test_whatever_else_answers_speaks_no_onvif(answer: tuple[int, bytes]) -> None:
    with OnvifCamera() as camera:
        camera.instead = lambda question: answer
        error = failure(camera.service, "me", "word")
    assert error.cause is SourceCause.UNSUPPORTED
    assert "Switch ONVIF on" in error.remedy


def test_nobody_listens() -> None:
    with OnvifCamera() as camera:
        service = camera.service
    assert failure(service).cause is SourceCause.REFUSED


def test_a_camera_that_never_answers_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr("surveil.capture.onvif.soap.QUESTION_S", 0.3)
    with OnvifCamera() as camera:
        camera.silent.set()
        assert failure(camera.service).cause is SourceCause.TIMEOUT


def test_a_stop_ends_the_waiting_at_once() -> None:
    stop = threading.Event()
    with OnvifCamera() as camera:
        camera.silent.set()
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(SourceError):
            streams(camera.service, stop=stop)
        assert time.monotonic() - began < 3


def test_over_an_encrypted_connection(tmp_path) -> None:
    with OnvifCamera() as camera, TlsFront(camera.port, make_certificate(tmp_path)) as front:
        assert len(streams(f"https://127.0.0.1:{front.port}/onvif/device_service")) == 2
        error = failure(f"https://127.0.0.1:{camera.port}/onvif/device_service")
    assert error.cause is SourceCause.TLS


@pytest.mark.parametrize("service", ["rtsp://10.0.0.7/x", "http://", "http://a b/", "nonsense"])
def test_an_address_that_cannot_be_one(service: str) -> None:
    with pytest.raises(UsageError):
        streams(service)


def test_a_camera_that_trickles_is_given_up(monkeypatch) -> None:
    """A byte now and then keeps any time limit of a single read from ending."""
    import socket

    monkeypatch.setattr("surveil.capture.onvif.soap.QUESTION_S", 0.6)
    over = threading.Event()

    def trickle(server: socket.socket) -> None:
        while not over.is_set():
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            with client:
                client.recv(65_536)
                while not over.wait(0.05):
                    try:
                        client.sendall(b"HTTP/1.1 200 OK\r\nX: " if not over.is_set() else b"")
                    except OSError:
                        break

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)
        thread = threading.Thread(target=partial(trickle, server), name="trickle")
        thread.start()
        try:
            error = failure(f"http://127.0.0.1:{server.getsockname()[1]}/x")
        finally:
            over.set()
            thread.join()
    assert error.cause in (SourceCause.TIMEOUT, SourceCause.UNSUPPORTED)

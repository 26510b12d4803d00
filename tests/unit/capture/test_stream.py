from __future__ import annotations

import contextlib
import itertools
import random
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveil.capture.address import StreamAddress
from surveil.capture.stream import StreamConfig, StreamSource
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, SurveilError
from surveil.types import Frame
from tests.support.clips import write_clip
from tests.support.rtsp_camera import RtspCamera

CLOCK = SystemClock()
QUICK = StreamConfig(connect_timeout_s=0.5, open_timeout_s=0.7, read_timeout_s=0.7)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=30, rate=30, size=(160, 120))


@pytest.fixture
def camera(clip: Path) -> Iterator[RtspCamera]:
    with RtspCamera(clip) as server:
        yield server


def source(url: str, **options: Any) -> StreamSource:
    options = {"config": QUICK, **options}
    return StreamSource(StreamAddress.parse(url), camera_id="yard", clock=CLOCK, **options)


def play(url: str, count: int, then: Callable[[], object] = lambda: None, **options: Any) -> list[Frame]:
    """Plays until the stream breaks; after `count` frames `then` happens."""
    frames = []
    with source(url, **options) as opened:
        for frame in opened.frames(threading.Event()):
            frames.append(frame)
            if len(frames) == count:
                then()
    return frames


def fault(url: str, then: Callable[[], object] = lambda: None, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(url, 5, then, **options)
    assert caught.value.remedy
    return caught.value


def test_what_is_known_of_a_camera(camera: RtspCamera) -> None:
    with source(camera.url) as opened:
        info = opened.info
    assert (info.name, info.size, info.live, info.duration_s) == ("yard", (160, 120), True, None)
    assert info.decoder == "h264 (software)"


def test_frames_come_at_the_cameras_pace(camera: RtspCamera) -> None:
    with source(camera.url) as opened:
        frames = list(itertools.islice(opened.frames(threading.Event()), 30))
    assert frames[-1].pts_s == pytest.approx(29 / 30, abs=0.15)
    assert frames[-1].arrived_s - frames[5].arrived_s == pytest.approx(24 / 30, abs=0.4)


def test_udp_by_option(camera: RtspCamera) -> None:
    with source(camera.url, config=StreamConfig(transport="udp")) as opened:
        assert len(list(itertools.islice(opened.frames(threading.Event()), 10))) == 10


def test_packets_are_offered_before_they_are_decoded(camera: RtspCamera) -> None:
    packets: list[Any] = []
    with source(camera.url, packet_sink=packets.append) as opened:
        for frame in itertools.islice(opened.frames(threading.Event()), 10):
            assert len(packets) > frame.index
    assert packets[0].is_keyframe


def test_a_killed_connection_is_seen_at_once(camera: RtspCamera) -> None:
    cut_s: list[float] = []

    def cut() -> None:
        cut_s.append(time.monotonic())
        camera.kick()

    assert fault(camera.url, cut).cause is SourceCause.ENDED
    assert time.monotonic() - cut_s[0] < 0.7


@pytest.mark.parametrize("what", ["stall", "drop"])
def test_a_camera_that_falls_silent_is_seen_after_the_read_timeout(camera: RtspCamera, what: str) -> None:
    silent_s: list[float] = []

    def silence() -> None:
        silent_s.append(time.monotonic())
        getattr(camera, what).set()

    assert fault(camera.url, silence).cause is SourceCause.TIMEOUT
    assert 0.5 < time.monotonic() - silent_s[0] < 2


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("401 Unauthorized", SourceCause.AUTH),
        ("403 Forbidden", SourceCause.AUTH),
        ("404 Not Found", SourceCause.NOT_FOUND),
        ("453 Not Enough Bandwidth", SourceCause.REFUSED),
        ("503 Service Unavailable", SourceCause.REFUSED),
    ],
)
def test_refusals_keep_their_cause_and_the_password_secret(
    camera: RtspCamera, status: str, cause: SourceCause
) -> None:
    camera.deny = status
    error = fault(camera.url.replace("//", "//admin:geheim@"))
    assert error.cause is cause
    assert "geheim" not in "".join(traceback.format_exception(error))


def test_a_server_that_never_answers_has_a_deadline(camera: RtspCamera) -> None:
    camera.mute.set()
    started_s = time.monotonic()
    assert fault(camera.url).cause is SourceCause.TIMEOUT
    assert time.monotonic() - started_s < 2


def test_a_port_that_is_closed(camera: RtspCamera) -> None:
    camera.close()
    assert fault(camera.url).cause is SourceCause.REFUSED


def test_a_stop_ends_connecting(camera: RtspCamera) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(SourceError, match="stopped"), source(camera.url, stop=stop):
        pass
    assert camera.clients == 0


def test_a_stop_while_the_camera_is_silent(camera: RtspCamera) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)

    def silence() -> None:
        camera.stall.set()
        timer.start()

    started_s = time.monotonic()
    with contextlib.suppress(SourceError), source(camera.url, config=StreamConfig()) as opened:
        for frame in opened.frames(stop):
            if frame.index == 3:
                silence()
                started_s = time.monotonic()
    assert time.monotonic() - started_s < 2
    timer.join()


def test_who_is_too_slow_sees_fewer_pictures_but_no_old_ones(camera: RtspCamera) -> None:
    """The camera sends 30 pictures a second, and a reader takes 6."""
    ages_s = []
    with source(camera.url) as opened:
        begun_s = time.monotonic()
        for frame in opened.frames(threading.Event()):
            ages_s.append(frame.arrived_s - begun_s - frame.pts_s)
            if time.monotonic() - begun_s > 5:
                break
            time.sleep(1 / 6)
        assert opened.counters["late_packets"] > 20
    assert ages_s[-1] < 3.3  # without leaving out it is 5 s * 24 / 30 = 4 s, and grows


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose socket it is")
@pytest.mark.parametrize("what", ["stall", "mute"])
def test_waiting_is_interrupted_while_opening_and_while_playing(camera: RtspCamera, what: str) -> None:
    config = StreamConfig(open_timeout_s=20.0, read_timeout_s=20.0)
    opened = source(camera.url, config=config)
    getattr(camera, what).set()
    timer = threading.Timer(0.5, opened.interrupt)
    timer.start()
    started_s = time.monotonic()
    with pytest.raises(SourceError), opened:
        list(opened.frames(threading.Event()))
    assert time.monotonic() - started_s < 5
    timer.join()


def test_data_without_a_good_picture_is_a_fault(camera: RtspCamera) -> None:
    config = StreamConfig(picture_timeout_s=0.3)
    with source(camera.url, config=config) as opened:
        opened._decode = lambda packet: []  # type: ignore[method-assign]  # every picture is damaged
        with pytest.raises(SourceError, match="no sound picture") as caught:
            list(opened.frames(threading.Event()))
    assert caught.value.cause is SourceCause.DAMAGED


def test_nothing_is_left_open_after_random_stops(camera: RtspCamera) -> None:
    dice = random.Random(1)
    for _ in range(6):
        stop = threading.Event()
        timer = threading.Timer(dice.random() * 0.3, stop.set)
        timer.start()
        started_s = time.monotonic()
        with contextlib.suppress(SourceError), source(camera.url, stop=stop) as opened:
            for _ in opened.frames(stop):
                pass
        timer.join()
        assert time.monotonic() - started_s < 2.3
    for _ in range(100):
        if not camera.clients:
            break
        time.sleep(0.02)
    assert camera.clients == 0


@pytest.mark.parametrize("seed", range(8))
def test_answers_that_are_noise_bring_an_error_and_nothing_else(clip: Path, seed: int) -> None:
    """Mutated RTSP and HTTP answers: always a SurveilError, never a hang."""
    dice = random.Random(seed)
    answer = bytearray(
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 60\r\n\r\nv=0\r\nm=video 0 RTP/AVP 96\r\n"
    )
    for _ in range(10):
        answer[dice.randrange(len(answer))] = dice.randrange(256)

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(1)
                    while client.recv(4096):
                        client.sendall(bytes(answer))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        started_s = time.monotonic()
        with pytest.raises(SurveilError):
            play(f"{'rtsp' if seed % 2 else 'http'}://127.0.0.1:{server.getsockname()[1]}/x", 1)
        assert time.monotonic() - started_s < 5
        server.shutdown(socket.SHUT_RDWR)
    thread.join()

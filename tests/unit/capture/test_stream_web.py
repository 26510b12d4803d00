"""Cameras that speak HTTP, encrypted cameras, and answers that are no video."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.capture.address import StreamAddress
from surveil.capture.stream import StreamConfig, StreamSource
from surveil.capture.supervise import SuperviseConfig, Supervisor
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError
from surveil.types import Frame
from tests.support.clips import picture, write_clip, write_sound
from tests.support.rtsp_camera import RtspCamera
from tests.support.tls import TlsFront, make_certificate
from tests.support.web_camera import BOUNDARY, WebCamera, jpeg_part, motion_jpeg

CLOCK = SystemClock()


def source(url: str, **config: Any) -> StreamSource:
    limits = {"connect_timeout_s": 2.0, "open_timeout_s": 3.0, "read_timeout_s": 1.0} | config
    return StreamSource(
        StreamAddress.parse(url), camera_id="yard", clock=CLOCK, config=StreamConfig(**limits)
    )


def play(url: str, count: int, **config: Any) -> list[Frame]:
    with source(url, **config) as opened:
        return list(itertools.islice(opened.frames(threading.Event()), count))


def fault(url: str, **config: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(url, 10**6, **config)
    assert caught.value.remedy
    return caught.value


# ---- motion JPEG


def test_motion_jpeg_in_parts() -> None:
    with WebCamera() as camera, source(camera.url) as opened:
        frames = list(itertools.islice(opened.frames(threading.Event()), 20))
        assert opened.info.decoder == "mjpeg (software)"
        assert opened.info.live
    assert frames[0].size == (64, 48)
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(frames))


def test_a_password_with_every_sign_in_it() -> None:
    with WebCamera(login="admin:a@b/c:d?e#f %&") as camera:
        right = camera.url.replace("//", "//admin:a%40b%2Fc%3Ad%3Fe%23f%20%25%26@")
        assert len(play(right, 3)) == 3
        assert fault(camera.url.replace("//", "//admin:wrong@")).cause is SourceCause.AUTH


@pytest.mark.parametrize(("what", "cause"), [("cut", SourceCause.ENDED), ("silent", SourceCause.TIMEOUT)])
def test_a_connection_that_is_cut_or_falls_silent(what: str, cause: SourceCause) -> None:
    frames = []
    with WebCamera() as camera, source(camera.url) as opened:

        def play_on() -> None:
            for frame in opened.frames(threading.Event()):
                frames.append(frame)
                if frame.index == 5:
                    camera.kick() if what == "cut" else camera.stall.set()

        with pytest.raises(SourceError) as caught:
            play_on()
    assert caught.value.cause is cause
    assert CLOCK.monotonic() - frames[5].arrived_s < 5


def test_a_size_that_changes_in_mid_stream() -> None:
    def growing() -> Iterator[bytes]:
        return motion_jpeg(picture(k, (64, 48) if k < 8 else (160, 120)) for k in range(30))

    with WebCamera(growing) as camera:
        frames = play(camera.url, 16)
    sizes = [frame.size for frame in frames]
    assert sizes[0] == (64, 48)
    assert sizes[-1] == (160, 120)


def test_a_broken_picture_among_sound_ones_is_left_out() -> None:
    def with_noise() -> Iterator[bytes]:
        for k in range(40):
            if k == 5:
                noise = np.random.default_rng(1).bytes(800)
                yield b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: 800\r\n\r\n" % BOUNDARY.encode()
                yield noise + b"\r\n"
            else:
                yield jpeg_part(picture(k))
            time.sleep(0.01)

    with WebCamera(with_noise) as camera, source(camera.url) as opened:
        frames = list(itertools.islice(opened.frames(threading.Event()), 20))
        assert opened.counters["damaged_packets"] + opened.counters["corrupt_frames"] >= 1
    assert all(frame.image.std() > 5 for frame in frames)


def test_a_frame_of_8k() -> None:
    large = np.full((4320, 7680, 3), 96, np.uint8)
    large[1000:3000, 2000:5000] = (40, 200, 250)
    part = jpeg_part(large)

    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield part
            time.sleep(0.2)

    with WebCamera(parts) as camera:
        frames = play(camera.url, 2, open_timeout_s=30.0, read_timeout_s=30.0)
    assert frames[0].size == (7680, 4320)


# ---- what is no video


def test_a_web_page_instead_of_video() -> None:
    page = b"<html><body>Welcome to the camera</body></html>" * 50
    with WebCamera(lambda: iter([page]), kind="text/html") as camera:
        error = fault(camera.url)
    assert error.cause is SourceCause.NOT_VIDEO
    assert "web page" in error.remedy


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, SourceCause.AUTH),
        (403, SourceCause.AUTH),
        (404, SourceCause.NOT_FOUND),
        (500, SourceCause.REFUSED),
    ],
)
def test_refusals(status: int, cause: SourceCause) -> None:
    with WebCamera() as camera:
        camera.deny = status
        assert fault(camera.url).cause is cause


def test_a_playlist_from_the_network_cannot_read_local_files(clip: Path) -> None:
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n".encode()
    kind = "application/vnd.apple.mpegurl"
    with WebCamera(lambda: iter([playlist]), kind=kind, path="/video.m3u8") as camera:
        assert isinstance(fault(camera.url), SourceError)


def test_a_camera_that_sends_sound_alone(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "sound.ts").read_bytes()
    with WebCamera(lambda: itertools.repeat(sound, 20), kind="video/mp2t") as camera:
        error = fault(camera.url)
    assert error.cause is SourceCause.NOT_VIDEO
    assert "only sound" in str(error)


def test_a_stream_that_comes_back_with_another_codec(tmp_path: Path) -> None:
    """The camera's settings were changed: the connection breaks, and the next one brings MPEG-TS."""
    clip = write_clip(tmp_path / "clip.ts", frames=60, rate=20, size=(96, 64), gop=5).read_bytes()
    stop, frames = threading.Event(), list[Frame]()

    def transport_stream() -> Iterator[bytes]:
        for place in range(0, len(clip), 1880):
            yield clip[place : place + 1880]
            time.sleep(0.005)

    with WebCamera(lambda: motion_jpeg(count=15)) as camera:

        def take(frame: Frame) -> None:
            frames.append(frame)
            if frame.size == (64, 48):
                camera.body, camera.kind = transport_stream, "video/mp2t"
            elif len(frames) > 25:
                stop.set()

        supervisor = Supervisor(
            lambda: source(camera.url), take, CLOCK, lambda state: None, SuperviseConfig(first_wait_s=0.05)
        )
        thread = threading.Thread(target=supervisor.run, args=(stop,))
        thread.start()
        thread.join(30)
        stop.set()
        thread.join(5)
    assert {frame.size for frame in frames} == {(64, 48), (96, 64)}
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(frames))
    assert frames[-1].epoch >= 1


# ---- encryption


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=30, rate=30)


def test_rtsps_with_a_certificate_of_the_cameras_own(clip: Path, certificate: Path) -> None:
    with RtspCamera(clip) as camera, TlsFront(camera.port, certificate) as front:
        url = f"rtsps://127.0.0.1:{front.port}/cam"
        assert len(play(url, 5)) == 5
        error = fault(url, verify_tls=True)
    assert error.cause is SourceCause.TLS
    assert "its certificate is not trusted (self-signed certificate)" in str(error)
    assert "verify_tls: false" in error.remedy


def test_a_certificate_that_is_trusted(
    clip: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with RtspCamera(clip) as camera, TlsFront(camera.port, certificate) as front:
        assert len(play(f"rtsps://127.0.0.1:{front.port}/cam", 5, verify_tls=True)) == 5


def test_https_with_a_certificate_of_the_cameras_own(certificate: Path) -> None:
    with WebCamera() as camera, TlsFront(camera.port, certificate) as front:
        url = f"https://127.0.0.1:{front.port}/video"
        assert len(play(url, 5)) == 5
        assert fault(url, verify_tls=True).cause is SourceCause.TLS


def test_a_port_that_does_not_encrypt(clip: Path) -> None:
    with RtspCamera(clip) as camera:
        error = fault(f"rtsps://127.0.0.1:{camera.port}/cam")
    assert error.cause is SourceCause.TLS
    assert "does not speak TLS" in str(error)


def test_a_refusal_behind_encryption_keeps_its_cause(clip: Path, certificate: Path) -> None:
    with RtspCamera(clip) as camera, TlsFront(camera.port, certificate) as front:
        camera.deny = "401 Unauthorized"
        assert fault(f"rtsps://127.0.0.1:{front.port}/cam").cause is SourceCause.AUTH
        camera.deny = "404 Not Found"
        assert fault(f"rtsps://127.0.0.1:{front.port}/cam").cause is SourceCause.NOT_FOUND

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

import cv2
import pytest

from surveil.capture.usb import check_device, device_path
from surveil.capture.webcam import WebcamConfig, WebcamSource, open_device
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError
from tests.support.usb_camera import FakeUsbCamera

QUICK = WebcamConfig(open_timeout_s=0.3, read_timeout_s=0.3)


def source(
    camera: FakeUsbCamera, config: WebcamConfig = QUICK, stop: threading.Event | None = None
) -> WebcamSource:
    return WebcamSource(
        "0", camera_id="desk", clock=SystemClock(), config=config, capture_factory=camera, stop=stop
    )


def test_one_thread_alone_touches_the_device() -> None:
    camera = FakeUsbCamera()
    with source(camera) as opened:
        list(itertools.islice(opened.frames(threading.Event()), 5))
    assert camera.released.is_set()
    assert camera.threads == {"webcam-desk"}


def test_the_newest_picture_is_given_and_the_others_are_counted() -> None:
    camera = FakeUsbCamera(period_s=0.002)
    with source(camera) as opened:
        frames = opened.frames(threading.Event())
        next(frames)
        time.sleep(0.1)
        frame = next(frames)
        assert frame.index == 1
        assert opened.counters["overwritten_frames"] >= 3
    assert int(frame.image[0, 0, 0]) > 3


def test_wishes_reach_the_driver() -> None:
    camera = FakeUsbCamera()
    config = WebcamConfig(size=(1280, 720), rate_hz=15)
    with source(camera, config):
        pass
    assert camera.wishes == {
        cv2.CAP_PROP_FRAME_WIDTH: 1280, cv2.CAP_PROP_FRAME_HEIGHT: 720, cv2.CAP_PROP_FPS: 15,
    }  # fmt: skip


def test_a_driver_that_hangs_while_opening_has_a_deadline() -> None:
    camera = FakeUsbCamera()
    camera.hang()
    with pytest.raises(SourceError, match="no picture") as caught, source(camera):
        pass
    assert caught.value.cause is SourceCause.TIMEOUT
    camera.wake()
    assert camera.released.wait(2)  # its own thread closes it, whenever the driver lets go


def test_a_driver_that_hangs_while_playing_has_a_deadline() -> None:
    camera = FakeUsbCamera()
    with source(camera) as opened:
        frames = opened.frames(threading.Event())
        next(frames)
        camera.hang()
        with pytest.raises(SourceError) as caught:
            list(frames)
    assert caught.value.cause is SourceCause.TIMEOUT
    camera.wake()
    assert camera.released.wait(2)


def test_a_driver_that_hangs_for_ever_holds_one_thread_and_no_more() -> None:
    camera, in_use = FakeUsbCamera(), threading.Lock()

    def tried() -> WebcamSource:
        return WebcamSource(
            "0", camera_id="hung", clock=SystemClock(), config=QUICK, capture_factory=camera, in_use=in_use
        )

    camera.hang()
    with pytest.raises(SourceError, match="no picture"), tried():
        pass
    for _ in range(3):
        with pytest.raises(SourceError, match="has not come back") as caught, tried():
            pass
        assert caught.value.cause is SourceCause.TIMEOUT
    assert [thread.name for thread in threading.enumerate()].count("webcam-hung") == 1
    camera.wake()
    assert camera.released.wait(2)
    assert in_use.acquire(timeout=2)
    in_use.release()
    with tried() as opened:
        assert next(opened.frames(threading.Event())).index == 0


def test_a_stop_ends_the_opening() -> None:
    camera, stop = FakeUsbCamera(), threading.Event()
    camera.hang()
    stop.set()
    started_s = time.monotonic()
    with pytest.raises(SourceError, match="stopped"), source(camera, WebcamConfig(), stop):
        pass
    assert time.monotonic() - started_s < 1
    camera.wake()
    assert camera.released.wait(2)


def test_a_plug_that_is_pulled_is_a_fault_with_a_count() -> None:
    camera = FakeUsbCamera(pictures=4)
    opened = source(camera, WebcamConfig())
    with pytest.raises(SourceError, match="plugged in") as caught, opened:
        list(opened.frames(threading.Event()))
    assert caught.value.cause is SourceCause.ENDED
    assert opened.counters["failed_reads"] == 10


def test_an_error_of_the_driver_surfaces_in_the_thread_that_plays() -> None:
    def broken(device: str) -> FakeUsbCamera:
        raise RuntimeError(f"driver fell over at {device}")

    with pytest.raises(RuntimeError, match="at 0"):
        WebcamSource("0", camera_id="desk", clock=SystemClock(), capture_factory=broken).__enter__()


def test_an_error_of_opencv_is_a_fault_of_the_device() -> None:
    class Broken(FakeUsbCamera):
        def read(self) -> tuple[bool, None]:
            raise cv2.error("the buffer is gone")

    camera = Broken()
    with pytest.raises(SourceError, match="the buffer is gone") as caught, source(camera):
        pass
    assert caught.value.cause is SourceCause.DEVICE
    assert camera.released.is_set()


def test_a_device_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    (tmp_path / "video10").touch()
    with pytest.raises(SourceError, match=r"video0.*video10") as caught:
        check_device(tmp_path / "video7")
    assert caught.value.cause is SourceCause.DEVICE


def test_a_device_without_the_right_to_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video0").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may use everything
    with pytest.raises(SourceError, match="group video") as caught:
        check_device(tmp_path / "video0")
    assert caught.value.cause is SourceCause.REFUSED


@pytest.mark.skipif(not Path("/dev").is_dir() or Path("/dev/video63").exists(), reason="needs no such device")
def test_the_real_way_to_a_missing_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert device_path("63") == device_path("/dev/video63")
    with pytest.raises(SourceError, match="no such device"):
        open_device("63")

"""Decoding on a device; no machine of the tests has one, so the devices are false and the errors are real."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av.codec.hwaccel
import pytest

from surveil.capture.address import StreamAddress
from surveil.capture.file import FileSource
from surveil.capture.hardware import Decoding, check_decoder, open_device, working_devices
from surveil.capture.stream import StreamSource
from surveil.clock import SystemClock
from surveil.errors import DeviceError
from tests.support.clips import write_clip
from tests.support.rtsp_camera import RtspCamera

HWACCEL: Any = object()


def context(pix_fmt: str = "cuda", *, is_hwaccel: bool = True, name: str = "h264") -> SimpleNamespace:
    """A decoder as PyAV shows it."""
    configs = (SimpleNamespace(format=SimpleNamespace(name="cuda")), SimpleNamespace(format=None))
    return SimpleNamespace(
        name=name, is_hwaccel=is_hwaccel, pix_fmt=pix_fmt, codec=SimpleNamespace(hardware_configs=configs)
    )


class Devices:
    """Devices that open, unless they are absent."""

    def __init__(self, *there: str) -> None:
        self.there, self.asked = set(there), list[str]()

    def __call__(self, name: str) -> Any:
        self.asked.append(name)
        if name not in self.there:
            raise DeviceError(f"no {name} here")
        return HWACCEL


@pytest.fixture(autouse=True)
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveil.capture.hardware.hwdevices_available", lambda: ["qsv", "drm", "cuda"])


def test_a_device_that_decodes_is_proved_and_named() -> None:
    decoding = Decoding("cuda", open_device=Devices("cuda"))
    assert decoding.hwaccel() is HWACCEL
    assert decoding.begin(context()) == "h264 (cuda)"
    assert decoding.look(context()) == "h264 (cuda)"
    assert decoding.fallback == ""


def test_software_behind_the_back_is_seen_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """FFmpeg falls back without a word; the decoder's own format tells."""
    decoding = Decoding("cuda", name="yard", open_device=Devices("cuda"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            decoding.hwaccel()
            decoding.begin(context())
            assert decoding.look(context("yuv420p")) == "h264 (software, not cuda)"
    assert [record.getMessage() for record in caplog.records] == [
        "yard: decoded in software: cuda did not take this h264 stream"
    ]
    assert "did not take" in decoding.fallback
    assert decoding.hwaccel() is None


def test_a_codec_that_the_device_does_not_know() -> None:
    decoding = Decoding("cuda", open_device=Devices("cuda"))
    decoding.hwaccel()
    words = decoding.begin(context("yuv420p", is_hwaccel=False, name="libdav1d"))
    assert words == "libdav1d (software, not cuda)"
    assert decoding.fallback == "cuda cannot decode libdav1d"


def test_a_device_that_goes_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    devices = Devices("cuda")
    decoding = Decoding("cuda", name="yard", open_device=devices)
    decoding.hwaccel()
    decoding.look(context())
    devices.there.clear()
    with caplog.at_level(logging.WARNING):
        assert decoding.hwaccel() is None
    assert decoding.begin(context("yuv420p", is_hwaccel=False)) == "h264 (software, not cuda)"
    assert "no cuda here" in caplog.text
    devices.there.add("cuda")
    assert decoding.hwaccel() is HWACCEL
    assert decoding.look(context()) == "h264 (cuda)"
    assert decoding.fallback == ""


def test_a_device_that_gives_no_picture_is_left() -> None:
    decoding = Decoding("auto", open_device=Devices("cuda"))
    assert decoding.hwaccel() is HWACCEL
    decoding.no_picture()
    assert decoding.hwaccel() is None
    assert decoding.begin(context("yuv420p", is_hwaccel=False)) == "h264 (software)"


def test_auto_takes_the_best_device_that_opens_and_software_otherwise() -> None:
    devices = Devices("qsv")
    decoding = Decoding("auto", open_device=devices)
    decoding.hwaccel()
    assert (devices.asked, decoding.device) == (["cuda", "qsv"], "qsv")
    nothing = Decoding("auto", open_device=Devices())
    assert nothing.hwaccel() is None
    assert nothing.begin(context("yuv420p", is_hwaccel=False)) == "h264 (software)"
    assert nothing.fallback == ""
    assert Decoding("cpu", open_device=devices).hwaccel() is None


def test_devices_that_work_here() -> None:
    assert working_devices(Devices("qsv", "cuda", "drm")) == ["cuda", "qsv"]
    assert working_devices(Devices()) == []


def test_a_device_that_was_asked_for_and_is_not_there_is_a_clear_error() -> None:
    for name in ("auto", "cpu"):
        check_decoder(name)
    with pytest.raises(DeviceError, match=r"'nonsense': this build of FFmpeg knows no .*qsv, drm"):
        check_decoder("nonsense")


@pytest.mark.parametrize("name", ["cuda", "qsv", "drm"])
def test_the_real_way_to_a_device_that_is_not_there(name: str) -> None:
    if name not in av.codec.hwaccel.hwdevices_available() or name in working_devices():
        pytest.skip(f"FFmpeg knows no {name}, or this machine has one")
    with pytest.raises(DeviceError, match="`surveil doctor` names those that work") as caught:
        open_device(name)
    assert caught.value.exit_code == 4


class Odd:
    """A device for whose sake FFmpeg opens nothing else: PyAV takes it and decodes in software."""

    def __call__(self, name: str) -> Any:
        return av.codec.hwaccel.HWAccel("vaapi", allow_software_fallback=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=20, rate=20)


@pytest.fixture
def camera(clip: Path) -> Iterator[RtspCamera]:
    with RtspCamera(clip) as server:
        yield server


def test_a_file_and_a_stream_that_pyav_decodes_in_software_all_the_same(
    clip: Path, camera: RtspCamera
) -> None:
    if "vaapi" in av.codec.hwaccel.hwdevices_available():
        pytest.skip("this build of FFmpeg knows vaapi")
    decoding = Decoding("vaapi", open_device=Odd())
    with FileSource(clip, camera_id="c", clock=SystemClock(), decoding=decoding) as source:
        assert len(list(source.frames(threading.Event()))) == 20
        assert source.info.decoder == "h264 (software, not vaapi)"
    decoding = Decoding("vaapi", open_device=Odd())
    address = StreamAddress.parse(camera.url)
    with StreamSource(address, camera_id="c", clock=SystemClock(), decoding=decoding) as stream:
        assert len(list(itertools.islice(stream.frames(threading.Event()), 5))) == 5
        assert stream.info.decoder == "h264 (software, not vaapi)"
    assert decoding.fallback == "vaapi cannot decode h264"

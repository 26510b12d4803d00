from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from surveil.capture.file import FileSource
from surveil.capture.images import ImagesSource
from surveil.capture.open import Opener, SourceOptions, open_source, parse_source
from surveil.capture.pacing import PacedSource
from surveil.capture.source import Source
from surveil.capture.stream import StreamSource
from surveil.capture.synthetic import SyntheticSource
from surveil.capture.webcam import WebcamSource
from surveil.clock import SystemClock
from surveil.errors import UsageError
from tests.support.clips import write_clip


def make(text: str, options: SourceOptions | None = None) -> Source:
    return open_source(parse_source(text), camera_id="c", clock=SystemClock(), options=options)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("clip.mp4", FileSource),
        ("rtsp://10.0.0.1/x", StreamSource),
        ("http://10.0.0.1/x", StreamSource),
        ("0", WebcamSource),
        ("test://street", SyntheticSource),
    ],
)
def test_each_kind_has_its_source_and_nothing_is_opened_yet(text: str, kind: type) -> None:
    assert isinstance(make(text), kind)


def test_images(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    with make(str(tmp_path), SourceOptions(images_rate_hz=4)) as source:
        assert isinstance(source, ImagesSource)
        assert source.info.rate_hz == 4


def test_options_reach_the_source(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=20, rate=10)
    packets: list[object] = []
    options = SourceOptions(start_s=0.5, end_s=0.8, packet_sink=packets.append)
    with make(str(clip), options) as source:
        assert [f.index for f in source.frames(threading.Event())] == [5, 6, 7]
    assert packets


def test_realtime_paces_recordings_alone() -> None:
    options = SourceOptions(realtime=True)
    assert isinstance(make("clip.mp4", options), PacedSource)
    assert isinstance(make("test://street", options), SyntheticSource)
    assert isinstance(make("rtsp://10.0.0.1/x", options), StreamSource)


def test_packets_of_a_masked_camera_are_refused() -> None:
    with pytest.raises(UsageError, match="they hold the whole picture"):
        SourceOptions(masked=True, packet_sink=lambda packet: None)


def test_what_was_learnt_of_decoding_is_kept_from_one_opening_to_the_next(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=2)
    opener = Opener(parse_source("rtsp://10.0.0.1/x"), camera_id="c", clock=SystemClock())
    first, second = opener(), opener()
    assert isinstance(first, StreamSource)
    assert isinstance(second, StreamSource)
    assert first._decoding is second._decoding
    recording = make(str(clip))
    assert isinstance(recording, FileSource)
    assert recording._decoding.hwaccel() is None  # auto: the same pixels everywhere


def test_a_camera_has_no_start() -> None:
    with pytest.raises(UsageError, match="no start"):
        make("rtsp://10.0.0.1/x", SourceOptions(start_s=3))


def test_reading_what_a_user_wrote_loads_nothing_heavy() -> None:
    code = (
        "import sys, surveil.capture.open as o, surveil.capture.supervise; o.parse_source('test://street'); "
        "o.parse_source('rtsp://h/x'); print(sorted({'av', 'cv2', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

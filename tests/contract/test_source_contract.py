"""What every source promises, whatever it plays."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from surveil.capture.address import StreamAddress
from surveil.capture.file import FileSource
from surveil.capture.images import ImagesSource
from surveil.capture.pacing import PacedSource
from surveil.capture.privacy import MaskedSource
from surveil.capture.source import Source
from surveil.capture.stream import StreamSource
from surveil.capture.synthetic import SyntheticSource, parse_scene_url
from surveil.capture.webcam import WebcamSource
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, SurveilError, UsageError
from surveil.types import Frame
from tests.support.clips import picture, write_clip
from tests.support.rtsp_camera import RtspCamera
from tests.support.usb_camera import FakeUsbCamera

CLOCK = SystemClock()
Make = Callable[[], Source]
RECORDINGS = ("file", "images", "synthetic", "paced", "masked")
CAMERAS = ("stream", "webcam")
COUNT = 6


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip and a folder of images, COUNT frames each."""
    folder = tmp_path_factory.mktemp("media")
    write_clip(folder / "clip.mp4", frames=COUNT, rate=20)
    (folder / "images").mkdir()
    for k in range(COUNT):
        cv2.imwrite(str(folder / "images" / f"{k}.png"), picture(k))
    return folder


@pytest.fixture(scope="module")
def camera(media: Path) -> Iterator[RtspCamera]:
    with RtspCamera(media / "clip.mp4") as server:
        yield server


def maker(kind: str, media: Path, camera: RtspCamera) -> Make:
    def file() -> Source:
        return FileSource(media / "clip.mp4", camera_id="c", clock=CLOCK)

    scene = parse_scene_url("test://street?size=64x64&fps=20&seconds=0.3")
    table: dict[str, Make] = {
        "file": file,
        "paced": lambda: PacedSource(file(), clock=CLOCK),
        "masked": lambda: MaskedSource(file(), [((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))]),
        "images": lambda: ImagesSource(list((media / "images").iterdir()), camera_id="c", clock=CLOCK),
        "synthetic": lambda: SyntheticSource(scene, camera_id="c", clock=CLOCK),
        "synthetic-live": lambda: SyntheticSource(
            parse_scene_url("test://street?size=64x64&fps=20"), camera_id="c", clock=CLOCK, realtime=True
        ),
        "stream": lambda: StreamSource(StreamAddress.parse(camera.url), camera_id="c", clock=CLOCK),
        "webcam": lambda: WebcamSource("0", camera_id="c", clock=CLOCK, capture_factory=FakeUsbCamera()),
    }
    return table[kind]


@pytest.fixture(params=[*RECORDINGS, *CAMERAS])
def make(request: pytest.FixtureRequest, media: Path, camera: RtspCamera) -> Make:
    """Makes a new source of each kind."""
    return maker(request.param, media, camera)


@pytest.fixture(params=RECORDINGS)
def make_recording(request: pytest.FixtureRequest, media: Path, camera: RtspCamera) -> Make:
    return maker(request.param, media, camera)


def some(source: Source, count: int = COUNT) -> list[Frame]:
    return list(itertools.islice(source.frames(threading.Event()), count))


def test_index_counts_from_zero_and_time_rises(make: Make) -> None:
    with make() as source:
        frames = some(source)
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert frames[0].pts_s == 0
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(frames))
    assert all(b.arrived_s >= a.arrived_s for a, b in itertools.pairwise(frames))


def test_frames_are_whole_read_only_their_own_and_stamped(make: Make) -> None:
    before_s = CLOCK.monotonic(), CLOCK.wall()
    with make() as source:
        frame, second = some(source, 2)
        size = source.info.size
    assert not np.shares_memory(frame.image, second.image)
    assert frame.camera_id == "c"
    assert frame.epoch == 0
    assert frame.image.dtype == np.uint8
    assert frame.size == size
    assert before_s[0] <= frame.arrived_s <= CLOCK.monotonic()
    assert before_s[1] <= frame.wall_s <= CLOCK.wall()
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 0


def test_info_is_complete(make: Make) -> None:
    source = make()
    with pytest.raises(UsageError):
        source.info.name  # noqa: B018
    with source:
        info = source.info
    assert source.info == info  # a writer may ask when the decoding thread has finished and closed it
    assert info.name == "c"
    assert info.rate_hz > 0
    assert info.decoder
    if info.live:
        assert (info.duration_s, info.frame_count) == (None, None)
    else:
        assert info.duration_s == pytest.approx(COUNT / info.rate_hz, rel=0.1)
        assert info.frame_count == pytest.approx(COUNT, abs=1)


def test_a_recording_plays_once_ends_and_counts_nothing_when_all_is_well(make_recording: Make) -> None:
    source = make_recording()
    before = dict(source.counters)
    with source:
        assert len(list(source.frames(threading.Event()))) == COUNT
    assert before
    assert dict(source.counters) == before
    assert not any(before.values())


@pytest.mark.parametrize("kind", [*RECORDINGS, *CAMERAS, "synthetic-live"])
def test_a_stop_ends_playing_within_two_seconds(kind: str, media: Path, camera: RtspCamera) -> None:
    stop, playing = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with maker(kind, media, camera)() as source:
                for _ in source.frames(stop):
                    playing.set()
        except SurveilError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert playing.wait(10)
    started_s = time.monotonic()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - started_s < 2
    assert not errors


def test_a_stop_before_playing_gives_nothing(make: Make) -> None:
    stop = threading.Event()
    stop.set()
    with make() as source:
        assert list(source.frames(stop)) == []


def test_closing_twice_or_without_playing_is_harmless(make: Make) -> None:
    source = make()
    with source:
        pass
    source.__exit__(None, None, None)


def test_leaving_in_mid_stream_closes_at_once(make: Make) -> None:
    with make() as source:
        frames = source.frames(threading.Event())
        next(frames), next(frames)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 2
    if not isinstance(source, ImagesSource | SyntheticSource):  # these hold nothing that could be closed
        assert list(frames) == []


@pytest.mark.parametrize("kind", ["stream", "webcam"])
def test_the_end_of_a_camera_is_a_fault(kind: str, media: Path) -> None:
    usb = FakeUsbCamera(pictures=3)
    with RtspCamera(media / "clip.mp4", loop=False) as camera:
        source: Source = (
            StreamSource(StreamAddress.parse(camera.url), camera_id="c", clock=CLOCK)
            if kind == "stream"
            else WebcamSource("0", camera_id="c", clock=CLOCK, capture_factory=usb)
        )
        with pytest.raises(SourceError) as caught, source:
            list(source.frames(threading.Event()))
    assert caught.value.cause is SourceCause.ENDED
    assert caught.value.remedy


def test_what_cannot_be_opened_says_why(media: Path) -> None:
    closed = StreamAddress.parse("rtsp://127.0.0.1:9/x")  # the discard port: nobody listens
    makes: list[tuple[Make, SourceCause]] = [
        (lambda: FileSource(media / "none.mp4", camera_id="c", clock=CLOCK), SourceCause.NOT_FOUND),
        (lambda: ImagesSource([], camera_id="c", clock=CLOCK), SourceCause.EMPTY),
        (lambda: StreamSource(closed, camera_id="c", clock=CLOCK), SourceCause.REFUSED),
        (
            lambda: WebcamSource(
                "0", camera_id="c", clock=CLOCK, capture_factory=FakeUsbCamera(opened=False)
            ),
            SourceCause.DEVICE,
        ),
    ]
    for make, cause in makes:
        with pytest.raises(SourceError) as caught, make():
            pass
        assert caught.value.cause is cause
        assert caught.value.remedy

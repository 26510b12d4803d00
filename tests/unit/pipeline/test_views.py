"""A camera of two streams: the small one is looked at, the large one is shown and recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.capture.spec import SourceSpec
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError
from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.views import STALE_S, onto, scaled
from surveil.render.style import OverlayStyle
from surveil.types import FrameResult
from tests.support.results import A, result_of

PAUSE = threading.Event()  # never set: something to wait on
STYLE = OverlayStyle()
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SMALL, LARGE = (32, 24), (128, 72)  # another aspect ratio, too, as cameras have it


def eventually(true: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


def spec(text: str) -> SourceSpec:
    return SourceSpec(kind="webcam", text=text, name="yard", live=True)


class TwoStreams:
    """The parts of a session whose cameras have a stream `small` and a stream `large`."""

    def __init__(self, fakes: SimpleNamespace) -> None:
        self.parts = fakes.Parts(endless=True, gap_s=0.004)
        self.opened: list[str] = []
        self.fault: Exception | None = None
        parts, fakes_source = self.parts, fakes.Source

        def open_source(config: CameraConfig) -> Any:
            self.opened.append(config.source.text)
            large = config.source.text == "large"
            source = fakes_source(
                camera_id=config.id,
                size=LARGE if large else SMALL,
                endless=True,
                gap_s=0.004,
                fail_at=0 if large and self.fault else None,
                error=self.fault,
            )
            if not large:
                parts.sources[config.id] = source
            return source

        parts.open_source = open_source

    def session(self, *cameras: CameraConfig) -> Session:
        session = Session(self.parts, cameras)
        session.start()
        return session


@pytest.fixture
def two(fakes: SimpleNamespace) -> TwoStreams:
    return TwoStreams(fakes)


def camera(**more: Any) -> CameraConfig:
    return CameraConfig(id="yard", source=spec("small"), shown=spec("large"), **more)


def keeping() -> tuple[list[FrameResult], Callable[[FrameResult], bool]]:
    kept: list[FrameResult] = []

    def tap(result: FrameResult) -> bool:
        kept.append(result)
        return True

    return kept, tap


def test_boxes_are_scaled_to_the_other_stream() -> None:
    tracks = scaled(result_of([A(1, (10, 10, 20, 30))], size=(100, 100)).tracks, (100, 100), (400, 200))
    assert tracks.boxes.tolist() == [[40, 20, 80, 60]]
    assert tracks.smoothed_boxes.tolist() == [[40, 20, 80, 60]]
    assert tracks.frame_size == (400, 200)


def test_boxes_are_moved_on_to_the_moment_of_the_picture() -> None:
    small = result_of([A(1, (10, 10, 20, 30))], size=(100, 100), pts_s=50.0)
    small = replace(small, tracks=replace(small.tracks, velocity=np.array([[10, 0]], np.float32)))
    large = result_of(size=(400, 200), index=7, pts_s=3.0).frame
    seen = onto(small, replace(large, arrived_s=small.frame.arrived_s + 0.5), small.tracks.labels)
    assert seen.tracks.boxes.tolist() == [[60, 20, 100, 60]]
    assert (seen.frame.index, seen.frame.pts_s, seen.detected) == (7, 3.0, False)
    assert seen.tracks.velocity.tolist() == [[40, 0]]


def test_old_boxes_do_not_run_away() -> None:
    small = result_of([A(1, (10, 10, 20, 30))], size=(100, 100))
    large = result_of(size=(400, 200)).frame
    late = replace(large, arrived_s=small.frame.arrived_s + STALE_S + 0.1)
    assert len(onto(small, late, small.tracks.labels).tracks) == 0
    assert onto(None, large, small.tracks.labels).tracks.frame_size == (400, 200)


def test_the_large_stream_is_shown_where_the_small_one_has_too_few_pixels(two: TwoStreams) -> None:
    session = two.session(camera())
    eventually(lambda: session.latest("yard"))
    session.show("yard", SMALL, STYLE)
    preview = eventually(lambda: session.preview("yard"))
    assert preview.result.frame.size == SMALL
    assert two.opened == ["small"]
    session.show("yard", LARGE, STYLE)
    preview = eventually(lambda: (made := session.preview("yard")) and made.image.shape[1] == 128 and made)
    preview = eventually(
        lambda: (made := session.preview("yard")) and made.result.frame.size == LARGE and made
    )
    box = preview.result.tracks.boxes[0]
    assert (box[1], box[3]) == (3, 27)  # the false detector finds y 1-9 of 24
    assert two.opened == ["small", "large"]
    assert session.states()["yard"].streams["live"].name == "live"
    session.show("yard", (16, 12), STYLE, (0.0, 0.0, 0.25, 0.25))  # gone into: the same need of pixels
    assert two.opened == ["small", "large"]
    session.hide("yard")
    eventually(lambda: not session.states()["yard"].streams)
    session.stop(2.0)


def test_each_window_has_its_own_picture_and_the_large_stream_stays_while_one_needs_it(
    two: TwoStreams,
) -> None:
    session = two.session(camera())
    eventually(lambda: session.latest("yard"))
    session.show("yard", SMALL, STYLE)
    session.show("yard", LARGE, STYLE, (0.0, 0.0, 0.5, 1.0), "monitor")
    large = eventually(
        lambda: (made := session.preview("yard", "monitor")) and made.result.frame.size == LARGE and made
    )
    assert large.image.shape == (72, 64, 4)
    small = eventually(lambda: session.preview("yard"))
    assert (small.image.shape, small.result.frame.size) == ((24, 32, 4), SMALL)
    assert session.preview("yard", "another") is None
    session.hide("yard")
    assert session.preview("yard") is None
    assert set(session.states()["yard"].streams) == {"live"}
    seq = session.preview("yard", "monitor").seq
    eventually(lambda: session.preview("yard", "monitor").seq > seq + 3)
    session.hide("yard", "monitor")
    eventually(lambda: not session.states()["yard"].streams)
    session.show("yard", SMALL, STYLE, wall="monitor")
    session.remove("yard")
    assert session.preview("yard", "monitor") is None
    session.stop(2.0)


def test_the_large_stream_is_recorded_with_the_objects_of_the_small_one(two: TwoStreams) -> None:
    pictures, picture = keeping()
    results, tap = keeping()
    config = camera(recorded=spec("large"), taps={"lines": tap}, pictures={"video": picture})
    session = two.session(config)
    eventually(lambda: len(pictures) > 20 and len(results) > 20)
    session.show("yard", LARGE, STYLE)
    eventually(lambda: set(session.states()["yard"].streams) == {"live", "record"})
    assert two.opened == ["small", "large"]  # one connection for both uses
    session.hide("yard")
    count = len(pictures)
    eventually(lambda: len(pictures) > count + 5)
    session.stop(2.0)
    assert {result.frame.size for result in results} == {SMALL}
    assert {result.frame.size for result in pictures} == {LARGE}
    assert {result.tracks.frame_size for result in pictures} == {LARGE}
    assert any(len(result.tracks) for result in pictures)
    assert [result.frame.index for result in pictures] == list(range(len(pictures)))


def test_who_records_the_stream_that_is_looked_at_gets_its_results(two: TwoStreams) -> None:
    pictures, picture = keeping()
    session = two.session(camera(pictures={"video": picture}))
    eventually(lambda: len(pictures) > 5)
    session.stop(2.0)
    assert {result.frame.size for result in pictures} == {SMALL}
    assert two.opened == ["small"]


def test_recording_begins_and_ends_without_touching_the_stream_that_is_looked_at(two: TwoStreams) -> None:
    pictures, picture = keeping()
    session = two.session(camera(recorded=spec("large")))
    eventually(lambda: session.latest("yard"))
    before = two.parts.sources["yard"]
    assert two.opened == ["small"]  # nobody takes its pictures
    session.change(camera(recorded=spec("large"), pictures={"video": picture}))
    eventually(lambda: len(pictures) > 3)
    session.change(camera(recorded=spec("large")))
    eventually(lambda: not session.states()["yard"].streams)
    assert two.parts.sources["yard"] is before
    session.stop(2.0)


def test_a_privacy_mask_holds_on_every_stream(two: TwoStreams) -> None:
    pictures, picture = keeping()
    session = two.session(camera(recorded=spec("large"), pictures={"video": picture}, privacy=(LEFT,)))
    eventually(lambda: session.latest("yard"))
    session.show("yard", LARGE, STYLE)
    preview = eventually(
        lambda: (made := session.preview("yard")) and made.result.frame.size == LARGE and made
    )
    eventually(lambda: len(pictures) > 5)
    session.stop(2.0)
    images = [result.frame.image for result in pictures]
    assert all(not image[:, :64].any() for image in images)
    assert any(image[:, 66:].any() for image in images)
    assert not preview.image[1:, :63, :3].any()  # the false overlay paints the first row


def test_trouble_of_the_large_stream_is_said_and_the_small_one_stands_in(two: TwoStreams) -> None:
    two.fault = SourceError("large: gone", SourceCause.ENDED, "Look after it.")
    session = two.session(camera(recorded=spec("large"), pictures={"video": lambda result: True}))
    eventually(lambda: session.latest("yard"))
    session.show("yard", LARGE, STYLE)
    state = eventually(lambda: (now := session.states()["yard"]).cause and now)
    assert (state.name, state.cause) == ("live", "the stream for live and record: large: gone")
    assert state.remedy == "Look after it."
    assert {stream.name for stream in state.streams.values()} == {"failed"}
    preview = eventually(lambda: session.preview("yard"))
    assert preview.result.frame.size == SMALL
    session.stop(2.0)


def test_threads_of_all_streams_end_with_the_camera(two: TwoStreams) -> None:
    config = camera(recorded=spec("other"), pictures={"video": lambda result: True})
    session = two.session(config)
    eventually(lambda: session.latest("yard"))
    session.show("yard", LARGE, STYLE)
    names = {thread.name for thread in threading.enumerate()}
    assert {"capture-yard", "capture-yard-live", "capture-yard-record"} <= names
    session.remove("yard")
    started_s = SystemClock().monotonic()
    session.stop(2.0)
    assert SystemClock().monotonic() - started_s < 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("capture-yard")]

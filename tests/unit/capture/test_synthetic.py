"""Scenes as a source."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import islice

import numpy as np
import pytest

from surveil.capture.scenes.config import SceneConfig
from surveil.capture.span import Span
from surveil.capture.synthetic import SyntheticSource
from surveil.errors import UsageError
from surveil.types import Frame
from tests.support.clock import StepClock

SIZE = (64, 64)


def play(source: SyntheticSource, limit: int | None = None) -> list[Frame]:
    with source:
        return list(islice(source.frames(threading.Event()), limit))


def source(
    clock: StepClock, *, seconds: float | None = None, span: Span | None = None, realtime: bool = False
):
    config = SceneConfig(size=SIZE, fps=10.0, seconds=seconds)
    return SyntheticSource(config, camera_id="c", clock=clock, span=span or Span(), realtime=realtime)


def test_a_recording_is_whole_and_does_not_wait() -> None:
    clock = StepClock(step_s=0.5)  # slower than life
    frames = play(source(clock, seconds=0.6))
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.pts_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert all(frame.size == SIZE and not frame.image.flags.writeable for frame in frames)
    assert clock.waits == []


def test_a_span_gives_a_part_with_the_same_pictures() -> None:
    whole = play(source(StepClock(), seconds=1.0))
    part = play(source(StepClock(), seconds=1.0, span=Span(start_s=0.3, end_s=0.6)))
    assert [frame.index for frame in part] == [3, 4, 5]
    for frame in part:
        assert np.array_equal(frame.image, whole[frame.index].image)


@pytest.mark.parametrize("realtime", [False, True])
def test_a_start_past_the_end_is_an_error(realtime: bool) -> None:
    with pytest.raises(UsageError, match="no frame from 5 s"):
        play(source(StepClock(), seconds=1.0, span=Span(start_s=5.0), realtime=realtime))


def test_info_of_a_recording() -> None:
    scene = source(StepClock())
    with pytest.raises(UsageError, match="open the source"):
        _ = scene.info
    with scene:
        info = scene.info
    assert (info.name, info.size, info.rate_hz) == ("c", SIZE, 10.0)
    assert (info.duration_s, info.frame_count, info.live) == (20.0, 200, False)


def test_played_live_it_keeps_the_clock_and_has_no_end() -> None:
    config = SceneConfig(size=SIZE, fps=1.0)
    scene = SyntheticSource(config, camera_id="c", clock=StepClock(), realtime=True)
    frames = play(scene, limit=25)  # longer than it is as a recording
    assert [frame.index for frame in frames] == list(range(25))
    assert np.diff([frame.arrived_s for frame in frames]) == pytest.approx(1.0)
    assert scene.counters == {"skipped_frames": 0}
    with scene:
        info = scene.info
    assert (info.duration_s, info.frame_count, info.live) == (None, None, True)


def test_frames_that_come_too_late_are_skipped_and_counted() -> None:
    clock = StepClock(step_s=0.08)  # several looks at the clock a frame: slower than life
    scene = source(clock, realtime=True)
    frames = play(scene, limit=10)
    assert [frame.index for frame in frames] == list(range(10))
    places = np.round(np.array([frame.pts_s for frame in frames]) * 10).astype(int)
    assert (np.diff(places) >= 1).all()
    assert scene.counters["skipped_frames"] == places[-1] - 9 > 0
    late = [frame.arrived_s - frames[0].arrived_s - frame.pts_s for frame in frames]
    assert max(late) < 0.35  # it does not fall behind more and more


def test_played_live_with_a_length_it_ends() -> None:
    clock = StepClock()
    scene = source(clock, seconds=0.5, realtime=True)
    assert len(play(scene)) == 5
    assert sum(clock.waits) == pytest.approx(0.4)


def test_it_stops_when_asked() -> None:
    stop = threading.Event()
    with source(StepClock(), realtime=True) as scene:
        frames = scene.frames(stop)
        next(frames)
        stop.set()
        assert list(frames) == []


def test_a_stop_ends_it_while_the_street_is_being_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    from surveil.capture.scenes import street

    stop, strips = threading.Event(), []
    plain = street._strip

    def strip(*given: object) -> object:
        strips.append(given)
        stop.set()
        return plain(*given)

    monkeypatch.setattr(street, "_strip", strip)
    large = SceneConfig(size=(320, 240), fps=10.0)
    with SyntheticSource(large, camera_id="c", clock=StepClock()) as scene:
        assert scene.info.size == (320, 240)
        assert list(scene.frames(stop)) == []
        assert len(strips) == 1
        again = scene.frames(threading.Event())
        assert next(again).size == (320, 240)
        again.close()


def test_reading_an_address_loads_nothing_heavy() -> None:
    code = (
        "import sys, surveil.capture.scenes.config, surveil.capture.synthetic as s;"
        "s.parse_scene_url('test://street'); assert 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

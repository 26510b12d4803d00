"""What cameras and networks do to a stream, one fault at a time: seen, named, and got over."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveil.pipeline.session import Session
from surveil.types import FrameResult
from tests.support.clips import write_clip
from tests.support.live import BlankDetector, KeptTable, camera_config, wait_for_state, wait_until
from tests.support.rtp import Clip
from tests.support.rtsp_camera import RtspCamera

SEEN_S = 5.0
BACK_S = 8.0  # the back-off of at most 3 s and 1.5 s, and a busy machine

Begin = Callable[[RtspCamera], object]


class Watch:
    """A session of one camera and all that came of it."""

    def __init__(self, camera: RtspCamera) -> None:
        self.camera, self.results = camera, list[FrameResult]()
        config = camera_config("yard", camera.url)
        self.session = Session(
            KeptTable(BlankDetector()),
            [type(config)(id="yard", source=config.source, taps={"all": self.take})],
        )

    def take(self, result: FrameResult) -> bool:
        self.results.append(result)
        return True

    def goes_on(self, timeout_s: float = BACK_S) -> None:
        """Results come again, and the state says so."""
        count = len(self.results)
        assert wait_until(lambda: len(self.results) > count + 3, timeout_s), self.session.states()["yard"]
        wait_for_state(self.session, "yard", "live")

    def rises(self) -> None:
        """Numbers and media time never step back, nor run away from the time that passed."""
        for before, after in itertools.pairwise(result.frame for result in self.results):
            assert after.index > before.index
            assert 0 < after.pts_s - before.pts_s < after.arrived_s - before.arrived_s + 3


@pytest.fixture
def watch(clip: Path) -> Iterator[Watch]:
    with RtspCamera(clip) as camera:
        watch = Watch(camera)
        watch.session.start()
        try:
            watch.goes_on()
            yield watch
            assert watch.session.failure is None
            watch.rises()
        finally:
            watch.session.stop(5.0)


def deny(status: str) -> Begin:
    def begin(camera: RtspCamera) -> None:
        camera.deny = status
        camera.kick()

    return begin


def half_open(camera: RtspCamera) -> None:
    camera.mute.set()
    camera.kick()


FAULTS: dict[str, tuple[Begin, Begin, set[str]]] = {
    "killed": (RtspCamera.kick, lambda camera: None, {"stream ended"}),
    "reset": (RtspCamera.reset, lambda camera: None, {"stream ended"}),
    "half-open": (half_open, lambda camera: camera.mute.clear(), {"timeout"}),
    "stall": (lambda camera: camera.stall.set(), lambda camera: camera.stall.clear(), {"timeout"}),
    "lost packets": (lambda camera: camera.drop.set(), lambda camera: camera.drop.clear(), {"timeout"}),
    "trickle": (
        lambda camera: camera.trickle.set(),
        lambda camera: camera.trickle.clear(),
        {"timeout", "stream ended"},
    ),
    "404": (deny("404 Not Found"), lambda camera: setattr(camera, "deny", None), {"not found"}),
    "503": (
        deny("503 Service Unavailable"),
        lambda camera: setattr(camera, "deny", None),
        {"refused"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen_named_and_got_over(watch: Watch, name: str) -> None:
    begin, end, causes = FAULTS[name]
    begin(watch.camera)
    state = wait_for_state(watch.session, "yard", "stalled", "reconnecting", timeout_s=SEEN_S)
    assert state.cause
    if name not in ("killed", "reset"):  # from which it is back at once
        named = wait_until(lambda: watch.session.states()["yard"].cause in causes, SEEN_S)
        assert named, watch.session.states()["yard"]
        assert watch.session.states()["yard"].remedy
    end(watch.camera)
    watch.goes_on()
    assert watch.session.states()["yard"].cause == ""


def test_a_port_that_is_closed_for_a_while(clip: Path) -> None:
    camera = RtspCamera(clip)
    watch = Watch(camera)
    watch.session.start()
    try:
        watch.goes_on()
        camera.close()
        assert wait_until(lambda: "refuse" in watch.session.states()["yard"].detail, SEEN_S)
        with RtspCamera(clip, port=camera.port):
            watch.goes_on()
            watch.session.stop(5.0)
    finally:
        with contextlib.suppress(Exception):
            watch.session.stop(5.0)


def test_another_size_and_rate_in_mid_stream(watch: Watch, other_clip: Path) -> None:
    watch.camera.clip = Clip.read(other_clip)
    assert wait_until(lambda: watch.results[-1].frame.size == (320, 180), BACK_S)
    watch.goes_on()
    assert watch.session.states()["yard"].counters["reconnects"] == 0


def test_another_codec_after_a_new_beginning(watch: Watch, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "hevc.mp4", frames=30, rate=15, size=(160, 120), codec="libx265")
    watch.camera.clip = Clip.read(clip)
    watch.camera.kick()
    assert wait_until(lambda: watch.session.states()["yard"].decoder.startswith("hevc"), BACK_S)
    watch.goes_on()


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_time_stamps_that_jump_by_an_hour(watch: Watch, jump_s: float) -> None:
    watch.camera.stamp_shift_s = jump_s
    watch.goes_on()
    watch.camera.stamp_shift_s = 0.0
    watch.goes_on()
    assert watch.session.states()["yard"].counters["reconnects"] == 0


@pytest.mark.parametrize("speed", [0.3, 3.0])
def test_another_pace(watch: Watch, speed: float) -> None:
    watch.camera.speed = speed
    watch.goes_on()


def test_packets_in_the_wrong_order_bring_no_damaged_picture(watch: Watch) -> None:
    watch.camera.reorder.set()
    wait_until(lambda: False, 1.0)
    watch.camera.reorder.clear()
    watch.goes_on()


def test_pictures_without_their_keyframe_are_not_shown(watch: Watch) -> None:
    """Whoever joins before a keyframe sees nothing until it comes, and says that it is connecting."""
    watch.camera.no_keyframes.set()
    watch.camera.kick()
    wait_for_state(watch.session, "yard", "reconnecting")
    count = len(watch.results)
    wait_until(lambda: False, 2.0)
    assert len(watch.results) <= count + 1
    assert watch.session.states()["yard"].name != "live"
    watch.camera.no_keyframes.clear()
    watch.goes_on()


def test_pictures_that_come_in_another_order_than_they_are_shown(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "b.mp4", frames=30, rate=15, size=(160, 120), b_frames=2)
    with RtspCamera(clip) as camera:
        watch = Watch(camera)
        watch.session.start()
        try:
            watch.goes_on()
            watch.goes_on()
        finally:
            watch.session.stop(5.0)
    watch.rises()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose socket it is")
def test_a_channel_that_is_let_go_leaves_the_others_of_its_recorder_alone(clip: Path) -> None:
    """All channels have the same address, and are silent: the waiting of one alone is cut short."""
    with RtspCamera(clip) as recorder:
        session = Session(KeptTable(BlankDetector()))
        session.start()
        try:
            for name in ("first", "second"):  # one after the other: it is known whose connection is whose
                session.add(camera_config(name, recorder.url))
                wait_for_state(session, name, "live")
            recorder.stall.set()
            session.remove("first")
            assert wait_until(lambda: recorder.clients == 1, 1.0)
            recorder.stall.clear()
            received = session.states()["second"].stats.received
            assert wait_until(lambda: session.states()["second"].stats.received > received + 5, BACK_S)
            counters = session.states()["second"].counters
            assert counters["reconnects"] == 0
            assert not [name for name in counters if name.startswith("lost_")]
        finally:
            session.stop(5.0)


def test_a_wrong_password_that_is_put_right(clip: Path) -> None:
    """The wait after a wrong password is long; a camera that is opened anew does not wait."""
    with RtspCamera(clip) as camera:
        camera.deny = "401 Unauthorized"
        watch = Watch(camera)
        watch.session.start()
        try:
            state = wait_for_state(watch.session, "yard", "failed-auth")
            assert state.cause == "wrong password"
            assert state.remedy
            camera.deny = None
            watch.session.enable("yard", on=False)
            watch.session.enable("yard")
            watch.goes_on()
        finally:
            watch.session.stop(5.0)

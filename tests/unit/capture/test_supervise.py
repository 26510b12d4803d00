from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveil.capture.address import StreamAddress
from surveil.capture.source import Source
from surveil.capture.stream import StreamConfig, StreamSource
from surveil.capture.supervise import CaptureState, SuperviseConfig, Supervisor
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError
from surveil.types import Frame
from tests.support.clips import write_clip
from tests.support.clock import StepClock
from tests.support.rtsp_camera import RtspCamera
from tests.support.script import ScriptedSource

ENDED = SourceError("rtsp://u:geheim@h/x: gone", SourceCause.ENDED, "Wait.")
DENIED = SourceError("no", SourceCause.AUTH, "Check the password.")


class Desk:
    """Runs a supervisor over scripted playings, and writes down what it says; stops after the last."""

    def __init__(self, *playings: ScriptedSource, config: SuperviseConfig | None = None) -> None:
        self.clock = StepClock()
        self.stop = threading.Event()
        self.frames: list[Frame] = []
        self.states: list[CaptureState] = []
        self._playings = iter(playings)
        config = config or SuperviseConfig(watch_s=1e-9)
        self.supervisor = Supervisor(self._open, self.frames.append, self.clock, self.states.append, config)

    def _open(self) -> Source:
        source = next(self._playings, None)
        if source is None:
            self.stop.set()
            return ScriptedSource([])
        source.now = self.clock.monotonic
        return source

    def run(self) -> Desk:
        self.supervisor.run(self.stop)
        return self

    @property
    def names(self) -> list[str]:
        return [name for name, _ in itertools.groupby(state.name for state in self.states)]


def scripted(*pts_s: float, fault: Exception | None = ENDED) -> ScriptedSource:
    return ScriptedSource(pts_s, fault=fault, live=True)


def test_the_states_of_a_life() -> None:
    desk = Desk(scripted(0, 0.1), scripted(0)).run()
    assert desk.names == ["connecting", "live", "reconnecting", "live", "reconnecting", "stopped"]


def test_index_and_time_rise_over_reconnects_and_epochs_count() -> None:
    desk = Desk(scripted(0, 0.1), scripted(0, 0.1), scripted(0)).run()
    assert [f.index for f in desk.frames] == [0, 1, 2, 3, 4]
    assert [f.epoch for f in desk.frames] == [0, 0, 1, 1, 2]
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(desk.frames))


def test_an_outage_takes_its_time() -> None:
    first, second = scripted(0, 0.1), scripted(0, 0.1)
    desk = Desk(first, second).run()
    before, after = desk.frames[1], desk.frames[2]
    assert after.pts_s - before.pts_s == pytest.approx(after.arrived_s - before.arrived_s)
    assert desk.frames[3].pts_s - after.pts_s == pytest.approx(0.1)


def test_waits_grow_to_their_limit_with_jitter() -> None:
    desk = Desk(*(scripted() for _ in range(8)), config=SuperviseConfig(watch_s=1e9)).run()
    waits = [w for w in desk.clock.waits if w < 1e9]
    expected = [0.2, 0.4, 0.8, 1.6, 3, 3, 3, 3]
    assert len(waits) == 8
    assert all(0.75 * e <= w <= e for w, e in zip(waits, expected, strict=True))
    assert len(set(waits[4:])) > 1


def test_steady_playing_makes_earlier_faults_forgotten() -> None:
    steady = scripted(*range(4))
    desk = Desk(scripted(), scripted(), scripted(), steady, config=SuperviseConfig(watch_s=1e9))
    inner = desk.supervisor._deliver

    def slow(frame: Frame) -> None:
        desk.clock.now_s += 1
        inner(frame)

    desk.supervisor._deliver = slow
    desk.run()
    assert [w for w in desk.clock.waits if w < 1e9][-1] <= 0.2


def test_a_wrong_password_is_not_tried_often() -> None:
    denials = [ScriptedSource([], open_fault=DENIED) for _ in range(4)]
    desk = Desk(*denials, config=SuperviseConfig(watch_s=1e9)).run()
    assert desk.names == ["connecting", "failed-auth", "stopped"]
    waits = [wait_s for wait_s in desk.clock.waits if wait_s < 1e9]
    assert all(22.5 <= wait_s <= 30 for wait_s in waits)
    assert len(set(waits)) == 4  # cameras behind one switch do not knock at the same moment
    denied = desk.states[1]
    assert (denied.cause, denied.remedy) == ("wrong password", "Check the password.")


def test_a_fault_that_is_waited_out_holds_nothing_of_the_closed_source() -> None:
    fault = SourceError("gone", SourceCause.ENDED)
    fault.__context__ = OSError("FFmpeg's, with the frames of its callers")
    Desk(scripted(0, fault=fault)).run()
    assert fault.__traceback__ is None
    assert fault.__context__ is None


def test_the_end_of_a_camera_is_a_fault_even_without_an_error() -> None:
    desk = Desk(scripted(0, fault=None)).run()
    lost = next(state for state in desk.states if state.name == "reconnecting")
    assert lost.cause == "stream ended"


def test_causes_are_said_and_counted_without_secrets() -> None:
    first = scripted(0)
    first.counters = {"corrupt_frames": 2}
    second = scripted(0)
    second.counters = {"corrupt_frames": 3}
    desk = Desk(first, second).run()
    lost = next(state for state in desk.states if state.name == "reconnecting")
    assert (lost.cause, lost.remedy) == ("stream ended", "Wait.")
    assert "geheim" not in lost.detail
    assert dict(desk.supervisor.state.counters) == {
        "frames": 2, "reconnects": 2, "lost_ended": 2, "corrupt_frames": 5,
    }  # fmt: skip


def test_a_recording_plays_once() -> None:
    config = SuperviseConfig(reconnect=False)
    desk = Desk(scripted(0, 0.1, fault=None), scripted(0), config=config).run()
    assert len(desk.frames) == 2
    assert desk.names == ["connecting", "live", "stopped"]
    assert desk.states[-1].cause == ""


def test_a_recording_that_breaks_says_why() -> None:
    desk = Desk(scripted(0), config=SuperviseConfig(reconnect=False)).run()
    assert desk.states[-1].name == "stopped"
    assert desk.states[-1].cause == "stream ended"


def test_an_error_that_is_not_the_sources_fault_surfaces_and_closes_it() -> None:
    source = scripted(0)
    desk = Desk(source)

    def broken(frame: Frame) -> None:
        raise RuntimeError("no room")

    desk.supervisor._deliver = broken
    with pytest.raises(RuntimeError, match="no room"):
        desk.run()
    assert source.closed == 1
    assert desk.states[-1].name == "stopped"
    assert "no room" in desk.states[-1].detail


def test_whoever_refuses_frames_after_a_stop_is_no_fault() -> None:
    desk = Desk(scripted(0))

    def refuse(frame: Frame) -> None:
        desk.stop.set()
        raise RuntimeError("nobody takes them")

    desk.supervisor._deliver = refuse
    with pytest.raises(RuntimeError, match="nobody"):
        desk.run()
    assert (desk.states[-1].name, desk.states[-1].cause, desk.states[-1].detail) == ("stopped", "", "")


class Live:
    """A supervisor in a thread, on the real clock."""

    def __init__(self, open_source: Callable[[], Source], config: SuperviseConfig | None = None) -> None:
        self.stop, self.frames = threading.Event(), list[Frame]()
        self.states: list[tuple[float, str]] = []
        self.supervisor = Supervisor(
            open_source,
            self.frames.append,
            SystemClock(),
            lambda state: self.states.append((time.monotonic(), state.name)),
            config,
        )
        self._thread = threading.Thread(target=self.supervisor.run, args=(self.stop,))

    def __enter__(self) -> Live:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        started_s = time.monotonic()
        self.stop.set()
        self._thread.join(5)
        assert time.monotonic() - started_s < 2
        assert not self._thread.is_alive()

    def wait_for(self, name: str, timeout_s: float = 10) -> float:
        """When that state was entered last, once it is the present one."""
        end_s = time.monotonic() + timeout_s
        while not self.states or self.states[-1][1] != name:
            assert time.monotonic() < end_s, f"no {name!r} in {self.states}"
            time.sleep(0.005)
        return self.states[-1][0]


def test_a_silent_camera_is_shown_as_stalled_and_live_again() -> None:
    sources = iter([ScriptedSource([0.0], now=time.monotonic, live=True, stay=True)])
    config = SuperviseConfig(stalled_after_s=0.2, watch_s=0.02)
    with Live(lambda: next(sources), config) as live:
        live.wait_for("live")
        stalled_s = live.wait_for("stalled")
        state = live.supervisor.state
        assert state.cause == "no picture"
        assert state.since_s == pytest.approx(stalled_s, abs=0.1)
    assert live.states[-1][1] == "stopped"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=30, rate=30)


@pytest.fixture
def camera(clip: Path) -> Iterator[RtspCamera]:
    with RtspCamera(clip) as server:
        yield server


def open_stream(url: str, stop: threading.Event | None = None) -> Source:
    config = StreamConfig(open_timeout_s=1.0, read_timeout_s=1.0)
    return StreamSource(
        StreamAddress.parse(url), camera_id="yard", clock=SystemClock(), config=config, stop=stop
    )


def test_a_camera_that_dies_and_comes_back(clip: Path, camera: RtspCamera) -> None:
    with Live(lambda: open_stream(camera.url)) as live:
        live.wait_for("live")
        killed_s = time.monotonic()
        camera.close()
        assert live.wait_for("reconnecting") - killed_s < 1
        time.sleep(0.5)
        with RtspCamera(clip, port=camera.port):
            back_s = time.monotonic()
            assert live.wait_for("live") - back_s < 3 + 1.5
            count = len(live.frames)
            while len(live.frames) < count + 5:
                time.sleep(0.01)
            state = live.supervisor.state
    assert [f.index for f in live.frames] == list(range(len(live.frames)))
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(live.frames))
    assert live.frames[-1].epoch == state.counters["reconnects"] == 1
    assert state.counters["lost_refused"] >= 1


def test_a_camera_that_freezes_is_renewed(camera: RtspCamera) -> None:
    with Live(lambda: open_stream(camera.url)) as live:
        live.wait_for("live")
        camera.stall.set()
        frozen_s = time.monotonic()
        assert live.wait_for("reconnecting") - frozen_s < 5
        camera.stall.clear()
        live.wait_for("live")


def test_stops_at_any_moment_leave_nothing_behind(camera: RtspCamera) -> None:
    for delay_s in (0, 0.01, 0.03, 0.1, 0.25):
        live = Live(lambda: open_stream(camera.url))
        live.supervisor._open_source = lambda live=live: open_stream(camera.url, live.stop)
        with live:
            time.sleep(delay_s)
        assert live.states[-1][1] == "stopped"
    assert not [t for t in threading.enumerate() if t.name == "capture-watch"]


def test_faults_of_one_camera_do_not_touch_another(clip: Path, camera: RtspCamera) -> None:
    with RtspCamera(clip) as other, Live(lambda: open_stream(other.url)) as steady:
        steady.wait_for("live")
        with Live(lambda: open_stream(camera.url)) as live:
            live.wait_for("live")
            camera.kick()
            time.sleep(0.6)
        arrivals = [f.arrived_s for f in steady.frames]
    assert max(b - a for a, b in itertools.pairwise(arrivals)) < 0.5  # wide: test machines are busy

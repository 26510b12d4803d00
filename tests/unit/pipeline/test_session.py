from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.capture.spec import SourceSpec
from surveil.errors import ModelError, SourceCause, SourceError, UsageError
from surveil.pipeline.session import CameraConfig, Session
from surveil.render.style import OverlayStyle
from surveil.types import Frame, FrameResult

PAUSE = threading.Event()  # never set: something to wait on


def eventually(true: Callable[[], Any], timeout_s: float = 5.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


def camera(name: str, *, live: bool = True, **more: Any) -> CameraConfig:
    spec = SourceSpec(kind="webcam" if live else "file", text="fake", name=name, live=live)
    return CameraConfig(id=name, source=spec, **more)


def test_cameras_are_watched_and_stopped(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.002)
    session = Session(parts, [camera("a"), camera("b")])
    session.start()
    for name in ("a", "b"):
        result = eventually(lambda name=name: session.latest(name))
        assert result.frame.camera_id == name
        assert len(result.tracks) == 1
    states = session.states()
    assert {state.name for state in states.values()} == {"live"}
    assert states["a"].device == "CPU (fake)"
    assert states["a"].decoder == "fake"
    session.stop(2.0)
    session.stop(2.0)
    assert all(source.closed == 1 for source in parts.sources.values())
    assert parts.brains[0].detector.closed


def test_every_frame_is_accounted_for_and_slow_detection_shares_fairly(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.004)), endless=True, gap_s=0.001)
    session = Session(parts, [camera("a"), camera("b"), camera("c")])
    session.start()
    eventually(lambda: all(state.stats.processed > 30 for state in session.states().values()))
    processed = [state.stats.processed for state in session.states().values()]
    assert max(processed) - min(processed) <= 5
    session.stop(2.0)


def test_received_is_processed_plus_drops(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.003)), count=200, gap_s=0.001)
    session = Session(parts, [camera("a")])
    session.start()
    eventually(lambda: session.states()["a"].name == "stopped")
    stats = eventually(
        lambda: (
            (s := session.states()["a"].stats).received == s.processed + s.drops.get("overwritten", 0) and s
        )
    )
    assert stats.received == 200
    assert stats.drops["overwritten"] > 20
    assert stats.age_p50_ms < 100
    session.stop(2.0)


def test_recording_loses_nothing_and_ends(fakes: SimpleNamespace) -> None:
    seen: list[int] = []

    def tap(result: FrameResult) -> bool:
        seen.append(result.frame.index)
        return True

    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.001)), count=50)
    session = Session(parts, [camera("file", live=False, paced=False, taps={"test": tap})])
    session.start()
    eventually(lambda: len(seen) == 50)
    assert eventually(lambda: session.states()["file"].name == "ended")
    assert seen == list(range(50))
    session.stop(2.0)


def test_lost_results_are_counted_by_name(fakes: SimpleNamespace) -> None:
    config = camera(
        "f", live=False, paced=False, taps={"recorder": lambda result: result.frame.index % 2 == 0}
    )
    session = Session(fakes.Parts(count=10), [config])
    session.start()
    eventually(lambda: session.states()["f"].stats.drops.get("recorder") == 5)
    session.stop(2.0)


def test_recording_loops_with_rising_index_and_time(fakes: SimpleNamespace) -> None:
    seen: list[FrameResult] = []
    lost: Callable[[FrameResult], bool] = lambda result: not seen.append(result)  # noqa: E731
    session = Session(
        fakes.Parts(count=5), [camera("f", live=False, paced=False, loop=True, taps={"t": lost})]
    )
    session.start()
    eventually(lambda: len(seen) > 12)
    session.stop(2.0)
    assert [result.frame.index for result in seen[:12]] == list(range(12))
    assert [result.frame.epoch for result in seen[:12]] == [0] * 5 + [1] * 5 + [2] * 2
    assert np.all(np.diff([result.frame.pts_s for result in seen]) > 0)


def test_recording_is_held_and_goes_on(fakes: SimpleNamespace) -> None:
    session = Session(fakes.Parts(endless=True, gap_s=0.002), [camera("f", live=False, paced=False)])
    session.start()
    eventually(lambda: session.latest("f"))
    session.playback("f").pause()
    eventually(lambda: session.states()["f"].name == "paused")
    held = eventually(lambda: session.latest("f")).frame.index
    PAUSE.wait(0.05)
    assert session.latest("f").frame.index <= held + 2  # what was on its way
    session.playback("f").resume()
    eventually(lambda: session.latest("f").frame.index > held + 10)
    assert session.states()["f"].name == "playing"
    session.playback("f").pause()
    session.stop(2.0)


def test_live_cannot_be_held_and_unknown_names_are_refused(fakes: SimpleNamespace) -> None:
    session = Session(fakes.Parts(endless=True, gap_s=0.002), [camera("a")])
    with pytest.raises(UsageError, match="not started"):
        session.add(camera("b"))
    session.start()
    with pytest.raises(UsageError, match="live"):
        session.playback("a")
    with pytest.raises(UsageError, match=r"no camera 'x'.*there are: a"):
        session.latest("x")
    with pytest.raises(UsageError, match="one of this name"):
        session.add(camera("a"))
    with pytest.raises(UsageError, match="already"):
        session.start()
    session.stop(2.0)


def test_cameras_come_and_go(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.002)
    session = Session(parts)
    session.start()
    assert session.states() == {}
    session.add(camera("a", enabled=False))
    assert session.states()["a"].name == "off"
    session.enable("a")
    eventually(lambda: session.latest("a"))
    session.enable("a", on=False)
    assert session.states()["a"].name == "off"
    eventually(lambda: parts.sources["a"].closed)
    session.remove("a")
    assert session.states() == {}
    session.stop(2.0)


def test_model_is_exchanged_while_running(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.001)
    session = Session(parts, [camera("a"), camera("f", live=False, paced=False)])
    session.start()
    eventually(lambda: session.latest("a") and session.latest("f"))
    for number in range(1, 6):
        session.set_model(f"m{number}")
        eventually(lambda: len(parts.brains[-1].detector.seen) > 3)
        # no id comes twice, whatever the tracker
        eventually(lambda number=number: session.latest("a").tracks.ids.tolist() == [number + 1])
        assert parts.brains[-2].detector.closed
    with pytest.raises(ModelError):
        session.set_model("missing")
    session.set_thresholds(low=0.1, high=0.5, birth=0.6)
    assert session.failure is None
    assert not parts.brains[-1].detector.closed
    session.stop(2.0)
    assert parts.asked == [None, "m1", "m2", "m3", "m4", "m5", "missing"]


def test_no_frame_is_lost_while_models_are_exchanged(fakes: SimpleNamespace) -> None:
    turn = threading.Semaphore(1)  # the camera's next picture comes when its last one has been served

    class Paced(fakes.Source):
        def picture(self, index: int) -> Frame:
            turn.acquire(timeout=2.0)  # one that never is served leaves a gap
            return super().picture(index)

    class Parts(fakes.Parts):
        def open_source(self, config: CameraConfig) -> Any:
            kind = Paced if config.id == "a" else fakes.Source
            source = self.sources[config.id] = kind(camera_id=config.id, **self.source)
            return source

    def tap(result: FrameResult) -> bool:
        seen[result.frame.camera_id].append(result.frame.index)
        if result.frame.camera_id == "a":
            turn.release()
        return True

    seen: dict[str, list[int]] = {"a": [], "f": []}
    parts = Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.002)), endless=True)
    cameras = [camera("a", taps={"t": tap}), camera("f", live=False, paced=False, taps={"t": tap})]
    session = Session(parts, cameras)
    session.start()
    for number in range(8):
        if number:
            session.set_model(f"m{number}")
        known = {name: len(indices) for name, indices in seen.items()}
        eventually(lambda known=known: all(len(seen[name]) > count + 4 for name, count in known.items()))
    drops = {name: state.stats.drops for name, state in session.states().items()}
    turn.release(100)
    session.stop(2.0)
    assert all({name for name, _ in brain.detector.seen} == {"a", "f"} for brain in parts.brains)
    assert not any(count for counts in drops.values() for count in counts.values())
    for indices in seen.values():
        assert indices == list(range(len(indices)))


def test_failed_recording_says_so_and_leaves_the_others(fakes: SimpleNamespace) -> None:
    error = SourceError("clip.mp4: cut off", SourceCause.DAMAGED, "Repair it")
    parts = fakes.Parts(count=100, gap_s=0.001, fail_at=3, error=error)
    session = Session(parts, [camera("bad", live=False, paced=False)])
    session.start()
    state = eventually(lambda: (s := session.states()["bad"]).name == "failed" and s)
    assert (state.cause, state.remedy) == ("clip.mp4: cut off", "Repair it")
    assert state.detail == "clip.mp4: cut off. Repair it"
    assert session.failure is None
    session.stop(2.0)


def test_broken_detector_ends_the_session_with_its_error(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(lambda: fakes.Detector(fail_at=3), endless=True, gap_s=0.002)
    session = Session(parts, [camera("a", live=False, paced=False), camera("b")])
    session.start()
    error = eventually(lambda: session.failure)
    assert "detector broke" in str(error)
    session.stop(2.0)


def test_every_third_frame_is_detected_even_under_overload(fakes: SimpleNamespace) -> None:
    seen: list[FrameResult] = []
    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.01)), endless=True, gap_s=0.001)
    session = Session(parts, [camera("a", every=3, taps={"t": lambda result: not seen.append(result)})])
    session.start()
    eventually(lambda: sum(result.detected for result in seen) > 10)
    session.stop(2.0)
    detected = [result.frame.index for result in seen if result.detected]
    assert min(np.diff(detected)) >= 3


def test_pictures_fit_the_tile_and_show_the_newest(fakes: SimpleNamespace) -> None:
    session = Session(fakes.Parts(endless=True, gap_s=0.002), [camera("a")])
    session.start()
    assert session.preview("a") is None
    session.show("a", (64, 64), OverlayStyle())
    first = eventually(lambda: session.preview("a"))
    assert first.image.shape == (48, 64, 4)  # 32x24 pictures scaled to fit
    assert not first.image.flags.writeable
    number = first.result.frame.index
    assert tuple(first.image[0, 0]) == (len(first.result.tracks), number % 256, 255, 255)
    later = eventually(lambda: (p := session.preview("a")).seq > first.seq + 3 and p)
    assert later.result.frame.index > number
    session.show("a", (16, 100), OverlayStyle(trails=False))
    eventually(lambda: session.preview("a").image.shape == (12, 16, 4))
    session.hide("a")
    assert session.preview("a") is None
    session.stop(2.0)


def test_held_picture_is_drawn_anew_in_another_size(fakes: SimpleNamespace) -> None:
    session = Session(fakes.Parts(count=3), [camera("f", live=False, paced=False)])
    session.start()
    session.show("f", (32, 24), OverlayStyle())
    eventually(lambda: session.states()["f"].name == "ended")
    eventually(lambda: (p := session.preview("f")) and p.result.frame.index == 2)
    session.show("f", (320, 240), OverlayStyle())
    eventually(lambda: session.preview("f").image.shape == (240, 320, 4))
    session.stop(2.0)


def test_display_keeps_the_rate_of_the_camera_when_detection_is_slow(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(lambda: fakes.Detector(hold=lambda: PAUSE.wait(0.08)), endless=True, gap_s=0.01)
    session = Session(parts, [camera("a")])
    session.start()
    eventually(lambda: session.latest("a"))
    session.show("a", (32, 24), OverlayStyle())
    previews: dict[int, Any] = {}

    def enough() -> bool:
        if preview := session.preview("a"):
            previews[preview.seq] = preview
        return len(previews) > 30

    eventually(enough)
    session.stop(2.0)
    moved = [preview.result for preview in previews.values() if not preview.result.detected]
    assert len(moved) > 15
    indices = [previews[seq].result.frame.index for seq in sorted(previews)]
    assert indices == sorted(set(indices))
    for result in moved[5:]:  # 10 px/s at 10 pictures a second: one pixel a picture, as the picture's number
        assert result.tracks.boxes[0, 0] == pytest.approx(result.frame.index, abs=0.01)


def test_stops_at_any_moment(fakes: SimpleNamespace) -> None:
    for seed in range(60):
        chance = random.Random(seed)
        parts = fakes.Parts(endless=chance.random() < 0.5, count=20, gap_s=chance.choice([0, 0.001]))
        session = Session(
            parts,
            [
                camera("a"),
                camera("f", live=False, paced=False, loop=chance.random() < 0.5),
                camera("b", enabled=chance.random() < 0.5),
            ],
        )
        session.start()
        session.show("a", (32, 24), OverlayStyle())
        PAUSE.wait(chance.random() * 0.004)
        if chance.random() < 0.3:
            session.remove("a")
        if chance.random() < 0.3:
            session.playback("f").pause()
        session.stop(2.0)
        assert all(source.closed == source.opened for source in parts.sources.values())

from __future__ import annotations

import errno
import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from surveil.app.service.recorder import QUEUE, Recorder, RecorderConfig
from surveil.render.shapes import Shape
from surveil.render.style import OverlayStyle
from surveil.types import FrameResult
from tests.support.clock import StepClock
from tests.support.results import A, result_of

Start = Callable[[RecorderConfig], Recorder]


PAUSE = threading.Event()  # never set: something to wait on


def eventually(true: Callable[[], object]) -> None:
    """The test fails when it does not become true in time."""
    for _ in range(2000):
        if true():
            return
        PAUSE.wait(0.005)
    raise AssertionError("did not become true within 10 s")


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def start(clock: StepClock) -> Iterator[Start]:
    made: list[Recorder] = []

    def begin(config: RecorderConfig) -> Recorder:
        recorder = Recorder(config, clock)
        recorder.start()
        made.append(recorder)
        return recorder

    yield begin
    for recorder in made:
        recorder.stop(20.0)


def offered(recorder: Recorder, results: list[FrameResult]) -> None:
    for result in results:
        for take in (recorder.offer, recorder.offer_picture):
            eventually(lambda take=take, result=result: take(result))  # type: ignore[misc]


def results(camera: str, count: int = 5, first: int = 0) -> list[FrameResult]:
    rows = [A(1, (4, 4, 20, 30))]
    return [result_of(rows, index=first + k, size=(64, 48), camera_id=camera) for k in range(count)]


def pictures(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_each_camera_has_its_video_and_all_share_the_lines(tmp_path: Path, start: Start) -> None:
    recorder = start(RecorderConfig(folder=tmp_path / "out", annotated=True, jsonl="files"))
    offered(recorder, [*results("a"), *results("b", 3)])
    recorder.stop(20.0)
    (a,) = (tmp_path / "out" / "a").iterdir()
    (b,) = (tmp_path / "out" / "b").iterdir()
    assert (pictures(a), pictures(b)) == (5, 3)
    assert a.name == "2023-11-14T22-15-00.000Z.mp4"
    (lines,) = (tmp_path / "out" / "tracks").iterdir()
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row["camera"] for row in rows] == ["a"] * 5 + ["b"] * 3
    assert recorder.trouble == {}
    if os.name == "posix":
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_a_new_piece_after_its_time_and_when_a_camera_begins_anew(
    tmp_path: Path, start: Start, clock: StepClock
) -> None:
    recorder = start(RecorderConfig(folder=tmp_path, annotated=True, piece_s=60))
    offered(recorder, results("a", 2))
    eventually(lambda: (piece := recorder._pieces.get("a")) and piece.last_pts_s == 0.1)
    clock.now_s += 61
    eventually(lambda: len(list((tmp_path / "a").glob("*.mp4"))) == 1)
    offered(recorder, results("a", 2, first=2))
    offered(recorder, results("a", 4))  # opened anew: its time begins again
    recorder.stop(20.0)
    assert sorted(pictures(path) for path in (tmp_path / "a").iterdir()) == [2, 2, 4]


def test_what_is_written_changes_while_it_runs(tmp_path: Path, start: Start) -> None:
    quiet = RecorderConfig(folder=tmp_path)
    recorder = start(quiet)
    offered(recorder, results("a"))
    assert list(tmp_path.iterdir()) == []
    recorder.use(replace(quiet, jsonl="files"), {})
    offered(recorder, results("a", 3))
    recorder.use(replace(quiet, jsonl="files", folder=tmp_path / "other"), {})
    offered(recorder, results("a", 4))
    recorder.stop(20.0)
    found = sorted(len(path.read_text().splitlines()) for path in tmp_path.rglob("*.jsonl"))
    assert sum(found) == 7
    assert len(list((tmp_path / "other" / "tracks").iterdir())) == 1


def test_zones_are_drawn_into_the_video_as_they_are_now(tmp_path: Path, start: Start) -> None:
    config = RecorderConfig(folder=tmp_path, annotated=True, style=OverlayStyle(hud=False))
    recorder = start(config)
    left = Shape(kind="area", name="", points=((0, 0), (0.4, 0), (0.4, 1), (0, 1)), colour=(255, 255, 255))
    frames = [result_of(index=k, size=(64, 48), camera_id="a") for k in range(6)]
    for shapes, some in (({}, frames[:3]), ({"a": (left,), "b": ()}, frames[3:])):
        recorder.use(config, shapes)
        offered(recorder, some)
        eventually(
            lambda last=some[-1]: (
                (piece := recorder._pieces.get("a"))  # type: ignore[misc]
                and piece.last_pts_s == last.frame.pts_s
            )
        )
    recorder.stop(20.0)
    (video,) = (tmp_path / "a").iterdir()
    with av.open(str(video)) as container:
        seen = [picture.to_ndarray(format="gray")[:, :24].mean() for picture in container.decode(video=0)]
    assert max(seen[:3]) + 5 < min(seen[3:])


def test_a_disk_that_fails_is_said_and_tried_again(
    tmp_path: Path, start: Start, clock: StepClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a").touch()  # where its folder should be
    recorder = start(RecorderConfig(folder=tmp_path, annotated=True))
    with caplog.at_level(logging.ERROR):
        offered(recorder, [*results("a"), *results("b", 2)])
        eventually(lambda: (piece := recorder._pieces.get("b")) and piece.last_pts_s == 0.1)  # all is taken
    assert "is a file, not a folder" in recorder.trouble["a"]
    (tmp_path / "a").unlink()
    clock.now_s += 20
    eventually(lambda: not recorder._pieces.get("a"))
    offered(recorder, results("a", 3, first=10))
    recorder.stop(20.0)
    assert recorder.trouble == {}
    assert [pictures(path) for path in (tmp_path / "a").iterdir()] == [3]
    assert [pictures(path) for path in (tmp_path / "b").iterdir()] == [2]


def test_a_slow_disk_holds_nobody_up(tmp_path: Path, clock: StepClock) -> None:
    recorder = Recorder(RecorderConfig(folder=tmp_path, jsonl="files"), clock)  # its thread does not run
    taken = [recorder.offer(result) for result in results("a", QUEUE + 3)]
    assert taken == [True] * QUEUE + [False] * 3


def test_a_reader_that_leaves_is_noticed(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "gone")

    monkeypatch.setattr("sys.stdout", Gone())
    recorder = start(RecorderConfig(folder=tmp_path, jsonl="stdout"))
    offered(recorder, results("a", 1))
    eventually(lambda: recorder.reader_left)


def test_the_pictures_of_a_larger_stream_are_the_video_and_the_tracks_stay_those_of_the_small(
    tmp_path: Path, start: Start
) -> None:
    recorder = start(RecorderConfig(folder=tmp_path, annotated=True, jsonl="files"))
    rows = [A(1, (4, 4, 20, 30))]
    for k in range(3):
        recorder.offer(result_of(rows, index=k, size=(64, 48), camera_id="a"))
        recorder.offer_picture(result_of(rows, index=7 + k, size=(320, 240), camera_id="a"))
    recorder.stop(20.0)
    (video,) = (tmp_path / "a").iterdir()
    with av.open(str(video)) as container:
        assert (container.streams.video[0].width, pictures(video)) == (320, 3)
    (lines,) = (tmp_path / "tracks").iterdir()
    assert [json.loads(line)["frame"] for line in lines.read_text().splitlines()] == [0, 1, 2]


def test_large_pictures_fill_the_queue_before_they_fill_the_memory(
    tmp_path: Path, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surveil.app.service.recorder.QUEUE_BYTES", 3 * 64 * 48 * 3)
    recorder = Recorder(RecorderConfig(folder=tmp_path, annotated=True), clock)  # its thread does not run
    assert [recorder.offer_picture(result) for result in results("a", 5)] == [True] * 3 + [False] * 2


def test_a_stop_does_not_wait_for_all_that_is_queued(
    tmp_path: Path, clock: StepClock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(RecorderConfig(folder=tmp_path, annotated=True), clock)
    taken = recorder._take

    def slowly(result: FrameResult, for_video: bool) -> None:
        taken(result, for_video)
        clock.now_s += 1

    recorder._take = slowly  # type: ignore[method-assign]
    for result in results("a", 10):
        assert recorder.offer_picture(result)
    recorder._ends_s = clock.now_s + 3
    recorder._queue.close()
    with caplog.at_level(logging.WARNING):
        recorder._run()
    (video,) = (tmp_path / "a").glob("*.mp4")
    assert pictures(video) == 3
    assert "stopped with 7 results unwritten" in caplog.text

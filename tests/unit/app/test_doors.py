from __future__ import annotations

import inspect
import threading
from pathlib import Path

import numpy as np
import pytest

import surveil
from surveil.app import (
    GuiOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    configure_camera,
    configure_cameras,
    open_session,
    plan_run,
)
from surveil.errors import DeviceError, ModelError, SourceError, UsageError
from surveil.render.style import OverlayStyle
from tests.support.clips import write_clip

PAUSE = threading.Event()


def test_three_lines_of_python(
    model: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []
    for result in surveil.run(clip, model=model):
        seen.append(result.tracks.boxes.shape[1])
    assert seen == [4] * 40
    assert list(tmp_path.iterdir()) == []


def test_nothing_happens_before_the_first_result_is_asked_for(clip: Path) -> None:
    results = surveil.run(clip, model="nosuch.onnx")
    with pytest.raises(ModelError):
        next(results)
    with pytest.raises(UsageError, match="every"):
        surveil.run(clip, every=0)
    with pytest.raises(SourceError, match="not allowed"):
        surveil.run("file:///etc/passwd")


def test_runtime_and_size_of_the_input_are_chosen(model: Path, clip: Path) -> None:
    first = next(surveil.run(clip, model=model, runtime="onnxruntime", input_size=(64, 64)))
    assert first.detections is not None
    assert len(first.detections) > 0
    with pytest.raises(UsageError, match="unknown runtime 'tensorrt'"):
        next(surveil.run(clip, model=model, runtime="tensorrt"))
    with pytest.raises(UsageError, match="not measured at an input size of 64x32"):
        next(surveil.run(clip, model=model, input_size=(64, 32)))


def test_leaving_the_loop_finishes_the_files(model: Path, clip: Path, tmp_path: Path) -> None:
    for result in surveil.run(clip, model=model, out=tmp_path / "o.mp4", mot=tmp_path / "o.txt"):
        if result.frame.index == 9:
            break
    del result
    assert (tmp_path / "o.mp4").is_file()
    assert not (tmp_path / "o.mp4.part").exists()


def test_stop_ends_the_results(model: Path, clip: Path) -> None:
    stop = threading.Event()
    seen = 0
    for result in surveil.run([clip, clip], model=model, stop=stop):
        seen += 1
        if result.frame.index == 5:
            stop.set()
    assert 6 <= seen <= 16


@pytest.mark.parametrize("every", [1, 3])
def test_one_thread_and_four_write_the_same_bytes(
    model: Path, clip: Path, tmp_path: Path, every: int
) -> None:
    def files(staged: bool) -> dict[str, bytes]:
        folder = tmp_path / str(staged)
        options = RunOptions(
            model=ModelOptions(model=str(model), every=every),
            output=OutputOptions(
                out=folder / "o.mp4", mot=folder / "o.txt", jsonl=folder / "t.jsonl",
                save_detections=folder / "d.jsonl", all_states=True,
            ),
            staged=staged,
        )  # fmt: skip
        run = plan_run([str(clip)], options, threading.Event())
        assert sum(1 for _ in run.results()) == 40
        summary = run.summary()
        assert summary.frames == 40
        assert summary.tracks > 0
        return {path.name: path.read_bytes() for path in summary.files}

    one, four = files(staged=False), files(staged=True)
    assert set(one) == {"o.mp4", "o.txt", "t.jsonl", "d.jsonl"}
    assert min(map(len, one.values())) > 0
    assert one == four


def test_signature_mirrors_the_command_line() -> None:
    from surveil.cli.run import run as command

    python = set(inspect.signature(surveil.run).parameters)
    terminal = set(inspect.signature(command).parameters)
    assert python - terminal == {"source", "stop"}
    assert terminal - python == {"sources", "no_video", "verbose", "quiet"}


def test_session_plays_a_recording_and_draws_it(model: Path, clip: Path) -> None:
    options = GuiOptions(model=ModelOptions(model=str(model), device="cpu"))
    session = open_session(options)
    try:
        session.add(configure_camera(str(clip), options))
        session.show("square", (80, 80), OverlayStyle())
        preview = None
        for _ in range(2000):
            preview = session.preview("square")
            if preview is not None and preview.result.frame.index >= 3:
                break
            PAUSE.wait(0.005)
        assert preview is not None
        assert preview.image.shape == (60, 80, 4)
        assert preview.image.dtype == np.uint8
        state = session.states()["square"]
        assert state.name == "playing"
        assert state.decoder.startswith("h264")
        assert state.device.startswith("CPU")
        session.playback("square").pause()
    finally:
        session.stop(3.0)


def test_scenes_loop_and_cameras_are_live() -> None:
    configs = configure_cameras(["test://street", "rtsp://10.0.0.7/a", "0"], GuiOptions())
    assert [(config.source.live, config.loop) for config in configs] == [
        (False, True),
        (True, False),
        (True, False),
    ]
    assert len({config.id for config in configs}) == 3


def test_one_source_is_one(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.mp4").touch()
    with pytest.raises(UsageError, match="means 2 sources"):
        configure_camera(str(tmp_path / "*.mp4"), GuiOptions())


def test_least_score_lifts_the_thresholds_of_the_tracker(model: Path, clip: Path) -> None:
    def births(least: float | None) -> int:
        ids: set[int] = set()
        for result in surveil.run(clip, model=model, min_score=least):
            assert least is None or (result.detections.scores >= least).all()
            ids |= set(result.tracks.ids.tolist())
        return len(ids)

    assert births(None) > births(0.7)
    assert births(0.55) > 0
    assert births(0.999) == 0


def test_recordings_taken_for_cameras_play_side_by_side_at_their_own_pace(model: Path, clip: Path) -> None:
    options = RunOptions(model=ModelOptions(model=str(model)), realtime=True)
    run = plan_run([str(clip), str(clip)], options, threading.Event())
    assert run.live
    arrivals: dict[str, list[float]] = {}
    for result in run.results():
        arrivals.setdefault(result.frame.camera_id, []).append(result.frame.arrived_s)
    assert set(arrivals) == {"square", "square-2"}
    first, second = arrivals.values()
    assert first[0] < second[-1]
    assert second[0] < first[-1]
    for times in (first, second):
        assert times[-1] - times[0] == pytest.approx(3.9, abs=1.5)  # four seconds at 10 Hz
    lost = sum(run.summary().left_out.values())
    assert 76 <= len(first) + len(second) + lost <= 80  # two each may be on their way at the end


def test_recordings_begin_again_until_a_stop(model: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", frames=5, rate=10)
    stop = threading.Event()
    sources = [str(clip), str(clip)]
    rounds: dict[str, int] = {}
    for result in surveil.run(sources, model=model, realtime=True, loop=True, stop=stop):
        rounds[result.frame.camera_id] = result.frame.epoch
        if len(rounds) == 2 and min(rounds.values()) >= 2:
            stop.set()
    assert stop.is_set()


def test_looping_needs_the_pace_of_life() -> None:
    with pytest.raises(UsageError, match="add --realtime"):
        RunOptions(loop=True)


def test_a_device_that_is_not_there_is_said_before_anything_is_opened(clip: Path) -> None:
    with pytest.raises(DeviceError, match="decoding on 'nonsense'"):
        surveil.run(clip, decode="nonsense")
    with pytest.raises(DeviceError, match="decoding on 'nonsense'"):
        open_session(GuiOptions(decode="nonsense"))

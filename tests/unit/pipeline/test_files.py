from __future__ import annotations

import random
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.errors import SourceCause, SourceError
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.files import FileJob, run_sequential, run_staged

PAUSE = threading.Event()  # never set: something to wait on
LAYOUTS = pytest.mark.parametrize("layout", [run_sequential, run_staged])


def job_of(fakes: SimpleNamespace, every: int = 1, **parts: Any) -> FileJob:
    return FileJob(
        source=parts.get("source") or fakes.Source(),
        detector=parts.get("detector") or fakes.Detector(),
        step=CameraStep(parts.get("tracker") or fakes.Tracker(), fakes.LABELS),
        outlet=parts.get("outlet") or fakes.Outlet(),
        every=every,
        detect_threads=parts.get("detect_threads", 1),
    )


@LAYOUTS
def test_every_frame_once_in_order(fakes: SimpleNamespace, layout: Any) -> None:
    job = job_of(fakes)
    results = list(layout(job, threading.Event()))
    assert [result.frame.index for result in results] == list(range(20))
    assert [float(result.tracks.boxes[0, 0]) for result in results] == list(range(20))
    assert [index for index, _ in job.outlet.written] == list(range(20))
    assert set(results[0].timings_ms) == {"decode", "prepare", "detect", "track"}
    stages = job.times.stages()
    assert {name: stage.frames for name, stage in stages.items() if name != "decode"} == dict.fromkeys(
        ["prepare", "detect", "track", "draw", "write"], 20
    )
    assert job.source.closed == 1


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("detect_threads", [1, 3])
def test_both_layouts_write_the_same_bytes(fakes: SimpleNamespace, every: int, detect_threads: int) -> None:
    chance = random.Random(1)
    uneven = fakes.Detector(hold=lambda: PAUSE.wait(chance.random() * 0.003))
    one = job_of(fakes, every)
    four = job_of(fakes, every, detector=uneven, detect_threads=detect_threads)
    list(run_sequential(one, threading.Event()))
    list(run_staged(four, threading.Event()))
    assert one.outlet.written == four.outlet.written


@LAYOUTS
def test_every_third_frame_is_detected_from_the_first_on(fakes: SimpleNamespace, layout: Any) -> None:
    job = job_of(fakes, every=3)
    results = list(layout(job, threading.Event()))
    assert [result.detected for result in results] == [index % 3 == 0 for index in range(20)]
    assert all(bool(result.tracks.coasting[0]) is not result.detected for result in results)
    assert all(len(result.detections) == int(result.detected) for result in results)


@LAYOUTS
@pytest.mark.parametrize("part", ["source", "detector", "tracker"])
def test_what_came_before_an_error_comes_out_before_it(
    fakes: SimpleNamespace, layout: Any, part: str
) -> None:
    broken = {"source": fakes.Source, "detector": fakes.Detector, "tracker": fakes.Tracker}[part](fail_at=7)
    job = job_of(fakes, **{part: broken})
    seen: list[int] = []
    with pytest.raises(RuntimeError, match=f"{part} broke"):
        seen += (result.frame.index for result in layout(job, threading.Event()))
    assert [index for index, _ in job.outlet.written] == list(range(7))
    assert job.source.closed == 1


@LAYOUTS
def test_error_of_the_outlet_reaches_the_caller(fakes: SimpleNamespace, layout: Any) -> None:
    job = job_of(fakes, outlet=fakes.Outlet(fail_at=5))
    with pytest.raises(OSError, match="disk broke"):
        list(layout(job, threading.Event()))
    assert job.source.closed == 1


@LAYOUTS
def test_stop_finishes_what_is_on_its_way(fakes: SimpleNamespace, layout: Any) -> None:
    job = job_of(fakes, source=fakes.Source(endless=True))
    stop = threading.Event()
    indices = []
    for result in layout(job, stop):
        indices.append(result.frame.index)
        if result.frame.index == 30:
            stop.set()
    assert indices == list(range(len(indices)))
    assert 31 <= len(indices) <= 31 + 10
    assert len(job.outlet.written) == len(indices)


@LAYOUTS
def test_caller_may_leave(fakes: SimpleNamespace, layout: Any) -> None:
    job = job_of(fakes, source=fakes.Source(endless=True))
    results = layout(job, threading.Event())
    next(results)
    results.close()
    assert job.source.closed == 1
    assert job.source.frames_ended


def test_source_is_opened_played_and_closed_by_one_thread(fakes: SimpleNamespace) -> None:
    job = job_of(fakes)
    list(run_staged(job, threading.Event()))
    assert job.source.threads == {"file-decode"}


def test_source_that_cannot_be_opened(fakes: SimpleNamespace) -> None:
    class Missing(fakes.Source):  # type: ignore[name-defined, misc]
        def __enter__(self) -> Any:
            raise SourceError("x.mp4: there is no such file", SourceCause.NOT_FOUND)

    with pytest.raises(SourceError, match="no such file"):
        list(run_staged(job_of(fakes, source=Missing()), threading.Event()))


def test_nothing_hangs_in_400_random_runs(fakes: SimpleNamespace) -> None:
    for seed in range(400):
        _one_random_run(fakes, random.Random(seed))


def _one_random_run(fakes: SimpleNamespace, chance: random.Random) -> None:
    mode = chance.choice(["good", "source", "detector", "tracker", "outlet", "stop", "leave"])
    at = chance.randrange(30)
    makers = {
        "source": fakes.Source,
        "detector": fakes.Detector,
        "tracker": fakes.Tracker,
        "outlet": fakes.Outlet,
    }
    parts = {mode: makers[mode](fail_at=at)} if mode in makers else {}
    parts.setdefault("source", fakes.Source(30))
    parts["detect_threads"] = chance.choice([1, 2, 4])
    job, stop = job_of(fakes, chance.choice([1, 2]), **parts), threading.Event()
    before = threading.active_count()
    seen = []
    try:
        for result in run_staged(job, stop):
            seen.append(result.frame.index)
            if result.frame.index == at and mode == "stop":
                stop.set()
            if result.frame.index == at and mode == "leave":
                break
    except (RuntimeError, OSError):
        assert mode in makers
    assert seen == list(range(len(seen)))
    if mode == "good":
        assert len(seen) == 30
    if mode == "leave":
        return  # the generator is closed with this frame; the guard against threads looks after the test
    assert threading.active_count() == before

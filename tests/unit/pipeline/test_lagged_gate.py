"""Recordings are looked at the same frames, whatever the threads do."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from surveil.pipeline.camera import CameraStep
from surveil.pipeline.files import FileJob, run_sequential, run_staged
from surveil.pipeline.gate import Gate, GateConfig, LaggedGate
from surveil.types import Detections, Frame

PAUSE = threading.Event()  # never set: something to wait on
LAYOUTS = pytest.mark.parametrize("layout", [run_sequential, run_staged])


class Moves:
    """A motion detector that sees something in the fourth second of ten."""

    def moves(self, frame: Frame) -> bool:
        return frame.pts_s % 10 // 1 == 4


def job_of(fakes: SimpleNamespace, *, threads: int = 1, hold: Any = lambda: None, **more: Any) -> FileJob:
    class Sometimes(fakes.Detector):  # type: ignore[name-defined, misc]
        """Finds an object in every second second."""

        def detect(self, batch: Any) -> list[Detections]:
            (one,) = super().detect(batch)
            return [one if batch[0].frame.pts_s % 2 < 1 else one.select(np.zeros(1, np.bool_))]

    # The false tracker's objects are 8 px high and move 10 px/s: here they stand.
    gate = Gate(Moves(), GateConfig(still=2.0))  # type: ignore[arg-type]
    return FileJob(
        source=more.get("source") or fakes.Source(300),
        detector=more.get("detector") or Sometimes(hold=hold),
        step=CameraStep(more.get("tracker") or fakes.Tracker(), fakes.LABELS),
        outlet=more.get("outlet") or fakes.Outlet(),
        gate=LaggedGate(gate),
        detect_threads=threads,
    )


@pytest.mark.parametrize("threads", [1, 3, 20])
def test_all_layouts_look_at_the_same_frames(fakes: SimpleNamespace, threads: int) -> None:
    chance = random.Random(threads)
    one = job_of(fakes)
    many = job_of(fakes, threads=threads, hold=lambda: PAUSE.wait(chance.random() * 0.002))
    looked = [result.detected for result in run_sequential(one, threading.Event())]
    assert [result.detected for result in run_staged(many, threading.Event())] == looked
    assert one.outlet.written == many.outlet.written
    assert 50 < sum(looked) < 200
    assert all(looked[40:60])  # motion in the fifth second


def test_every_and_gate_together_look_where_both_want_to(fakes: SimpleNamespace) -> None:
    job = replace(job_of(fakes), every=3)
    looked = [result.frame.index for result in run_staged(job, threading.Event()) if result.detected]
    assert all(index % 3 == 0 for index in looked)
    assert set(range(42, 60, 3)) <= set(looked)


@LAYOUTS
@pytest.mark.parametrize("part", ["source", "detector", "tracker"])
def test_an_error_ends_all_stages(fakes: SimpleNamespace, layout: Any, part: str) -> None:
    broken = {
        "source": fakes.Source(99, fail_at=40),
        "detector": fakes.Detector(fail_at=40),
        "tracker": fakes.Tracker(fail_at=40),
    }[part]
    with pytest.raises(RuntimeError, match=f"{part} broke"):
        list(layout(job_of(fakes, **{part: broken}), threading.Event()))


@LAYOUTS
def test_caller_may_leave_or_stop(fakes: SimpleNamespace, layout: Any) -> None:
    for moment in range(0, 60, 7):
        job = job_of(fakes, source=fakes.Source(endless=True))
        stop = threading.Event()
        results = layout(job, stop)
        for _ in range(moment):
            next(results)
        if moment % 2:
            stop.set()
            assert len(list(results)) < 40
        results.close()
        assert job.source.closed == job.source.opened

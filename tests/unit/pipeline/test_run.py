from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.capture.spec import SourceSpec
from surveil.errors import OutputError, SourceCause, SourceError, UsageError
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.outlet import FileOutlet
from surveil.pipeline.run import Run
from surveil.pipeline.session import CameraConfig
from surveil.types import FrameResult

PAUSE = threading.Event()


class Writer:
    """Remembers what happened to it; breaks at picture `fail_at`."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at, self.end, self.written = fail_at, "", 0

    def write(self, result: FrameResult) -> None:
        if result.frame.index == self.fail_at:
            raise OutputError("the disk is full")
        self.written += 1

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = self.end or "aborted"


@dataclass(frozen=True)
class Job:
    """A run with its parts in sight."""

    run: Run
    parts: Any
    own: dict[str, Writer]
    shared: Writer
    stop: threading.Event


@pytest.fixture
def plan(fakes: SimpleNamespace) -> Callable[..., Job]:
    """Makes a run over sources by name: a name with `cam` is live; `fails` says where sources break."""

    def make(names: Sequence[str], *, fails: Any = None, writer_fails: int | None = None, **run: Any) -> Job:
        specs = [SourceSpec(kind="file", text=name, name=name, live="cam" in name) for name in names]
        own = {spec.name: Writer() for spec in specs}
        shared, stop = Writer(writer_fails), threading.Event()
        error = SourceError("it broke", SourceCause.DAMAGED)

        class Parts(fakes.Parts):  # type: ignore[name-defined, misc]
            def check_outputs(self, specs: Any) -> None:
                return None

            def open_recording(self, spec: SourceSpec) -> Any:
                return fakes.Source(
                    10, camera_id=spec.name, fail_at=(fails or {}).get(spec.name), error=error
                )

            def open_detector(self) -> Any:
                self.opened = fakes.Detector()
                return self.opened, 2

            def new_step(self, detector: Any) -> CameraStep:
                return CameraStep(fakes.Tracker(), fakes.LABELS)

            def open_shared(self) -> Any:
                return [shared]

            def open_outlet(self, spec: SourceSpec, shared: Any, source: Any) -> FileOutlet:
                return FileOutlet(None, own=[own[spec.name]], shared=shared)

            def camera(self, spec: SourceSpec) -> CameraConfig:
                return CameraConfig(id=spec.name, source=spec)

            def files(self, specs: Any) -> tuple[Path, ...]:
                return ()

        parts = Parts(**run.pop("source", {}))
        return Job(Run(specs, parts, stop=stop, **run), parts, own, shared, stop)

    return make


def test_recordings_one_after_the_other(plan: Callable[..., Job]) -> None:
    job = plan(["a", "b"])
    seen = [(result.frame.camera_id, result.frame.index) for result in job.run.results()]
    assert seen == [("a", k) for k in range(10)] + [("b", k) for k in range(10)]
    assert {writer.end for writer in job.own.values()} == {job.shared.end} == {"closed"}
    assert job.parts.opened.closed
    summary = job.run.summary()
    assert (summary.frames, summary.looked, summary.tracks) == (20, 20, 2)
    assert summary.objects == {"person": 2}
    assert summary.device == "CPU (fake), 2 frames side by side"
    assert summary.fps == pytest.approx(20 / summary.wall_s)


def test_one_that_breaks_is_left_out_and_raised_at_the_end(plan: Callable[..., Job]) -> None:
    job = plan(["a", "b", "c"], fails={"b": 4})
    seen: list[str] = []
    with pytest.raises(SourceError, match=r"1 of 3 sources could not be processed \(b\)"):
        seen += (result.frame.camera_id for result in job.run.results())
    assert [seen.count(name) for name in "abc"] == [10, 4, 10]
    assert {writer.end for writer in job.own.values()} == {"closed"}  # what there is of b is whole
    assert list(job.run.failures) == ["b"]


def test_failed_output_ends_everything_and_keeps_the_parts(plan: Callable[..., Job]) -> None:
    job = plan(["a", "b"], writer_fails=5)
    with pytest.raises(OutputError):
        list(job.run.results())
    assert job.own["a"].end == "aborted"
    assert (job.own["b"].end, job.own["b"].written) == ("", 0)
    assert job.parts.opened.closed


def test_leaving_finishes_the_files(plan: Callable[..., Job]) -> None:
    job = plan(["a", "b"])
    results = job.run.results()
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert (job.own["a"].end, job.shared.end) == ("closed", "closed")
    assert job.parts.opened.closed


def test_recordings_and_cameras_do_not_mix(plan: Callable[..., Job]) -> None:
    with pytest.raises(UsageError, match="cannot go into one run"):
        plan(["a", "cam"])
    with pytest.raises(UsageError, match="at least one source"):
        plan([])


def test_cameras_side_by_side_until_a_stop(plan: Callable[..., Job]) -> None:
    job = plan(["cam1", "cam2"], source={"endless": True, "gap_s": 0.002})
    seen: dict[str, list[int]] = {"cam1": [], "cam2": []}
    for result in job.run.results():
        seen[result.frame.camera_id].append(result.frame.index)
        assert set(job.run.states()) == {"cam1", "cam2"}
        if min(map(len, seen.values())) > 20:
            job.stop.set()
    for name, indices in seen.items():
        assert indices == sorted(set(indices))
        assert job.own[name].written == len(indices)
        assert job.own[name].end == "closed"
    assert job.parts.brains[0].detector.closed


def test_cameras_for_some_seconds(plan: Callable[..., Job]) -> None:
    job = plan(["cam"], source={"endless": True, "gap_s": 0.002}, seconds=0.3)
    assert sum(1 for _ in job.run.results()) > 3
    assert job.run.summary().wall_s >= 0.3


def test_camera_that_gave_no_picture_is_raised_at_the_end(
    plan: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = plan(["cam1", "cam2"], source={"endless": True, "gap_s": 0.002}, seconds=0.3)
    make = job.parts.supervise

    def supervise(config: CameraConfig, stop: threading.Event, deliver: Any) -> Any:
        return make(config, stop, deliver if config.id == "cam1" else lambda frame: None)

    monkeypatch.setattr(job.parts, "supervise", supervise)
    seen: set[str] = set()
    with pytest.raises(SourceError, match=r"1 of 2 sources gave no picture \(cam2\)"):
        seen.update(result.frame.camera_id for result in job.run.results())
    assert seen == {"cam1"}
    assert job.own["cam1"].end == "closed"


def test_slow_caller_loses_results_and_that_is_said(plan: Callable[..., Job]) -> None:
    job = plan(["cam"], source={"endless": True, "gap_s": 0.0005})
    for number, _ in enumerate(job.run.results()):
        PAUSE.wait(0.02)
        if number == 30:
            job.stop.set()
    assert job.run.summary().left_out["outlet"] > 10


def test_session_that_fails_ends_the_run(plan: Callable[..., Job], fakes: SimpleNamespace) -> None:
    job = plan(["cam"], source={"endless": True, "gap_s": 0.002})
    job.parts.detector = lambda: fakes.Detector(fail_at=3)
    with pytest.raises(RuntimeError, match="detector broke"):
        list(job.run.results())
    assert job.own["cam"].end == "aborted"

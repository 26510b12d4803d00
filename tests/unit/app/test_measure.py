from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from surveil.app import measure
from surveil.app.machine import describe_machine, peak_rss_mb
from surveil.app.options import ModelOptions
from surveil.errors import UsageError


def test_machine_is_described() -> None:
    about = describe_machine()
    assert about["cores"] >= 1
    assert about["processor"]
    assert "numpy" in about["packages"]
    peak = peak_rss_mb()
    assert peak is None or 10 < peak < 100_000


def test_detector_is_measured_by_parts(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SCENE", "test://street?size=160x90&fps=10&seconds=0.3")
    report = measure.measure_detector(ModelOptions(model=str(model)), seconds=0.2)
    assert report["model"] == "colours"
    assert report["detections_per_s"] > 1
    assert set(report["ms"]) == {"prepare", "run", "post"}
    assert all(0 <= part["p50"] <= part["p95"] for part in report["ms"].values())


def test_measuring_ends_when_it_is_stopped(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SCENE", "test://street?size=160x90&fps=10&seconds=0.3")
    stop, run = threading.Event(), measure.TimedNetwork.run
    runs: list[int] = []

    def run_and_stop(network: measure.TimedNetwork, tensor: Any) -> Any:
        runs.append(len(runs))
        if len(runs) > measure.WARM_UP_RUNS + 1:
            stop.set()
        return run(network, tensor)

    monkeypatch.setattr(measure.TimedNetwork, "run", run_and_stop)
    report = measure.measure_detector(ModelOptions(model=str(model)), seconds=3600, stop=stop)
    assert report["detections_per_s"] > 0
    assert len(runs) == measure.WARM_UP_RUNS + 2
    with pytest.raises(UsageError, match="before it began"):
        measure.measure_detector(ModelOptions(model=str(model)), seconds=3600, stop=stop)


def test_pipeline_is_measured_by_stages(model: Path, clip: Path) -> None:
    report = measure.measure_pipeline(clip, ModelOptions(model=str(model)))
    assert report["frames"] == 40
    assert report["fps"] > 1
    assert report["cpu_ms_per_frame"] > 0
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]
    assert set(report["stages_ms"]) == {"decode", "prepare", "detect", "track", "draw", "write"}
    assert report["written_mb"] > 0

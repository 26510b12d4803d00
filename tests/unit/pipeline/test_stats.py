from __future__ import annotations

import math

import pytest

from surveil.pipeline.stats import CameraMeter, Rate, Samples, StageTimes


def test_stage_times_are_counted_and_a_failed_pass_is_not() -> None:
    times = StageTimes()
    for _ in range(3):
        with times.measure("spin") as watch:
            sum(range(20_000))
    with pytest.raises(ValueError, match="x"), times.measure("spin"):
        raise ValueError("x")
    stage = times.stages()["spin"]
    assert stage.frames == 3
    assert watch.wall_ms >= watch.cpu_ms > 0
    assert 0 < stage.p50_ms <= stage.p95_ms
    assert stage.wall_ms > 0
    assert stage.cpu_ms > 0


def test_percentiles() -> None:
    samples = Samples(window=100)
    assert math.isnan(samples.percentile(50))
    for value in range(1000):
        samples.add(value)
    assert samples.percentile(0) == 900
    assert samples.percentile(50) == pytest.approx(949.5)


def test_rate_forgets() -> None:
    rate = Rate()
    assert rate.hz(0.0) == 0
    for k in range(60):
        rate.tick(k / 30)
    assert rate.hz(59 / 30) == pytest.approx(30, rel=0.02)
    assert rate.hz(10.0) == 0


def test_meter_adds_up() -> None:
    meter = CameraMeter()
    for k in range(10):
        meter.received(k / 10)
        if k % 2:
            meter.processed(k / 10 + 0.05, k / 10)
    meter.dropped("recorder")
    stats = meter.stats(1.0, {"overwritten": 5, "stopped": 0})
    assert (stats.received, stats.processed) == (10, 5)
    assert stats.drops == {"recorder": 1, "overwritten": 5}
    assert stats.age_p50_ms == pytest.approx(50)


def test_a_camera_that_is_away_has_no_age() -> None:
    meter = CameraMeter()
    meter.processed(0.05, 0.0)
    assert meter.stats(9.0, {}).age_p95_ms == pytest.approx(50)
    assert math.isnan(meter.stats(11.0, {}).age_p95_ms)
    meter.processed(60.02, 60.0)
    assert not math.isnan(meter.stats(60.1, {}).age_p95_ms)

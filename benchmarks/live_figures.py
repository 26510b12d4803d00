"""What `live.py` says of a session: rates, ages, and what became of every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surveil.pipeline.state import State
from surveil.pipeline.stats import StageStats
from tests.support.live import Seen, Witness

GOAL_HZ = 120.0

Figures = dict[str, Any]


def account(state: State, witness: Witness) -> Figures:
    """What became of every frame of one camera, counted at three places: capture, layout, results."""
    captured, stats = state.counters["frames"], state.stats
    return {
        "captured": captured,
        "received": stats.received,
        "results": len(witness.seen),
        "drops": dict(stats.drops),
        "left": captured - len(witness.seen) - sum(stats.drops.values()),
        "source": dict(state.counters),
    }


def rates(seen: Mapping[str, Sequence[Seen]], seconds: float, bench_hz: Sequence[float]) -> Figures:
    """Detections a second, and how even they are."""
    each = {name: sum(one.detected for one in all_of) / seconds for name, all_of in seen.items()}
    goal_hz = min(GOAL_HZ, sum(bench_hz) / len(bench_hz))
    return {
        "results_per_s": {name: len(all_of) / seconds for name, all_of in seen.items()},
        "detections_per_s": each,
        "together_per_s": sum(each.values()),
        "most_by_least": max(each.values()) / max(min(each.values()), 1e-9),
        "share_of_goal": sum(each.values()) / goal_hz,
        "inference_ms": 1000 * len(bench_hz) / sum(bench_hz),
    }


def ages(seen: Mapping[str, Sequence[Seen]], begin_s: float, end_s: float) -> Figures:
    """From a frame's arrival to its result, over all cameras: the whole time, and every quarter of it."""
    quarter_s = (end_s - begin_s) / 4
    spans = {"all": (begin_s, end_s)} | {
        f"quarter_{k + 1}": (begin_s + k * quarter_s, begin_s + (k + 1) * quarter_s) for k in range(4)
    }
    return {
        name: percentiles(
            [
                1000 * (one.now_s - one.arrived_s)
                for all_of in seen.values()
                for one in all_of
                if a <= one.now_s < b
            ]
        )
        for name, (a, b) in spans.items()
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Of milliseconds."""
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "most": max(values)}


def stage_times(stages: Mapping[str, StageStats]) -> Figures:
    """Milliseconds by stage of the layout."""
    return {
        name: {"frames": stage.frames, "cpu": stage.cpu_ms, "p50": stage.p50_ms, "p95": stage.p95_ms}
        for name, stage in stages.items()
    }


def without_machine(report: Figures) -> Figures:
    """A detector's figures."""
    return {key: value for key, value in report.items() if key != "machine"}

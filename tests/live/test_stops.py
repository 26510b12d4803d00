"""Sessions that are stopped at random instants, also while they connect: soon, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveil.detect.detector import Detector
from tests.support.cycles import Cycles, run_cycles
from tests.support.live import BlankDetector

STOP_S = 2.0


def check(cycles: Cycles) -> None:
    assert max(cycles.stops_s) <= STOP_S
    left = cycles.left_behind
    left.pop("native_threads", None)  # libraries keep some; those of Python are counted, too
    assert not left
    assert cycles.clients_left == 0


def test_some_cycles(clip: Path) -> None:
    cycles = run_cycles(clip, BlankDetector(), 8, longest_s=0.8)
    check(cycles)
    assert {"connecting", "live"} <= set(cycles.states)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_cycles(clip: Path, shipped: Detector, report: Callable[[str, Any], None]) -> None:
    cycles = run_cycles(clip, shipped, 200)
    assert cycles.before is not None
    assert cycles.after is not None
    report(
        "stops",
        {
            "longest_s": max(cycles.stops_s),
            "mean_s": sum(cycles.stops_s) / len(cycles.stops_s),
            "states": cycles.states,
            "before": cycles.before.as_dict(),
            "after": cycles.after.as_dict(),
        },
    )
    check(cycles)

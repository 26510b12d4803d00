"""Cameras under random faults: nothing grows, nobody is silent about it, and all of them come back.

`SURVEIL_FAULTS_S=60` makes the hour a minute, for a try.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveil.detect.detector import Detector
from surveil.pipeline.session import Session
from tests.support.belongings import Belongings, slope
from tests.support.clips import write_clip
from tests.support.fleet import Fleet
from tests.support.live import BlankDetector, KeptTable, camera_config, wait_until
from tests.support.mischief import FAULTS, Mischief, run_mischief

AUTH_WAIT_S = 30.0
SETTLED_S = 300


def live_again(session: Session) -> bool:
    return {state.name for state in session.states().values()} == {"live"}


def plague(
    clips: list[Path], detector: Detector, seconds: float, say: Callable[[str], None], **chance: Any
) -> tuple[list[float], dict[str, Any]]:
    """Four cameras and `seconds` of faults; the memory by the second, and what else was seen."""
    before = Belongings.now()
    with Fleet(clips[0], 4) as fleet:
        configs = [camera_config(f"cam{k}", url) for k, url in enumerate(fleet.urls)]
        session = Session(KeptTable(detector), configs)
        session.start()
        try:
            mischief = Mischief(fleet, session, configs, clips, **chance)
            samples = run_mischief(mischief, seconds, say)
            back = wait_until(lambda: live_again(session), AUTH_WAIT_S + 5)
            states = {name: (state.name, state.cause) for name, state in session.states().items()}
        finally:
            session.stop()
    assert back, f"not all are live again: {states}"
    assert not mischief.wrong
    assert session.failure is None
    after = Belongings.now()
    assert after.threads == before.threads
    return samples, {"faults": dict(mischief.done), "before": before.as_dict(), "after": after.as_dict()}


def test_some_seconds_of_faults(clip: Path, other_clip: Path) -> None:
    kinds = tuple(kind for kind in FAULTS if kind != "401")  # after which half a minute is waited
    plague([clip, other_clip], BlankDetector(), 8.0, lambda text: None, often=0.3, kinds=kinds)


@pytest.mark.slow
@pytest.mark.timeout(4500)
def test_an_hour_of_faults_costs_no_memory(
    tmp_path: Path, shipped: Detector, report: Callable[[str, Any], None]
) -> None:
    sizes = ((320, 180), (416, 240))
    clips = [write_clip(tmp_path / f"{w}.mp4", frames=50, rate=5, size=(w, h)) for w, h in sizes]
    seconds = float(os.environ.get("SURVEIL_FAULTS_S", "3600"))
    samples, seen = plague(clips, shipped, seconds, lambda text: report("faults", text))
    grown = slope(samples[min(SETTLED_S, len(samples) // 4) :])
    report("figures", {**grown, **seen})
    assert abs(grown["mb_per_hour"]) <= 3 * grown["error_mb_per_hour"] + 5

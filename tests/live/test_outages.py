"""A camera's server is killed, or freezes; the other cameras do not notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveil.detect.detector import Detector
from surveil.pipeline.session import Session
from tests.support.fleet import Fleet
from tests.support.live import CLOCK, BlankDetector, KeptTable, Witness, camera_config, wait_until

BACK_OFF_S = 3.0


def outage(
    session: Session, witnesses: list[Witness], begin: Callable[[], None], end: Callable[[], None]
) -> dict[str, float]:
    """Seconds until the fault of `cam0` is seen and until it plays again, and the others' longest gap."""
    begin_s = CLOCK.monotonic()
    begin()
    assert wait_until(lambda: session.states()["cam0"].name != "live", 15.0, 0.02)
    seen = session.states()["cam0"]
    assert seen.cause
    wait_until(lambda: False, 1.5)
    end()
    back_s = CLOCK.monotonic()
    assert wait_until(lambda: witnesses[0].seen[-1].now_s > back_s, 20.0, 0.005), session.states()["cam0"]
    playing_s = CLOCK.monotonic() - back_s
    assert wait_until(lambda: session.states()["cam0"].name == "live", 2.0, 0.02)
    gap_s = max(witness.gap_s(begin_s, CLOCK.monotonic()) for witness in witnesses[1:])
    return {"seen_s": seen.since_s - begin_s, "playing_s": playing_s, "others_gap_s": gap_s}


def outages(clip: Path, detector: Detector, times: int) -> dict[str, list[dict[str, float]]]:
    """One camera of three, alone in its process, is killed and frozen in turn."""
    witnesses = [Witness([]) for _ in range(3)]
    found: dict[str, list[dict[str, float]]] = {"killed": [], "frozen": []}
    with Fleet(clip, 1) as victim, Fleet(clip, 2) as others:
        urls = [*victim.urls, *others.urls]
        configs = [camera_config(f"cam{k}", url, witnesses[k]) for k, url in enumerate(urls)]
        session = Session(KeptTable(detector), configs)
        session.start()
        try:
            assert wait_until(lambda: all(len(witness.seen) > 5 for witness in witnesses), 20.0)
            for _ in range(times):
                found["killed"].append(outage(session, witnesses, victim.kill, victim.start))
                wait_until(lambda: False, 2.5)  # playing for so long makes the fault forgotten
                found["frozen"].append(outage(session, witnesses, victim.freeze, victim.wake))
                wait_until(lambda: False, 2.5)
        finally:
            session.stop(5.0)
    return found


def test_a_killed_and_a_frozen_server(clip: Path) -> None:
    """Limits for machines that are busy with other tests."""
    found = outages(clip, BlankDetector(), 1)
    (killed,), (frozen,) = found["killed"], found["frozen"]
    assert killed["seen_s"] < 2
    assert frozen["seen_s"] < 6
    assert max(killed["playing_s"], frozen["playing_s"]) < BACK_OFF_S + 4
    assert max(killed["others_gap_s"], frozen["others_gap_s"]) < 1


@pytest.mark.slow
def test_outages_within_the_promised_times(
    clip: Path, shipped: Detector, report: Callable[[str, Any], None]
) -> None:
    """For a machine that has nothing else to do."""
    found = outages(clip, shipped, 5)
    report("outages", found)
    assert max(one["seen_s"] for one in found["killed"]) <= 0.5
    assert max(one["seen_s"] for one in found["frozen"]) <= 5
    assert max(one["playing_s"] for kind in found.values() for one in kind) <= BACK_OFF_S + 1.5
    assert max(one["others_gap_s"] for kind in found.values() for one in kind) < 0.1 + 1 / 15

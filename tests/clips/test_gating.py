"""Motion gating on real recordings: no visit is lost, and the detector looks less."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

import surveil
from surveil.types import TrackState
from tests.clips import golden

LEAST_S = 1.0  # shorter tracks are no visits
TOLERANCE_S = 0.5


def visits(
    shared: Path, name: str, detections: Path, *, gated: bool
) -> tuple[list[tuple[float, float]], int]:
    """First and last second of every confirmed track, and how many frames were looked at."""
    seen: dict[int, list[float]] = defaultdict(list)
    looked = 0
    clip = shared / "clips" / f"{name}.mp4"
    for result in surveil.run(clip, detections=detections, motion_gating=gated):
        looked += result.detected
        confirmed = result.tracks.select(result.tracks.states == TrackState.CONFIRMED)
        for track_id in confirmed.ids.tolist():
            seen[track_id].append(result.frame.pts_s)
    spans = ((min(times), max(times)) for times in seen.values())
    return sorted(span for span in spans if span[1] - span[0] >= LEAST_S), looked


@pytest.mark.parametrize(
    ("name", "share"),
    [("cars-from-above", 0.75), pytest.param("people-one-by-one", 0.85, marks=pytest.mark.slow)],
)
def test_no_visit_is_lost(shared: Path, tmp_path: Path, name: str, share: float) -> None:
    detections = golden.unpack(name, tmp_path)
    all_visits, frames = visits(shared, name, detections, gated=False)
    gated, looked = visits(shared, name, detections, gated=True)
    assert len(gated) == len(all_visits) > 3
    for (came, left), (seen, gone) in zip(all_visits, gated, strict=True):
        assert seen == pytest.approx(came, abs=TOLERANCE_S)
        assert gone == pytest.approx(left, abs=TOLERANCE_S)
    assert looked < share * frames

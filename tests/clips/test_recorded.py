"""First depth: from recorded detections the tracks are exact, on every processor."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.clips import golden

VISITS = {  # first and last frame (from 0) of every visit, and frames a second
    "cars-from-above": (12.5, [(54, 108), (178, 230), (186, 238), (314, 348)]),
    "people-one-by-one": (10.0, [(58, 198), (222, 448), (502, 702), (748, 872), (912, 1206), (1222, 1346)]),
}
TOLERANCE_FRAMES = 25


@pytest.mark.parametrize(
    ("name", "tracker"), [(name, tracker) for name, clip in golden.CLIPS.items() for tracker in clip.trackers]
)
def test_tracks_are_those_that_are_written_down(name: str, tracker: str, tmp_path: Path) -> None:
    detections = golden.unpack(name, tmp_path)
    tracks = golden.replay(detections, golden.load_thresholds(), tracker)
    wanted = golden.tracks_file(name, tracker).read_text(encoding="utf-8")
    assert tracks.splitlines() == wanted.splitlines()


def spans(name: str) -> list[tuple[int, int]]:
    """First and last frame (from 0) of every golden track, in the order of their beginning."""
    frames: dict[int, list[int]] = defaultdict(list)
    for line in golden.tracks_file(name, "surveil").read_text(encoding="utf-8").splitlines():
        frame, track = line.split(",")[:2]
        frames[int(track)].append(int(frame) - 1)
    return sorted((min(seen), max(seen)) for seen in frames.values())


@pytest.mark.parametrize("name", VISITS)
def test_every_visit_is_one_track(name: str) -> None:
    rate_hz, visits = VISITS[name]
    long = [(first, last) for first, last in spans(name) if last - first > rate_hz]
    assert len(long) == len(visits)
    for (first, last), (came, left) in zip(long, visits, strict=True):
        assert abs(first - came) <= TOLERANCE_FRAMES
        assert abs(last - left) <= TOLERANCE_FRAMES

"""The clips that ship: their truth fits them."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from surveil.capture.scenes.truth import mot_text, read_truth
from surveil.resources import assets_dir

NAMES = ("street", "street-shake")


@pytest.fixture(params=NAMES)
def clip(request: pytest.FixtureRequest) -> Path:
    return assets_dir() / "clips" / f"{request.param}.mp4"


def test_truth_has_a_row_for_every_frame(clip: Path) -> None:
    head = json.loads(clip.with_suffix(".json").read_text())
    truth = read_truth(clip.with_suffix(".json"))
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert [stream.width, stream.height] == head["size"]
        times = [frame.time for frame in container.decode(video=0)]
    assert [row.index for row in truth] == list(range(len(times)))
    assert [row.pts_s for row in truth] == pytest.approx(times, abs=1e-3)


def test_boxes_lie_in_the_frame(clip: Path) -> None:
    width, height = json.loads(clip.with_suffix(".json").read_text())["size"]
    boxes = [item.box for row in read_truth(clip.with_suffix(".json")) for item in row.objects]
    assert len(boxes) > 100
    assert all(0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height for x1, y1, x2, y2 in boxes)


def test_mot_text_says_the_same(clip: Path) -> None:
    text = clip.with_suffix(".mot.txt").read_text()
    assert len(text.splitlines()) == len(mot_text(read_truth(clip.with_suffix(".json"))).splitlines())
    rows = {tuple(line.split(",")[:2]) for line in text.splitlines()}
    truth = read_truth(clip.with_suffix(".json"))
    assert rows == {(str(row.index + 1), str(item.id)) for row in truth for item in row.objects}


def test_the_demo_shows_people_and_cars_that_cross_lines() -> None:
    truth = read_truth(assets_dir() / "clips" / "street.json")
    seen = {(item.id, item.label) for row in truth for item in row.objects}
    labels = [label for _, label in seen]
    assert labels.count("person") >= 6
    assert labels.count("car") >= 4
    assert sum(len(row.crossings) for row in truth) >= 5


def test_all_clips_together_stay_small() -> None:
    clips = assets_dir() / "clips"
    assert sum(path.stat().st_size for path in clips.glob("*.mp4")) < 3_000_000

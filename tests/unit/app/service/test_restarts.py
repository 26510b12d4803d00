from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from surveil.app.service.restarts import FORM, RESERVE, TracksFile
from surveil.labels import SURVEIL_6
from surveil.pipeline.memory import Memories, Memory
from surveil.track.tracker import SurveilTracker, TrackerConfig
from tests.support.clock import StepClock
from tests.support.scenes import found, frame, person


def snapshot() -> str:
    follow = SurveilTracker(TrackerConfig(), SURVEIL_6)
    follow.update(frame(5), found([person(50), person(300)]))
    return follow.snapshot()


KNOWN = Memories(cameras={"a": Memory(last_id=2, tracker=snapshot(), wall_s=99.5), "b": Memory(last_id=40)})


def file(tmp_path: Path) -> TracksFile:
    return TracksFile(tmp_path / "state" / "status.tracks.json", StepClock())


def text(tmp_path: Path) -> str:
    return (tmp_path / "state" / "status.tracks.json").read_text()


def test_what_was_known_at_the_end_is_known_again(tmp_path: Path) -> None:
    assert file(tmp_path).read() == Memories()
    file(tmp_path).write(KNOWN, last=True)
    assert file(tmp_path).read() == KNOWN
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["status.tracks.json"]


def test_after_a_crash_ids_go_on_behind_all_that_may_have_been_given(tmp_path: Path) -> None:
    file(tmp_path).write(KNOWN)
    again = file(tmp_path).read()
    assert again.of("a") == Memory(last_id=2 + RESERVE, tracker=KNOWN.of("a").tracker, wall_s=99.5)
    assert again.of("b").last_id == 40 + RESERVE


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "damaged"),
        ("nonsense", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ("[" * 100_000, "damaged"),
        (json.dumps({"form": FORM + 1}), f"expected form {FORM}, got {FORM + 1}"),
        (json.dumps({"form": FORM, "memories": {}, "sha256": "0"}), "its checksum is wrong"),
    ],
)
def test_a_file_that_is_damaged_or_of_another_version_begins_anew_with_ids_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bad: str, why: str
) -> None:
    file(tmp_path).write(KNOWN, last=True)
    (tmp_path / "state" / "status.tracks.json").write_text(bad)
    memories = file(tmp_path).read()
    assert why in caplog.text
    assert "tracks begin anew, with ids after" in caplog.text
    assert memories.cameras == {}
    assert memories.of("a").last_id == memories.of("new").last_id == int(StepClock().wall() * 1000) > 10**9
    file(tmp_path).write(memories.learn({"a": Memory(last_id=memories.ids_after + 3)}), last=True)
    assert file(tmp_path).read().of("b").last_id == memories.ids_after  # also those that come later


def test_half_a_file_is_a_damaged_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file(tmp_path).write(KNOWN)
    whole = text(tmp_path)
    for part in (whole[:-40], whole.replace('"last_id": 1002', '"last_id": 1')):
        (tmp_path / "state" / "status.tracks.json").write_text(part)
        assert file(tmp_path).read().cameras == {}
        assert "damaged" in caplog.text


def test_a_tracker_of_another_release_leaves_the_ids(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older = json.dumps({**json.loads(snapshot()), "schema": 0})
    file(tmp_path).write(Memories(cameras={"a": Memory(last_id=7, tracker=older)}), last=True)
    assert file(tmp_path).read().of("a") == Memory(last_id=7)
    assert "camera a: tracker snapshot: expected version" in caplog.text


def test_a_disk_that_refuses_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("in the way")
    tracks = file(tmp_path)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            tracks.write(KNOWN)
    assert len(caplog.records) == 1
    assert "ids may come twice" in caplog.text


def test_it_is_written_every_few_seconds(tmp_path: Path) -> None:
    clock = StepClock()
    tracks = TracksFile(tmp_path / "t.json", clock)
    first_s = tracks.next_s
    clock.now_s = first_s
    tracks.write(KNOWN)
    assert tracks.next_s > first_s > 100

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from tests.support.clips import picture, write_clip

Cli = Callable[..., Any]


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_video_goes_to_the_default_folder_and_the_table_to_stdout(
    cli: Cli, model: Path, clip: Path, tmp_path: Path
) -> None:
    outcome = cli("run", clip, "--model", model)
    assert outcome.code == 0, outcome.err
    assert frames_in(tmp_path / "surveil-out" / "square.mp4") == 20
    assert outcome.out.split()[:3] == ["frames", "20", "in"]
    assert "CPU" in outcome.out
    assert str(Path("surveil-out/square.mp4")) in outcome.out
    assert outcome.err == ""


def test_all_outputs_of_one_run_agree(cli: Cli, model: Path, clip: Path, tmp_path: Path) -> None:
    outcome = cli(
        "run", clip, "--model", model, "--out", "a.mp4", "--jsonl", "a.jsonl", "--mot", "a.txt",
        "--save-detections", "d.jsonl", "--quiet",
    )  # fmt: skip
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(20))
    assert {row["camera"] for row in rows} == {"square"}
    mot = [line.split(",") for line in Path("a.txt").read_text().splitlines()]
    tracks = [(row["frame"] + 1, track["id"]) for row in rows for track in row["tracks"]]
    assert tracks
    assert [(int(line[0]), int(line[1])) for line in mot] == tracks
    detections = [json.loads(line) for line in Path("d.jsonl").read_text().splitlines()]
    assert [row["size"] for row in detections] == [[64, 48]] * 20
    assert frames_in(tmp_path / "a.mp4") == 20

    again = cli("run", clip, "--model", model, "--detections", "d.jsonl", "--no-video", "--jsonl", "-", "-q")
    assert again.code == 0
    assert again.out == Path("a.jsonl").read_text()


def test_stdout_carries_data_alone(cli: Cli, model: Path, clip: Path) -> None:
    outcome = cli("run", clip, "--model", model, "--no-video", "--jsonl", "-")
    assert [row["frame"] for row in outcome.rows] == list(range(20))
    assert outcome.err.startswith("frames")
    assert not Path("surveil-out").exists()


def test_a_part_keeps_the_numbers_of_the_whole(cli: Cli, model: Path, clip: Path) -> None:
    outcome = cli(
        "run", clip, "--model", model, "--no-video", "--jsonl", "-", "--start", 0.5, "--end", 1.0, "-q"
    )
    assert [row["frame"] for row in outcome.rows] == [5, 6, 7, 8, 9]


def test_every_third_frame(cli: Cli, model: Path, clip: Path) -> None:
    outcome = cli(
        "run", clip, "--model", model, "--no-video", "--jsonl", "-", "--every", 3, "--save-detections", "d",
        "-q",
    )  # fmt: skip
    assert len(outcome.rows) == 20
    between = [track for row in outcome.rows if row["frame"] % 3 for track in row["tracks"]]
    assert between
    assert all(track["coasting"] for track in between)
    assert [json.loads(line)["frame"] for line in Path("d").read_text().splitlines()] == list(range(0, 20, 3))


def test_classes_and_scores_are_chosen(cli: Cli, model: Path, clip: Path) -> None:
    def labels(*more: object) -> set[str]:
        outcome = cli("run", clip, "--model", model, "--no-video", "--save-detections", "d", "-q", *more)
        assert outcome.code == 0, outcome.err
        rows = [json.loads(line) for line in Path("d").read_text().splitlines()]
        return {found["label"] for row in rows for found in row["detections"]}

    assert labels("--min-score", 0.5) == {"green", "red"}
    assert labels("--min-score", 0.5, "--classes", "green,blue") == {"green"}
    assert labels("--min-score", 0.99) == set()


def test_several_recordings_share_what_is_one_and_part_what_is_many(
    cli: Cli, model: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        write_clip(tmp_path / f"{name}.mp4", frames=6)
    outcome = cli(
        "run", "a.mp4", "b.mp4", "--model", model, "--out", "videos", "--mot", "tracks", "--jsonl", "-", "-q"
    )
    assert outcome.code == 0, outcome.err
    assert [(row["camera"], row["frame"]) for row in outcome.rows] == [(c, k) for c in "ab" for k in range(6)]
    assert sorted(path.name for path in Path("videos").iterdir()) == ["a.mp4", "b.mp4"]
    assert sorted(path.name for path in Path("tracks").iterdir()) == ["a.txt", "b.txt"]


def test_folder_of_images_is_one_recording(cli: Cli, model: Path, tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    for k in range(5):
        cv2.imwrite(str(tmp_path / "shots" / f"{k}.png"), picture(k))
    outcome = cli("run", "shots", "--model", model, "--jsonl", "-", "-q")
    assert [row["pts_s"] for row in outcome.rows] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert frames_in(Path("surveil-out/shots.mp4")) == 5


def test_drawn_scene_is_a_recording(cli: Cli, model: Path) -> None:
    outcome = cli(
        "run", "test://street?size=128x72&fps=10&seconds=0.5", "--model", model, "--no-video", "--jsonl", "-",
        "-q",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert len(outcome.rows) == 5


@pytest.mark.parametrize("tracker", ["surveil", "sort"])
def test_tracker_is_chosen(cli: Cli, model: Path, clip: Path, tracker: str) -> None:
    outcome = cli(
        "run", clip, "--model", model, "--no-video", "--tracker", tracker, "--jsonl", "-", "--all-states",
        "-q",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    states = {track["state"] for row in outcome.rows for track in row["tracks"]}
    assert "confirmed" in states


def test_odd_sizes_and_single_frames(cli: Cli, model: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "odd.avi", frames=1, size=(63, 47), codec="mjpeg")
    outcome = cli("run", "odd.avi", "--model", model)
    assert outcome.code == 0, outcome.err
    assert frames_in(Path("surveil-out/odd.mp4")) == 1


def test_the_detector_rests_while_nothing_moves(cli: Cli, model: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for number in range(60):  # the square moves from the fourth second on
        cv2.imwrite(str(shots / f"{number:03}.png"), picture(max(0, number - 40)))
    looked: list[set[int]] = []
    for name in ("one.jsonl", "two.jsonl"):
        outcome = cli(
            "run", shots, "--model", model, "--no-video", "--motion-gating", "--save-detections", name
        )
        looked.append({json.loads(line)["frame"] for line in Path(name).read_text().splitlines()})
        assert f"looked at  {len(looked[-1])}\n" in outcome.out
    assert looked[0] == looked[1]
    assert set(range(41, 60)) <= looked[0]
    assert len(looked[0] & set(range(20, 41))) <= 5  # what stands is looked at twice a second

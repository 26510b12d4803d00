"""The tracker alone on the command line, and its scores."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def det(tmp_path: Path) -> Path:
    """Two people who walk towards each other."""
    path = tmp_path / "det.txt"
    rows = [(k, x, y) for k in range(1, 21) for x, y in ((10 * k, 100), (400 - 10 * k, 300))]
    path.write_text("".join(f"{k},-1,{x},{y},40,100,0.9,-1,-1,-1\n" for k, x, y in rows))
    return path


def test_tracks_from_detections(cli: Cli, det: Path, tmp_path: Path) -> None:
    outcome = cli("track", det, "--fps", "10", "--out", "tracks.txt")
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert re.match(r"20 frames, 2 tracks, \d+\.\d+ ms a frame: tracks.txt", outcome.err)
    rows = [line.split(",") for line in (tmp_path / "tracks.txt").read_text().splitlines()]
    assert len(rows) == 40
    assert {(row[1], row[3].split(".")[0]) for row in rows} == {("1", "100"), ("2", "300")}
    assert {len(row) for row in rows} == {10}


def test_times_and_camera_motion_are_used(cli: Cli, tmp_path: Path) -> None:
    Path("det.txt").write_text("".join(f"{k},-1,{90 * k},100,40,100,0.9\n" for k in range(1, 9)))
    Path("times.txt").write_text("".join(f"{k} {k / 10}\n" for k in range(1, 9)))
    Path("cmc.txt").write_text("".join(f"{k} 1 0 90 0 1 0\n" for k in range(2, 9)))
    blind = cli("track", "det.txt", "--times", "times.txt", "--out", "blind.txt")
    told = cli("track", "det.txt", "--times", "times.txt", "--cmc", "cmc.txt", "--out", "told.txt")
    assert (blind.code, told.code) == (0, 0)
    assert [len(Path(name).read_text().splitlines()) for name in ("blind.txt", "told.txt")] == [1, 8]


def test_the_other_tracker_and_thresholds(cli: Cli, det: Path) -> None:
    assert cli("track", det, "--fps", "10", "--tracker", "sort", "--out", "t.txt", "-q").err == ""
    nothing = cli("track", det, "--fps", "10", "--birth", "0.95", "--out", "t.txt")
    assert "0 tracks" in nothing.err
    assert Path("t.txt").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.txt", "--fps", "30"], "none.txt: cannot be read"),
        (["det.txt"], "give --fps or --times"),
        (["det.txt", "--fps", "30", "--high", "1.5"], "high: expected 0 to 1, got 1.5"),
        (["det.txt", "--fps", "30", "--low", "0.8"], "low <= high <= birth"),
        (["det.txt", "--fps", "30", "--cmc", "none.txt"], "none.txt: cannot be read"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, det: Path, arguments: list[str], said: str) -> None:
    outcome = cli("track", *arguments, "--out", "t.txt")
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_the_input_is_not_overwritten(cli: Cli, det: Path) -> None:
    before = det.read_text()
    assert cli("track", det, "--fps", "10", "--out", det).code == 2
    assert det.read_text() == before


@pytest.mark.skipif(find_spec("trackeval") is None, reason="needs the extra eval")
def test_scores_as_a_table_and_as_json(cli: Cli, det: Path) -> None:
    cli("track", det, "--fps", "10", "--out", "tracks.txt")
    table = cli("eval", "tracks.txt", "tracks.txt")
    assert table.code == 0, table.err
    assert table.out.splitlines()[0].split() == [
        "HOTA",
        "DetA",
        "AssA",
        "MOTA",
        "IDF1",
        "switches",
        "fragments",
    ]
    assert table.out.splitlines()[1].split() == ["tracks", *["100.0"] * 5, "0", "0"]
    scores = json.loads(cli("eval", "tracks.txt", "tracks.txt", "--json").out)
    assert scores["tracks"]["hota"] == 1

"""What TrackEval says of small scenes whose scores can be counted on the fingers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from surveil.app.evaluate import evaluate
from surveil.errors import DataError, UsageError

needs_trackeval = pytest.mark.skipif(find_spec("trackeval") is None, reason="needs the extra eval")


def mot(path: Path, id_of: Callable[[int], int], frames: range = range(1, 11), tail: str = "1") -> Path:
    """A box that walks to the right, with an id for each frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{k},{id_of(k)},{5 * k},20,30,60,{tail}\n" for k in frames))
    return path


@needs_trackeval
def test_a_switch_in_the_middle_halves_the_association(tmp_path: Path) -> None:
    truth = mot(tmp_path / "gt.txt", lambda k: 1)
    perfect = evaluate(mot(tmp_path / "same.txt", lambda k: 7), truth)["same"]
    assert (perfect.hota, perfect.mota, perfect.idf1, perfect.switches) == (1, 1, 1, 0)
    broken = evaluate(mot(tmp_path / "two.txt", lambda k: 1 + (k > 5)), truth)["two"]
    assert broken.det_a == 1
    assert broken.ass_a == pytest.approx(0.5)
    assert broken.hota == pytest.approx(0.5**0.5)
    assert broken.idf1 == 0.5
    assert (broken.switches, broken.fragments) == (1, 0)
    assert broken.mota == pytest.approx(0.9)


@needs_trackeval
def test_distractors_and_rows_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    tracks = mot(tmp_path / "t.txt", lambda k: 1)
    with tracks.open("a") as file:
        file.write("1,2,300,20,30,60,1\n")  # upon a distractor
    truth = mot(tmp_path / "gt.txt", lambda k: 1, tail="1,1,1")
    with truth.open("a") as file:
        file.write("1,9,300,20,30,60,0,8,1\n1,8,500,20,30,60,0,1,1\n")
    assert evaluate(tracks, truth)["t"].hota == 1


@needs_trackeval
def test_folders_are_scored_together(tmp_path: Path) -> None:
    mot(tmp_path / "tracks" / "a.txt", lambda k: 1)
    mot(tmp_path / "tracks" / "b.txt", lambda k: 1 + (k > 5))
    mot(tmp_path / "truth" / "a.txt", lambda k: 1)
    mot(tmp_path / "truth" / "b" / "gt" / "gt.txt", lambda k: 1)
    scores = evaluate(tmp_path / "tracks", tmp_path / "truth")
    assert list(scores) == ["a", "b", "all"]
    assert scores["a"].hota > scores["all"].hota > scores["b"].hota
    assert scores["all"].switches == 1


@needs_trackeval
def test_no_track_at_all_scores_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.txt").touch()
    assert evaluate(tmp_path / "t.txt", mot(tmp_path / "gt.txt", lambda k: 1))["t"].hota == 0


@needs_trackeval
def test_what_cannot_be_scored_is_named(tmp_path: Path) -> None:
    good, folder = mot(tmp_path / "gt.txt", lambda k: 1), tmp_path / "empty"
    folder.mkdir()
    twice = mot(tmp_path / "twice.txt", lambda k: 1)
    twice.write_text(twice.read_text() * 2)
    with pytest.raises(DataError, match=r"twice.txt:11: id 1 stands twice in frame 1"):
        evaluate(twice, good)
    with pytest.raises(UsageError, match="expected two files or two folders"):
        evaluate(good, folder)
    with pytest.raises(UsageError, match="holds no tracks"):
        evaluate(folder, folder)
    (folder / "none.txt").touch()
    with pytest.raises(UsageError, match="holds no truth"):
        evaluate(good, folder / "none.txt")
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="no truth: expected"):
        evaluate(folder, tmp_path / "other")


def test_without_trackeval_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackeval", None)
    with pytest.raises(UsageError, match=r"pip install 'surveil\[eval\]'"):
        evaluate(tmp_path, tmp_path)

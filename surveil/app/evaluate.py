"""How good tracks are beside the truth, by TrackEval: the extra `eval`."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveil.app.number_files import number_rows
from surveil.errors import DataError, UsageError

_QUIET = {
    "PRINT_RESULTS": False,
    "PRINT_CONFIG": False,
    "TIME_PROGRESS": False,
    "OUTPUT_SUMMARY": False,
    "OUTPUT_DETAILED": False,
    "PLOT_CURVES": False,
    "OUTPUT_EMPTY_CLASSES": False,
    "BREAK_ON_ERROR": True,
    "LOG_ON_ERROR": None,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """What TrackEval says; shares in 0-1, except `mota`, which may fall below 0.

    Attributes:
        hota, det_a, ass_a: means over the overlaps 0.05 to 0.95.
        mota, idf1: at overlap 0.5, as are the two counts.
        switches: how often a true object changed its track.
        fragments: how often a true object's track broke off and went on.
    """

    hota: float
    det_a: float
    ass_a: float
    mota: float
    idf1: float
    switches: int
    fragments: int


def evaluate(tracks: Path, truth: Path) -> Mapping[str, Scores]:
    """Scores by name of the video; with several videos also of all together, as `all`.

    Both are files of MOT text, or both folders: `NAME.txt` in `tracks`, `NAME.txt` or `NAME/gt/gt.txt` in
    `truth`. Truth is `frame,id,left,top,width,height,counts[,class,visibility]`: rows whose seventh number is
    0 do not count, and where there are classes of the MOT Challenge, pedestrians alone are scored and tracks
    upon distractors are left out. The last frame of either file ends the video.

    Raises:
        UsageError: TrackEval is not installed, a file cannot be read, or a line is wrong.
    """
    if importlib.util.find_spec("trackeval") is None:
        raise UsageError("surveil eval needs TrackEval: pip install 'surveil[eval]'")
    pairs = _pairs(tracks, truth)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, (found, true) in pairs.items():
            _lay_out(work, name, found, true)
        return _score(work, sorted(pairs))


def _pairs(tracks: Path, truth: Path) -> dict[str, tuple[Path, Path]]:
    """Tracks and truth of each video by its name."""
    if not tracks.is_dir() and not truth.is_dir():
        return {tracks.stem: (tracks, truth)}
    if not (tracks.is_dir() and truth.is_dir()):
        raise UsageError(f"expected two files or two folders, got {tracks} and {truth}")
    pairs = {}
    for found in sorted(tracks.glob("*.txt")):
        places = [truth / found.name, truth / found.stem / "gt" / "gt.txt"]
        true = next((place for place in places if place.is_file()), None)
        if true is None:
            raise UsageError(f"{found}: no truth: expected {places[0]} or {places[1]}")
        pairs[found.stem] = (found, true)
    if not pairs:
        raise UsageError(f"{tracks}: holds no tracks: expected NAME.txt files")
    return pairs


def _lay_out(work: Path, name: str, tracks: Path, truth: Path) -> None:
    """The folders that TrackEval reads, with every number checked."""
    found = [[*row[:7], -1, -1, -1] for row in _rows(tracks, 7)]
    true = [
        [*row[:6], int(row[6] != 0), row[7] if len(row) > 7 and row[7] > 0 else 1, 1]
        for row in _rows(truth, 6)
    ]
    length = int(max((row[0] for row in [*found, *true]), default=0))
    if not true:
        raise UsageError(f"{truth}: holds no truth")
    for rows, path in (
        (found, work / "tracks" / "these" / "data" / f"{name}.txt"),
        (true, work / "truth" / name / "gt" / "gt.txt"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(",".join(f"{value:.12g}" for value in row) + "\n" for row in rows))
    settings = f"[Sequence]\nname={name}\nseqLength={length}\n"
    (work / "truth" / name / "seqinfo.ini").write_text(settings)


def _rows(path: Path, least: int) -> list[tuple[float, ...]]:
    """Rows of MOT text with at least seven numbers; each id once a frame."""
    rows, seen = [], set()
    for line, row in number_rows(path, ",", least, 10):
        key = row[:2]
        if row[0] < 1 or not all(value.is_integer() for value in key):
            raise DataError(
                f"{path}:{line}: expected a frame from 1 and a whole id, got {row[0]:g}, {row[1]:g}"
            )
        if key in seen:
            raise DataError(f"{path}:{line}: id {row[1]:g} stands twice in frame {row[0]:g}")
        seen.add(key)
        rows.append(row if len(row) > 6 else (*row, 1.0))
    return rows


def _score(work: Path, names: Sequence[str]) -> Mapping[str, Scores]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it lacks for formats that are not used
        import trackeval
        from trackeval.utils import TrackEvalException

    dataset = trackeval.datasets.MotChallenge2DBox
    where = {
        "GT_FOLDER": str(work / "truth"),
        "TRACKERS_FOLDER": str(work / "tracks"),
        "TRACKERS_TO_EVAL": ["these"],
        "SKIP_SPLIT_FOL": True,
        "PRINT_CONFIG": False,
        "BENCHMARK": "MOT17",
        "SEQ_INFO": dict.fromkeys(names),
    }
    evaluator = trackeval.Evaluator({**trackeval.Evaluator.get_default_eval_config(), **_QUIET})
    plain = {"PRINT_CONFIG": False}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(plain), trackeval.metrics.Identity(plain)]
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it returns
            results, _ = evaluator.evaluate(
                [dataset({**dataset.get_default_dataset_config(), **where})], metrics
            )
    except TrackEvalException as error:
        raise DataError(f"TrackEval: {error}") from error
    of_all = results["MotChallenge2DBox"]["these"]
    scores = {name: _scores(of_all[name]["pedestrian"]) for name in names}
    if len(names) > 1:
        scores["all"] = _scores(of_all["COMBINED_SEQ"]["pedestrian"])
    return scores


def _scores(result: Mapping[str, Any]) -> Scores:
    hota, clear, identity = result["HOTA"], result["CLEAR"], result["Identity"]
    return Scores(
        hota=float(hota["HOTA"].mean()),
        det_a=float(hota["DetA"].mean()),
        ass_a=float(hota["AssA"].mean()),
        mota=float(clear["MOTA"]),
        idf1=float(identity["IDF1"]),
        switches=int(clear["IDSW"]),
        fragments=int(clear["Frag"]),
    )

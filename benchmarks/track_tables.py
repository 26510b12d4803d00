"""Make the page about tracking from what was measured.

usage: python benchmarks/track_tables.py > docs/tracking.md

It reads from `benchmarks/results`: `track-hota.json` (`mot_bench.py --json`), `track-speed.json`
(`track_speed.py`), `track-scenes.json` (`track_peers.py`), `track-motion.json`, `track-standing.json`, and
`track-flicker.json` (`mot_bench.py --json` with `track_mot.py --flicker 0.15`). The page says which of them
were not measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.table import table

RESULTS = Path(__file__).parent / "results"

HEAD = """# Tracking

Made by `benchmarks/track_tables.py` from the JSON files in `benchmarks/results/`.

The tracker takes boxes and gives tracks; it knows no pictures (but for the camera's motion, which an
estimator tells it). It works in media seconds, so that a detector on every Nth frame, dropped frames and
irregular cameras need no setting. Read `surveil/track/` from `kalman.py` to `tracker.py`; why it is as it is
stands in `docs/adr/0004` and `0009`.

    surveil track det.txt --fps 30 --times times.txt --cmc motion.txt --out tracks.txt
    surveil eval tracks.txt gt.txt
    surveil calibrate yard.mp4"""

HOTA = """## Accuracy on public detections

`mot_bench.py`: one set of constants for all, YOLOX detections, HOTA by TrackEval. SORT (max_age 30) and
ByteTrack were measured on the same detections. `@e6` is every 6th frame, `@j6` gaps of 1 to 6 frames. Last
column: HOTA with 15 % wrong labels (`track_mot.py --flicker 0.15`). Differences under 0.5 are noise."""

PEERS = {  # HOTA of the peers on the same detections
    "mot17": (52.3, 54.4),
    "mot17@e6": (40.2, 48.4),
    "mot17@j6": (42.0, 49.1),
    "mot15": (32.1, 31.9),
    "dance": (42.8, 40.1),
}

SPEED = """## Speed

`track_speed.py`: the same crowds for all (3 % noise, 8 % misses, 5 % false detections), each library in an
environment of its own, in turn; milliseconds of one thread's processor time that a tenth of the frames stay
below, the best of {rounds} rounds. The machine was busy with other work: read the ratios."""

SCENES = """## Light detectors on drawn streets

`track_scenes.py` and `track_peers.py`: {scenes} scenes of {seconds:g} s, the later half of them with crowds
and a camera that shakes and turns; people alone; mean HOTA, and switches. ByteTrack is supervision {version},
at the best of six activation thresholds ({all}); ours is at the thresholds of the model's card, and at those
that `surveil calibrate` makes of the scores."""

STANDING = """## What stands

`track_standing.py`: {seeds} drawn streets of {minutes:g} minutes, as boxes at 5 frames a second. Six cars are
parked, buses pass and stop in front of them, people walk past or wait for 40 s. Ids that one object had:
mean, and most. Ghosts: cars that were nowhere, for a second or more, in all streets together."""

MOTION = """## A camera that moves

`track_motion.py`: crowds under a camera that shakes by up to {shake:g} pixels and pans by {pan:g} degrees, at
{fps:g} frames a second of 640x360; true boxes with noise and misses; the motion as the project's own
estimator sees it. HOTA."""

SNAPSHOT = """## What it promises

| | |
|---|---|
| ids | per camera, counted from 1, never reused; the next one is in the snapshot |
| restarts of `surveil serve` | ids go on, behind a gap after a crash, far above where the file is damaged |
| back within 3 s | live cameras' tracks go on; otherwise the first result tells that they have ended |
| snapshot | `SurveilTracker.snapshot()` is JSON with a version and a checksum; `resume` goes on bit for bit |
| ended tracks | `Tracks.removed`, once each; in JSON Lines `removed`, once for each that a line told of |
| between detections | `predict(info)`; `boxes_at(t)` with standard deviations |
| parked cars | after 3 s at one place they wait 120 s where they were, and only what fits wakes them |
| labels | votes with hysteresis; a label speaks for one track against another, never against the detection |
| looks | `Appearance`: a factor for pairs; no features come with it |

## What it refuses

Each is a `DataError` that names camera, frame and detection, and nothing has changed afterwards.

| input | result |
|---|---|
| NaN or infinity, no or negative size, corners beyond 10^6 px | refused |
| a score outside 0-1, a class id outside the label map | refused |
| arrays of different lengths | refused when the `Detections` are made |
| more than 10,000 detections in a frame | refused: raise the detector's score floor |
| time that steps back | refused |
| time that stands still | associated without predicting |
| a step of more than 3 s, an hour | all tracks have ended; ids go on |
| an empty frame | a frame: tracks coast, then end |
| a snapshot of another version, or damaged | refused |
| a camera motion that is not finite or flattens the picture | refused |"""


def read(name: str) -> Any:
    """What was measured, or None."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def accuracy(report: Mapping[str, Mapping[str, float]]) -> str:
    """HOTA by set, beside the peers."""
    flicker = read("track-flicker.json") or {}
    rows = []
    for name, scores in report.items():
        sort, byte = (f"{value:.1f}" for value in PEERS[name])
        parts = [f"{scores[key]:.1f}" for key in ("DetA", "AssA", "MOTA", "IDF1")]
        wrong = f"{flicker[name]['HOTA']:.1f}" if name in flicker else "-"
        ours = f"**{scores['HOTA']:.1f}**"
        rows.append([name, sort, byte, ours, *parts, f"{scores['switches']:.0f}", wrong])
    named = ["DetA", "AssA", "MOTA", "IDF1", "switches", "wrong labels"]
    head = ["set", "SORT", "ByteTrack", "surveil", *named]
    return f"{HOTA}\n\n{table(head, rows)}"


def speed(report: Mapping[str, Any]) -> str:
    """Milliseconds by crowd and tracker, with ratios to ours."""
    times, versions = report["ms_per_frame"], report["versions"]
    names = list(next(iter(times.values())))
    rows = []
    for people, of in times.items():
        others = [f"{of[name]:.2f} ({of[name] / of['surveil']:.1f}x)" for name in names[1:]]
        rows.append([people, f"**{of['surveil']:.2f}**", *others])
    said = ", ".join(f"{library} {version}" for library, version in versions.items())
    return "\n\n".join(
        [
            SPEED.format(rounds=report["rounds"]),
            table(["people", *names], rows),
            f"sort, bytetrack and ocsort are those of `trackers`: {said}. "
            f"Python {report['python']}, numpy {report['numpy']}.",
        ]
    )


def scenes(report: Mapping[str, Any]) -> str:
    """Mean HOTA by model, ours beside the best ByteTrack."""
    rows = []
    for model, of in report["models"].items():
        ours, blind = of["surveil"], of["surveil without camera motion"]
        fitted = of["surveil calibrated"]
        threshold, best = max(of["bytetrack"].items(), key=lambda item: item[1]["hota"])
        rows.append(
            [
                f"{model} ({_cuts(of['thresholds'])})",
                f"{best['hota']:.1f} (at {threshold}), {best['switches']}",
                f"**{ours['hota']:.1f}**, {ours['switches']}",
                f"{blind['hota']:.1f}, {blind['switches']}",
                f"**{fitted['hota']:.1f}**, {fitted['switches']} ({_cuts(of['calibrated'])})",
            ]
        )
    some = next(iter(report["models"].values()))
    text = SCENES.format(
        scenes=len(some["surveil"]["by_scene"]),
        seconds=report["seconds"],
        version=report["supervision"],
        all=", ".join(some["bytetrack"]),
    )
    head = ["detector (card)", "ByteTrack", "surveil", "without camera motion", "calibrated"]
    return f"{text}\n\n{table(head, rows)}"


def _cuts(cut: Mapping[str, float]) -> str:
    return " / ".join(f"{cut[name]:.2g}" for name in ("low", "high", "birth"))


def motion(report: Mapping[str, Any]) -> str:
    """HOTA with the camera's motion and without."""
    scene = report["scene"]
    rows = [
        [seed, rate, f"{of['without']:.1f}", f"**{of['with']:.1f}**", f"{of['with'] - of['without']:+.1f}"]
        for seed, rates in report["seeds"].items()
        for rate, of in rates.items()
    ]
    text = MOTION.format(shake=scene["shake"], pan=scene["pan"], fps=scene["fps"])
    return f"{text}\n\n{table(['seed', 'frames', 'without', 'with', 'gain'], rows)}"


def standing(report: Mapping[str, Any]) -> str:
    """Ids of one object by tracker."""
    rows = [
        [
            name,
            *(f"{of[kind]['mean']:.2f}, {of[kind]['most']}" for kind in ("parked", "waiting", "passing")),
            f"{of['ghosts']}",
        ]
        for name, of in report["trackers"].items()
    ]
    some = next(iter(report["trackers"].values()))
    kinds = (("parked", "parked cars"), ("waiting", "people who wait"), ("passing", "people who pass"))
    head = ["tracker", *(f"{text} ({some[kind]['objects']})" for kind, text in kinds), "ghosts"]
    text = STANDING.format(seeds=report["seeds"], minutes=report["minutes"])
    return f"{text}\n\n{table(head, rows)}"


def main() -> None:
    """Print the page."""
    parts = [HEAD]
    for name, section in (
        ("track-hota.json", accuracy),
        ("track-scenes.json", scenes),
        ("track-motion.json", motion),
        ("track-standing.json", standing),
        ("track-speed.json", speed),
    ):
        report = read(name)
        parts.append(f"`{name}` was not measured." if report is None else section(report))
    sys.stdout.write("\n\n".join([*parts, SNAPSHOT]) + "\n")


if __name__ == "__main__":
    main()

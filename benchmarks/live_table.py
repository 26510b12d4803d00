"""Make the page of live cameras for people from what `live.py` measured.

usage: python benchmarks/live_table.py benchmarks/results/live-*.json > docs/live.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reports import print_page
from benchmarks.table import described, table

HEAD = """# Live cameras: how even, how late, how steady

Made by `benchmarks/live_table.py` from `benchmarks/results/live-*.json`; `benchmarks/live.py` says how they
are measured. The cameras are RTSP servers on the same machine, in a process of their own; "age" is the time
from the end of a frame's decoding to its result, tracking included. Limits stand in brackets.
"""

Report = Mapping[str, Any]


def section(report: Report) -> str:
    """One measurement."""
    parts = {"steady": steady, "outages": outages, "stops": stops, "faults": faults}
    title, *rest = parts[report["kind"]](report)
    machine = report["machine"]
    note = [report["note"]] if "note" in report else []
    return "\n\n".join(
        [f"## {title}: {machine['processor']}, {machine['cores']} cores", described(report), *note, *rest]
    )


def steady(report: Report) -> Sequence[str]:
    """Cameras without faults."""
    each = report["detections_per_s"].values()
    age, alone, there = report["age_ms"], report["inference_ms"], report["stages_ms"]["detect"]["p50"]
    slow = f", every detection slowed to {report['slow_ms']:g} ms" if report["slow_ms"] else ""
    one = ", one detection at a time" if report.get("one_by_one") else ""
    facts = [
        ("detections a second, all cameras", f"**{report['together_per_s']:.1f}**"),
        ("detections a second, each camera", f"{min(each):.2f} to {max(each):.2f}"),
        ("most by least [1.1]", f"{report['most_by_least']:.3f}"),
        ("`bench detect`, before and after", " and ".join(bench_hz(report))),
        ("share of the smaller of it and 120/s [0.85]", f"**{report['share_of_goal']:.2f}**"),
        (
            "age p50, p95, p99, longest",
            ", ".join(f"{age['all'][key]:.0f}" for key in ("p50", "p95", "p99", "most")) + " ms",
        ),
        (
            f"age p50 and p95 above one inference as it runs there, {there:.1f} ms [20, 60]",
            f"**{age['all']['p50'] - there:.1f}**, **{age['all']['p95'] - there:.1f}** ms",
        ),
        (
            f"above one inference of `bench detect`, on all cores, {alone:.1f} ms",
            f"{age['all']['p50'] - alone:.1f}, {age['all']['p95'] - alone:.1f} ms",
        ),
        (
            "age p95 by quarter of the time",
            ", ".join(f"{age[f'quarter_{k}']['p95']:.0f}" for k in (1, 2, 3, 4)) + " ms",
        ),
        ("frames received, processed, overwritten", accounts(report)),
        ("they add up", "exactly" if report["adds_up"] else "**no**"),
        ("CPU seconds a camera and hour", f"{report['cpu_s_per_camera_hour']:.0f}"),
        (
            "cores in use, and by the servers",
            f"{report['cpu_cores']:.2f}, {report['camera_server_cores']:.3f}",
        ),
        ("memory", memory(report["memory"])),
    ]
    return [
        f"{cameras(report)}, {report['seconds']:g} s{slow}{one}",
        f"{report['device']}.",
        table(["figure", "value"], facts),
        table(
            ["stage", "times", "CPU ms of its thread", "p50 ms", "p95 ms"],
            (
                [name, stage["frames"], *(f"{stage[key]:.2f}" for key in ("cpu", "p50", "p95"))]
                for name, stage in report["stages_ms"].items()
                if name in ("prepare cam0", "detect", "track")
            ),
        ),
    ]


def cameras(report: Report) -> str:
    """What is watched."""
    return f"{report['cameras']} cameras of {report['size']} at {report['fps']} fps"


def bench_hz(report: Report) -> list[str]:
    """Detections a second at batch 1, alone."""
    return [f"{one['detections_per_s']:.1f}" for one in report["bench_detect"]]


def accounts(report: Report) -> str:
    """What became of all frames."""
    all_of = report["accounts"].values()
    received, results = (sum(one[key] for one in all_of) for key in ("captured", "results"))
    return f"{received}, {results}, {sum(sum(one['drops'].values()) for one in all_of)}"


def memory(of: Report) -> str:
    """How it grows."""
    quarters = ", ".join(f"{value:.1f}" for value in of["quarters_mb"])
    return (
        f"{of['mb_per_hour']:+.1f} ± {of['error_mb_per_hour']:.1f} MB an hour over {of['seconds']:.0f} s; "
        f"{quarters} MB by quarter"
    )


def outages(report: Report) -> Sequence[str]:
    """Killed and frozen servers."""
    limits, calm = {"killed": 0.5, "frozen": 5}, report["without_faults"]
    rows = [
        [
            f"{kind}, {len(report[kind])} times",
            f"{max(one['seen_s'] for one in report[kind]):.2f} s [{limit}]",
            f"{max(one['playing_s'] for one in report[kind]):.2f} s [4.5]",
            f"{max(one['others_pictures_gap_ms'] for one in report[kind]):.0f} ms [100]",
            f"{max(one['others_gap_ms'] for one in report[kind]):.0f} ms",
        ]
        for kind, limit in limits.items()
    ]
    return [
        f"A server killed and frozen, {cameras(report)}",
        table(
            [
                "server",
                "longest until seen",
                "until playing again",
                "others' pictures, longest gap",
                "others' detections, longest gap",
            ],
            rows,
        ),
        f"Without faults the others' gaps were {calm['others_pictures_gap_ms']:.0f} ms of pictures and "
        f"{calm['others_gap_ms']:.0f} ms of detections; a period is {1000 / report['fps']:.0f} ms. Pictures "
        "are what a tile shows: where detection lags, the newest frame with its boxes moved on.",
    ]


def stops(report: Report) -> Sequence[str]:
    """Random stops."""
    kinds = report["before"]
    rows = [[kind, report["before"][kind], report["after"][kind]] for kind in kinds]
    states = ", ".join(f"{name} {count}" for name, count in sorted(report["states_when_stopped"].items()))
    return [
        f"{report['cycles']} sessions of two cameras stopped at random instants",
        f"Longest stop {report['stop_s']['longest']:.2f} s [2], p50 {report['stop_s']['p50']:.2f} s. The "
        f"cameras were then: {states}.",
        table(["held", "before", "after"], rows),
    ]


def faults(report: Report) -> Sequence[str]:
    """Random faults."""
    done = ", ".join(f"{name} {count}" for name, count in sorted(report["faults"].items()))
    back = "All cameras came back" if report["all_back"] else "**Not all cameras came back**"
    wrong = "none was in trouble without its cause" if not report["wrong"] else f"**{report['wrong']}**"
    return [
        f"Random faults on {report['cameras']} cameras for {report['seconds'] / 60:g} minutes",
        f"{sum(report['faults'].values())} faults: {done}. {back}; {wrong}.",
        f"Memory after the first five minutes: {memory(report['memory'])}.",
    ]


def main() -> None:
    """Print the page."""
    print_page(HEAD, section, __doc__)


if __name__ == "__main__":
    main()

"""Make the page of figures for people from what `pipeline.py` and `detectors.py` measured.

usage: python benchmarks/table.py benchmarks/results/two-cores-epyc.json … > docs/benchmarks.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reports import print_page

HEAD = """# How fast it is

Made by `benchmarks/table.py` from the JSON files in `benchmarks/results/`; `benchmarks/pipeline.py` and
`benchmarks/detectors.py` say how they are measured. "Whole process" counts from the start of the interpreter
to its end. The middle of several runs is shown; whatever stands in one table took turns on the same machine.

On a GPU torch runs a program of `torch.export`, each size of batch as a CUDA graph; decoding and suppression
are included. One frame at a time says how late a box is, sixteen at a time how many cameras a GPU carries.
No GPU was at hand so far; the same commands with `--device cpu` run anywhere.

```
python -m training program assets/models/mobilenetv2-gfl-320.onnx --out gfl-torch.pt2
python benchmarks/detectors.py --model gfl-torch.pt2 --sizes 416x416 --device cuda --rounds 1000 --json 1.json
python benchmarks/detectors.py --model gfl-torch.pt2 --sizes 416x416 --device cuda --batch 16 --json 16.json
```
"""

PERCENTILES = {"p50": "p50 ms", "p95": "p95 ms"}


def table(head: Sequence[str], rows: Iterable[Sequence[object]], texts: int = 1) -> str:
    """A Markdown table; behind the first `texts` columns numbers stand to the right."""
    rule = "|".join(["---"] * texts + ["---:"] * (len(head) - texts))
    lines = ["|".join(head), rule, *("|".join(map(str, row)) for row in rows)]
    return "\n".join(f"|{line}|" for line in lines)


def section(report: Mapping[str, Any]) -> str:
    """One measurement."""
    return detectors(report) if "detectors" in report else pipeline(report)


def detectors(report: Mapping[str, Any]) -> str:
    """Detectors beside each other."""
    machine, batch = report["machine"], report.get("batch", 1)
    where = report.get("gpu") or f"{machine['processor']}, {machine['cores']} cores"
    threads = "" if report.get("gpu") else f", {report['threads']} threads"
    calls = "One frame at a time" if batch == 1 else f"{batch} frames a call, times of a call"
    rows = (
        [
            part["model"],
            part["size"],
            part["device"].partition("(")[2].rstrip(")"),
            f"{part['p50_ms']:.1f}",
            f"{part['p95_ms']:.1f}",
            f"{part['best_ms']:.1f}",
            f"{batch * 1000 / part['p50_ms']:.0f}",
            f"**{part['ratio']:.2f}**",
            f"{part['prepare_ms']:.2f}",
        ]
        for part in report["detectors"]
    )
    columns = ["p50 ms", "p95 ms", "best ms", "frames/s", f"p50 beside {report['beside']}", "prepare ms"]
    return "\n\n".join(
        [
            f"## {where}: detectors{threads}",
            described(report),
            f"{calls}, decoding and suppression included, preparation apart; {report['rounds']} "
            "rounds in which all took turns on the same pictures.",
            table(["model", "input", "runtime", *columns], rows, texts=3),
        ]
    )


def described(report: Mapping[str, Any]) -> str:
    """What it was measured on."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"surveil {report['version']}. {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}, {versions}."
    )


def pipeline(report: Mapping[str, Any]) -> str:
    """The machine, the whole process, the stages, the detector."""
    machine, clip, stages, detector = (report[key] for key in ("machine", "clip", "stages", "detector"))
    width, height = clip["size"]
    latency = stages["latency_ms"]
    return "\n\n".join(
        [
            f"## {machine['processor']}, {machine['cores']} cores: {stages['device']}",
            f"Model {detector['model']}. {described(report)}",
            f"In: {clip['frames']} frames of {width}x{height} {clip['codec']}, {clip['rate_hz']:g} a second; "
            "the detector on every frame. Out: annotated video of the same size.",
            whole_process(report),
            f"Inside: {stages['cpu_ms_per_frame']:.1f} ms of CPU a frame over all threads; from the decoded "
            f"frame to the written one {latency['p50']:.0f} ms (p50), {latency['p95']:.0f} ms (p95).",
            times(stages["stages_ms"], {"cpu": "CPU ms of its thread", "mean": "mean ms", **PERCENTILES}),
            f"The detector alone at batch 1: {detector['detections_per_s']:.0f} detections a second.",
            times(detector["ms"], PERCENTILES),
        ]
    )


def times(parts: Mapping[str, Mapping[str, float]], columns: Mapping[str, str]) -> str:
    """Milliseconds by part."""
    rows = ([name, *(f"{part[key]:.2f}" for key in columns)] for name, part in parts.items())
    return table(["stage", *columns.values()], rows)


def whole_process(report: Mapping[str, Any]) -> str:
    """Ours beside the peer."""
    rows = [(f"surveil, {runtime} (H.264 out)", part) for runtime, part in report["own"].items()]
    if "peer" in report:
        rows.append(("typical script (MPEG-4 out)", report["peer"]))
    text = table(
        ["whole process", "frames/s", "seconds", "CPU ms/frame", "most memory MB", "written MB"],
        (
            [
                name,
                f"**{part['fps']:.1f}**",
                f"{part['wall_s']:.1f}",
                f"{part['cpu_ms_per_frame']:.1f}",
                f"{part['peak_rss_mb']:.0f}",
                f"{part['written_mb']:.1f}",
            ]
            for name, part in rows
        ),
    )
    if "times_as_fast" not in report:
        return text
    return f"{text}\n\n{report['times_as_fast']:.1f} times as fast as the typical script."


def main() -> None:
    """Print the page."""
    print_page(HEAD, section, __doc__)


if __name__ == "__main__":
    main()

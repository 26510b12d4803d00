"""Put what `gating.py` measured into its place in a page, between two marks.

usage: python benchmarks/gating_table.py benchmarks/results/gating.json docs/load.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.table import described, table

BEGIN, END = "<!-- figures of benchmarks/gating_table.py -->", "<!-- end of the figures -->"
NAMES = {
    "people": "people one by one (10 fps, somebody there 80 % of the time)",
    "cars": "cars from above (12.5 fps)",
    "empty": "nobody (10 fps)",
    "live": "nobody, several cameras of 10 fps in one session",
}
PLAIN, GATED = "every frame", "motion gating"

Report = Mapping[str, Any]


def page(report: Report) -> str:
    """What stands between the marks."""
    machine = report["machine"]
    head = [
        "clip",
        "visits found, without and with",
        "ends within frames",
        "pictures looked at",
        "CPU s a camera-hour, without and with",
        "saved",
    ]
    rows = [row(kind, clip) for kind, clip in report["clips"].items()]
    return "\n\n".join(
        [
            table(head, rows, texts=4),
            f"{machine['processor']}, {machine['cores']} cores, {report['clips']['empty'][PLAIN]['device']}; "
            "the best of the rounds.",
            described(report),
        ]
    )


def row(kind: str, clip: Report) -> list[str]:
    """One clip, without and with gating."""
    plain, gated = clip[PLAIN], clip[GATED]
    visits = ends = ""
    if "visits" in plain:
        visits = f"{plain['tracks']} and {gated['tracks']} of {plain['visits']}"
        ends = f"{plain['worst_frames']} and {gated['worst_frames']}"
    of = gated.get("frames", gated.get("received"))
    cpu = " and ".join(f"{one['cpu_s_per_camera_hour']:.0f}" for one in (plain, gated))
    name = NAMES[kind] + (f" ({gated['cameras']})" if kind == "live" else "")
    return [name, visits, ends, f"{gated['looked']} of {of}", cpu, f"{clip['cpu_saved']:.0%}"]


def filled(text: str, figures: str) -> str:
    """A page with `figures` between its marks. Raises ValueError where it has none."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"the page has no marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"


def main() -> int:
    """Command line."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    report, path = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    path.write_text(filled(path.read_text(encoding="utf-8"), page(report)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

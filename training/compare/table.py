"""The comparison as a page in markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.compare.entries import Entry, Figures, Peer
from training.compare.latency import Latencies
from training.evaluate.judge import size_name

HEAD = (
    "| model | input | AP | person | AP50 | ms: median | fastest | CPU | MB | parameters |",
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)
ABSENT = "–"


def rows_of(entries: Sequence[Entry], peers: Sequence[Peer], latencies: Latencies) -> list[dict[str, Any]]:
    """A row for each model, then for each peer without a file; None where nobody says."""
    rows = []
    for entry in entries:
        latency = latencies.by_name.get(entry.name)
        rows.append(
            {
                "model": entry.name,
                "input": size_name(entry.size),
                **_figures(entry.figures),
                "median_ms": latency and round(latency.median_ms, 2),
                "best_ms": latency and round(latency.best_ms, 2),
                "cpu_ms": latency and latency.cpu_ms and round(latency.cpu_ms, 2),
                "mb": round(entry.megabytes, 2),
                "parameters": entry.parameters,
                "threshold": entry.file.card.thresholds.display,
            }
        )
    return rows + [{"model": peer.name, "input": None, **_figures(peer.figures)} for peer in peers]


def _figures(figures: Figures) -> dict[str, Any]:
    return {"AP": figures.ap, "person": figures.person, "AP50": figures.ap50, "data": figures.data or None}


def page(
    rows: Sequence[dict[str, Any]], latencies: Latencies, classes: Sequence[str], pictures: Sequence[str]
) -> str:
    """The table, how it was made, and the pictures' names as links."""
    data = sorted({row["data"] for row in rows if row["data"] and row["AP"] is not None})
    lines = ["# Models compared", "", *HEAD, *map(_line, rows), ""]
    lines.append(
        "AP, person and AP50 as the models' cards say"
        + (f", on {data[0]}." if len(data) == 1 else "." if not data else f": on {'; '.join(data)}. ")
        + ("**They are of different data: do not compare them.**" if len(data) > 1 else "")
    )
    unknown = [row["model"] for row in rows if row["AP"] is None]
    if unknown:
        lines.append(
            f"Not in the plot, because no card says an AP of them at this size: {', '.join(unknown)}; "
            "`python -m training evaluate` measures it."
        )
    lines += [
        f"Milliseconds for one picture, decoding and suppression included: {latencies.how}. "
        "CPU: processor time of all threads, which other programs do not lengthen. "
        f"The pictures show {', '.join(classes)}, each model from its own display threshold on.",
        "",
    ]
    return "\n".join([*lines, *(f"![{name}]({name})" for name in pictures), ""])


def _line(row: dict[str, Any]) -> str:
    def number(key: str, form: str = ".1f") -> str:
        value = row.get(key)
        return ABSENT if value is None else f"{value:{form}}"

    cells = [row["model"], row["input"] or ABSENT, number("AP"), number("person"), number("AP50")]
    cells += [
        number("median_ms"),
        number("best_ms"),
        number("cpu_ms"),
        number("mb"),
        number("parameters", ","),
    ]
    return f"| {' | '.join(cells)} |"

"""What the rows of a table came to: figures with their spread, one sentence each, a picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, variance
from typing import Any

from training.charts import chart
from training.errors import DataError
from training.papers.rows import Row, Table
from training.papers.run import FIGURES, Place, read_result
from training.recipes.mobilenetv2_gfl import LABELS

SURE = 2.0  # standard errors from which on a difference counts


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row and its results, one a seed.

    Attributes:
        row: Of the table.
        results: As `run_row` wrote them.
        ms: Milliseconds for one picture by runtime; empty where it was not timed.
    """

    row: Row
    results: Sequence[Mapping[str, Any]]
    ms: Mapping[str, float]

    def values(self, figure: str) -> list[float]:
        """A figure of the mean over classes, one a seed; those without anything to measure are left out."""
        found = [result[self._headline][figure] for result in self.results]
        return [value for value in found if value is not None]

    @property
    def _headline(self) -> str:
        """Of surveil's own classes some are not counted; other data count all theirs."""
        return "mean" if self.row.recipe.labels.labels == LABELS else "all"

    def person(self) -> list[float]:
        """AP of persons, where the data have any."""
        classes = [result["classes"].get("person", {}) for result in self.results]
        return [one["AP"] for one in classes if one.get("AP") is not None]

    @property
    def mb(self) -> float:
        """10^6 bytes in float32."""
        return int(self.results[0]["parameters"]) * 4 / 1e6


def measured(table: Table, place: Place, seeds: int, ms: Mapping[str, Mapping[str, float]]) -> list[Measured]:
    """The rows that have at least one result. Raises DataError where there is none at all."""
    out = []
    for row in table.rows:
        found = [read_result(place.folder(row, seed)) for seed in range(seeds)]
        if results := [one for one in found if one is not None]:
            out.append(Measured(row=row, results=results, ms=ms.get(row.name, {})))
    if not out:
        raise DataError(f"{place.out}: no row of table {table.name} was trained there yet")
    return out


def pooled_deviation(rows: Sequence[Measured]) -> float | None:
    """Standard deviation between seeds, from all rows with two or more; None where there is no such row."""
    groups = [values for one in rows if len(values := one.values("AP")) > 1]
    if not groups:
        return None
    freedom = sum(len(values) - 1 for values in groups)
    return math.sqrt(sum(variance(values) * (len(values) - 1) for values in groups) / freedom)


def sentence(one: Measured, rows: Sequence[Measured], deviation: float | None) -> str:
    """Whether the step helped: what seeds differ by anyway is no difference."""
    base = next((other for other in rows if other.row.name == one.row.against), None)
    if base is None:
        return "what the others are compared with" if not one.row.against else f"{one.row.against} is missing"
    mine, theirs = one.values("AP"), base.values("AP")
    if not mine or not theirs:
        return "nothing to measure"
    gain = fmean(mine) - fmean(theirs)
    words = f"{gain:+.1f} AP against {base.row.name}"
    if deviation is None:
        return f"{words}, one seed each: it cannot be said whether that is more than chance"
    error = deviation * math.sqrt(1 / len(mine) + 1 / len(theirs))
    if abs(gain) <= SURE * error:
        return f"{words}, within what seeds differ by (± {SURE * error:.1f}): no difference seen"
    return f"{words} (± {SURE * error:.1f}): it {'helped' if gain > 0 else 'did harm'}"


def as_markdown(table: Table, rows: Sequence[Measured]) -> str:
    """The table with its title."""
    runtimes = sorted({name for one in rows for name in one.ms})
    head = ["row", "what", "AP", "AP50", "AP small", "person AP", "MB fp32"]
    lines = [[*head, *(f"ms {name}" for name in runtimes), "did it help"]]
    deviation = pooled_deviation(rows)
    for one in rows:
        figures = [spread(one.values(name)) for name in FIGURES]
        speeds = [f"{one.ms[name]:.1f}" if name in one.ms else "-" for name in runtimes]
        size = f"{one.mb:.1f}"
        said = sentence(one, rows, deviation)
        lines.append([one.row.name, one.row.text, *figures, spread(one.person()), size, *speeds, said])
    rule = ["---", "---", *["---:"] * (len(lines[0]) - 3), "---"]
    body = "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
    return f"## {table.title}\n\n{table.about} {budget(rows)}\n\n{body}\n"


def budget(rows: Sequence[Measured]) -> str:
    """Images and seeds of the rows, in words."""
    images = sorted({int(result["images"]) for one in rows for result in one.results})
    seeds = sorted({len(one.results) for one in rows})
    minutes = sum(float(result["minutes"]) for one in rows for result in one.results)
    return (
        f"{_range(images, ',')} images a row, {_range(seeds)} {'seed' if seeds[-1] == 1 else 'seeds'}, "
        f"{minutes:.0f} minutes in all; means with half the distance between the extremes."
    )


def _range(values: Sequence[int], spec: str = "") -> str:
    first, last = format(values[0], spec), format(values[-1], spec)
    return first if first == last else f"{first} to {last}"


def spread(values: Sequence[float]) -> str:
    """A mean and half the distance between its extremes.

    >>> spread([20.0, 21.0]), spread([20.0]), spread([])
    ('20.5 ± 0.5', '20.0', '-')
    """
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{fmean(values):.1f} ± {(max(values) - min(values)) / 2:.1f}"


def draw(table: Table, rows: Sequence[Measured], path: Path) -> Path:
    """AP of all rows as bars, a dot for each seed."""
    with chart(path, figsize=(8, 1.2 + 0.45 * len(rows))) as (figure, axes):
        names = [one.row.name for one in rows]
        axes.barh(names, [fmean(one.values("AP") or [0.0]) for one in rows], color="#9db4cf", height=0.6)
        for k, one in enumerate(rows):
            axes.plot(one.values("AP"), [k] * len(one.values("AP")), "o", color="#1d3557", ms=4)
        axes.invert_yaxis()
        axes.set(xlabel="AP, mean of the classes that count (%); a dot is a seed", title=table.title)
        figure.tight_layout()
    return path

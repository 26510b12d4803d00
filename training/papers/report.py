"""What the rows of a table came to: figures with their spread, one sentence each, a picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, variance

from scipy import stats

from training.charts import chart
from training.papers.results import Measured
from training.papers.rows import Table
from training.papers.run import FIGURES
from training.papers.speed import Speeds

CERTAIN = 0.95  # chance that two rows of equal worth are not told apart
LEAST = 0.1  # AP; seeds that differ by less are too few to know what they differ by
DEAD = ("channels", "weights")
DEAD_WORDS = (
    "A channel, or a weight that is not zero, is dead when its slope is exactly zero on all of the pictures "
    "that were looked at. SiLU and Mish have next to no such slopes by definition: whether they do better "
    "under the mask, AP of 2:4 against AP of dense must tell."
)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What seeds differ by anyway.

    Attributes:
        deviation: Of one result, pooled over rows, in AP.
        freedom: Degrees of freedom that it was estimated with.
    """

    deviation: float
    freedom: int

    def margin(self, mine: int, theirs: int) -> float:
        """From where on a difference of two means of so many results is more than chance, in AP.

        Student's t with the pooled degrees of freedom, on both sides.
        """
        factor = float(stats.t.ppf((1 + CERTAIN) / 2, self.freedom))
        return factor * self.deviation * math.sqrt(1 / mine + 1 / theirs)


def noise_of(rows: Sequence[Measured]) -> Noise | None:
    """From all rows with two or more seeds; None where there is no such row."""
    groups = [values for one in rows if len(values := one.values("AP")) > 1]
    if not groups:
        return None
    freedom = sum(len(values) - 1 for values in groups)
    pooled = sum(variance(values) * (len(values) - 1) for values in groups) / freedom
    return Noise(deviation=math.sqrt(pooled), freedom=freedom)


def sentence(one: Measured, rows: Sequence[Measured], noise: Noise | None) -> str:
    """Whether the step helped: what seeds differ by anyway is no difference."""
    if not one.row.against:
        return "what the others are compared with"
    base = next((other for other in rows if other.row.name == one.row.against), None)
    if base is None:
        return f"{one.row.against} is missing"
    classes = one.counted & base.counted
    if not classes:
        return "nothing to measure"
    mine, theirs = one.over(classes), base.over(classes)
    gain = fmean(mine) - fmean(theirs)
    words = f"{gain:+.1f} AP against {base.row.name}"
    if one.counted != base.counted:
        words += f" over the {len(classes)} classes of both"
    said = f"{words}{_judged(gain, len(mine), len(theirs), noise)}"
    return f"{said}; what differs besides: {one.row.also}" if one.row.also else said


def _judged(gain: float, mine: int, theirs: int, noise: Noise | None) -> str:
    if noise is None:
        return ", one seed each: it cannot be said whether that is more than chance"
    if noise.deviation < LEAST:
        return (
            f", but the seeds happen to differ by {noise.deviation:.2f} AP: too little to tell from so few "
            "what chance does, so nothing is claimed"
        )
    margin = noise.margin(mine, theirs)
    if abs(gain) <= margin:
        return f", within what seeds differ by (± {margin:.1f}): no difference seen"
    return f" (± {margin:.1f}): it {'helped' if gain > 0 else 'did harm'}"


def as_markdown(table: Table, rows: Sequence[Measured], speeds: Speeds | None = None) -> str:
    """The table with its title."""
    runtimes, dead = speeds.runtimes if speeds else [], DEAD if table.dead else ()
    figures = ["AP", "AP50", "AP small", "person AP", *(f"dead {kind} %" for kind in dead), "MB fp32"]
    times = [f"{unit} {name}" for name in runtimes for unit in ("ms", "FPS")]
    lines = [["row", "what", *figures, *times, "did it help"]]
    noise = noise_of(rows)
    for one in rows:
        measured = [*(spread(one.values(name)) for name in FIGURES), spread(one.person())]
        measured += [spread(one.dead(kind), 2) for kind in dead]
        ms = speeds.rows.get(one.row.name, {}) if speeds else {}
        cells = [*measured, f"{one.mb:.1f}", *_times(ms, runtimes), sentence(one, rows, noise)]
        lines.append([one.row.name, one.row.text, *cells])
    for name, reference in speeds.references.items() if speeds else ():
        none = ["-"] * (len(figures) - 1)
        cells = [*none, f"{reference.mb:.1f}", *_times(reference.ms, runtimes), "not trained"]
        lines.append([name, reference.text, *cells])
    rule = ["---", "---", *["---:"] * (len(lines[0]) - 3), "---"]
    body = "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
    about = [table.about, *([DEAD_WORDS] if table.dead else []), budget(rows)]
    return f"## {table.title}\n\n{' '.join([*about, *([speeds.text] if speeds else [])])}\n\n{body}\n"


def _times(ms: Mapping[str, float], runtimes: Sequence[str]) -> list[str]:
    """Milliseconds and pictures a second, runtime after runtime."""
    pairs = [(f"{ms[name]:.1f}", f"{1000 / ms[name]:.1f}") if name in ms else ("-", "-") for name in runtimes]
    return [cell for pair in pairs for cell in pair]


def budget(rows: Sequence[Measured]) -> str:
    """Images, seeds and precision of the rows, in words."""
    images = sorted({int(result["images"]) for one in rows for result in one.results})
    seeds = sorted({len(one.results) for one in rows})
    minutes = sum(float(result["minutes"]) for one in rows for result in one.results)
    return (
        f"{_range(images, ',')} images a row, {_range(seeds)} {'seed' if seeds[-1] == 1 else 'seeds'}, "
        f"{_precision(rows)}, {minutes:.0f} minutes in all; means with half the distance between the "
        "extremes."
    )


def _precision(rows: Sequence[Measured]) -> str:
    """In which precision rows were trained; which of them, where they differ."""
    by_how: dict[str, list[str]] = {}
    for one in rows:
        by_how.setdefault(one.how, []).append(one.row.name)
    if len(by_how) == 1:
        return next(iter(by_how))
    return ", ".join(f"{how}: {' '.join(names)}" for how, names in by_how.items())


def _range(values: Sequence[int], spec: str = "") -> str:
    first, last = format(values[0], spec), format(values[-1], spec)
    return first if first == last else f"{first} to {last}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """A mean and half the distance between its extremes.

    >>> spread([20.0, 21.0]), spread([20.0]), spread([])
    ('20.5 ± 0.5', '20.0', '-')
    """
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{fmean(values):.{digits}f} ± {(max(values) - min(values)) / 2:.{digits}f}"


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

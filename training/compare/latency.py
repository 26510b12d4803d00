"""How long models take for a picture: timed by turns through the application's detector, or as cards say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveil.detect.runner import Runner
from surveil.types import Frame
from training.compare.entries import Entry
from training.deploy.turns import Timing, load_average, take_turns
from training.errors import ConfigError
from training.evaluate.judge import size_name
from training.export.card import processor

RUNTIMES = ("OpenVINO", "ONNX Runtime")  # as cards write them; the first that serves all is taken


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds for one picture; decoding and suppression are included, preparation is not.

    Attributes:
        median_ms: What the plot shows.
        best_ms: The fastest.
        cpu_ms: Processor time of all threads; None where a card says nothing of it.
    """

    median_ms: float
    best_ms: float
    cpu_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Of all models.

    Attributes:
        by_name: Of each model; a model is missing where its card says nothing.
        how: Where and how, in words.
    """

    by_name: Mapping[str, Latency]
    how: str


def measure(detectors: Mapping[str, Runner], frames: Sequence[Frame], rounds: int) -> Latencies:
    """Time all detectors by turns on the same frames, one at a time."""
    prepared = {name: [detector.prepare(f) for f in frames] for name, detector in detectors.items()}

    def job(name: str) -> Any:
        detector, ready = detectors[name], prepared[name]
        return lambda number: detector.detect([ready[number % len(ready)]])

    timings: dict[str, Timing] = take_turns({name: job(name) for name in detectors}, rounds)
    load = load_average()
    devices = ", ".join(dict.fromkeys(detector.device for detector in detectors.values()))
    busy = "" if load is None else f", load average {load:g}"
    return Latencies(
        by_name={
            name: Latency(median_ms=t.median_ms, best_ms=t.best_ms, cpu_ms=t.cpu_ms)
            for name, t in timings.items()
        },
        how=f"{devices}, by turns, median of {rounds}; {processor()}{busy}",
    )


def from_cards(entries: Sequence[Entry]) -> Latencies:
    """As the cards say, all in the runtime that most of them know at their sizes.

    Raises:
        ConfigError: No card says anything of its latency.
    """
    found = {title: {e.name: _told(e, title) for e in entries} for title in RUNTIMES}
    known = {title: {n: v for n, v in each.items() if v} for title, each in found.items()}
    title = max(RUNTIMES, key=lambda name: len(known[name]))
    if not known[title]:
        raise ConfigError(
            f"{entries[0].file.path}: neither its card nor another one says a latency at "
            f"{size_name(entries[0].size)}: leave --from-cards out to measure it"
        )
    return Latencies(by_name=known[title], how=f"{title}, as the cards say: not of one run")


def _told(entry: Entry, runtime: str) -> Latency | None:
    rows = entry.file.card.measured.get("latency")
    for row in rows if isinstance(rows, list) else []:
        if (
            isinstance(row, Mapping)
            and row.get("input") == size_name(entry.size)
            and runtime in str(row.get("runtime"))
            and isinstance(row.get("median_ms"), int | float)
        ):
            median = float(row["median_ms"])
            return Latency(median_ms=median, best_ms=float(row.get("best_ms", median)))
    return None

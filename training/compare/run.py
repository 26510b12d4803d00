"""The whole comparison: detectors opened once, timed by turns, their boxes drawn, all written down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from surveil.detect.open import open_detector
from surveil.detect.runner import Runner
from surveil.errors import OutputError
from training.compare.entries import Entry, absent_peers, common_classes
from training.compare.latency import Latencies, from_cards, measure
from training.compare.plot import draw_plot
from training.compare.sheet import Column, draw_sheet, save_sheet
from training.compare.shots import Marks, Shot, annotated_shots, look, plain_shots
from training.compare.table import page, rows_of
from training.errors import ConfigError
from training.evaluate.judge import size_name
from training.evaluate.truth import load_truth
from training.files import write_whole

PLOT, SHEET, PAGE, FIGURES = "ap_over_latency.png", "sheet.jpg", "compare.md", "compare.json"


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """What is compared by.

    Attributes:
        annotations: Objects of the pictures, drawn as a column of their own.
        places: Folders and tars of pictures; none: drawn streets.
        pictures: How many are looked at.
        cell: Width of a picture on the sheet in pixels.
        from_cards: Take latencies from the cards instead of measuring them.
        runtime: As in the application.
        threads: Of one detection.
        rounds: That are timed.
    """

    annotations: Path | None = None
    places: tuple[Path, ...] = ()
    pictures: int = 6
    cell: int = 320
    from_cards: bool = False
    runtime: str = "auto"
    threads: int = 2
    rounds: int = 50

    def __post_init__(self) -> None:
        """Check what belongs together. Raises ConfigError."""
        if self.annotations and not self.places:
            raise ConfigError(f"{self.annotations}: where are its pictures? Name them with --images")
        if self.threads < 1 or self.rounds < 1:
            raise ConfigError(f"expected threads and rounds from 1, got {self.threads} and {self.rounds}")


def compare(entries: Sequence[Entry], folder: Path, config: CompareConfig) -> str:
    """Compare models and write table, plot, sheet and figures.

    Returns:
        The page with the table.

    Raises:
        ConfigError: The models have no class in common, or nothing says a latency.
        DataError: There are no pictures, or they do not fit the annotations.
        OutputError: The folder cannot be written to.
    """
    classes = common_classes(entries)
    shots = shots_of(classes, config)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    with ExitStack() as stack:
        detectors = {
            entry.name: stack.enter_context(closing(open_entry(entry, classes, config))) for entry in entries
        }
        latencies = latencies_of(entries, detectors, shots, config)
        marks = {e.name: look(detectors[e.name], shots, e.file.card.thresholds.display) for e in entries}
    peers = absent_peers(entries)
    draw_plot(entries, peers, latencies, folder / PLOT)
    columns = columns_of(entries, shots, marks, latencies)
    save_sheet(draw_sheet(shots, columns, classes, config.cell), folder / SHEET)
    rows = rows_of(entries, peers, latencies)
    text = page(rows, latencies, classes, (PLOT, SHEET))
    report = {"latency": latencies.how, "classes": list(classes), "rows": rows}
    write_whole(folder / FIGURES, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())
    write_whole(folder / PAGE, text.encode())
    return text


def shots_of(classes: Sequence[str], config: CompareConfig) -> list[Shot]:
    """The pictures of the configuration."""
    if config.annotations is None:
        return plain_shots(config.places, config.pictures)
    return annotated_shots(load_truth(config.annotations), config.places, classes, config.pictures)


def open_entry(entry: Entry, classes: Sequence[str], config: CompareConfig) -> Runner:
    """A model as the application runs it on this CPU."""
    return open_detector(
        entry.asked,
        card=entry.card_path,
        device="cpu",
        runtime=config.runtime,
        input_size=(entry.size[1], entry.size[0]),
        classes=classes,
        threads=config.threads,
    )


def latencies_of(
    entries: Sequence[Entry], detectors: Mapping[str, Runner], shots: Sequence[Shot], config: CompareConfig
) -> Latencies:
    """Measured on the pictures, or as the cards say."""
    if config.from_cards:
        return from_cards(entries)
    frames = [shot.frame(k) for k, shot in enumerate(shots)]
    return measure(detectors, frames, config.rounds)


def columns_of(
    entries: Sequence[Entry], shots: Sequence[Shot], marks: Mapping[str, list[Marks]], latencies: Latencies
) -> list[Column]:
    """The truth, where it is known, and then the models."""
    truth = [shot.truth for shot in shots if shot.truth is not None]
    columns = [Column(head=("ground truth", "as annotated"), marks=truth)] if truth else []
    for entry in entries:
        latency, ap = latencies.by_name.get(entry.name), entry.figures.ap
        facts = [size_name(entry.size)]
        facts += [f"AP {ap:.1f}"] if ap is not None else []
        facts += [f"{latency.median_ms:.1f} ms"] if latency else []
        head = (entry.name, ", ".join(facts), f"from score {entry.file.card.thresholds.display:g}")
        columns.append(Column(head=head, marks=marks[entry.name]))
    return columns

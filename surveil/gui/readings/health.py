"""How every camera and the program itself are doing, in figures and words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from surveil.gui.readings.columns import Column
from surveil.gui.text import tr
from surveil.gui.usage import GpuUsage, Usage
from surveil.gui.words import sentences, word_of
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import TROUBLE, State

Level = Literal["good", "alarm", "idle"]

LOST = ("corrupt_frames", "overwritten_frames", "damaged_packets", "failed_reads")
"""Counters of sources that count pictures, or parts of them, that never arrived."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """One camera at one moment.

    Attributes:
        level: whether it is as it should be; `idle` where nobody wants pictures of it now.
        fps: frames received a second; `results_hz`: results made of them; `looks_hz`: looks of the detector.
        age_ms: from a frame's arrival to its result, or since the last frame where none comes; NaN before
            the first. `age_p95_ms`: what 95 of 100 frames did not exceed.
        lost: frames that were lost, of all reasons.
        reasons: why frames were lost, and what else was amiss: (words, how often), the most frequent first.
        reconnects: how often it was opened again; None for a recording.
        trouble: cause and remedy; empty when all is well.
    """

    camera: str
    title: str
    state: str
    level: Level
    fps: float
    results_hz: float
    looks_hz: float
    age_ms: float
    age_p95_ms: float
    lost: int
    reasons: tuple[tuple[str, int], ...]
    reconnects: int | None
    decoder: str
    device: str
    attention: str
    trouble: str

    @property
    def key(self) -> str:
        """What makes it this camera and no other."""
        return self.camera

    @property
    def settled(self) -> tuple[str, str]:
        """The order of rows that are equal otherwise."""
        return self.title.casefold(), self.camera


def columns() -> tuple[Column[Vitals], ...]:
    """All columns, from left to right."""
    ranks = {"alarm": 0, "good": 1, "idle": 2}

    def figure(title: str, value: Callable[[Vitals], float], text: Callable[[Vitals], str]) -> Column[Vitals]:
        return Column(
            title=title, text=text, order=lambda row: _last(value(row)), number=True, widest="0000 ms"
        )

    return (
        Column(title=tr("Camera"), text=lambda row: row.title, order=lambda row: row.title.casefold()),
        Column(
            title=tr("State"),
            text=lambda row: row.state,
            order=lambda row: (ranks[row.level], row.state),
            widest="Cannot be shown",
            level=lambda row: {"idle": "faint"}.get(row.level, row.level),
        ),
        figure(tr("fps in"), lambda row: row.fps, lambda row: number_text(row.fps, 1)),
        figure(tr("fps out"), lambda row: row.results_hz, lambda row: number_text(row.results_hz, 1)),
        figure(tr("Looks/s"), lambda row: row.looks_hz, lambda row: number_text(row.looks_hz, 1)),
        figure(tr("Age"), lambda row: row.age_ms, lambda row: age_text(row.age_ms)),
        figure(tr("Age p95"), lambda row: row.age_p95_ms, lambda row: age_text(row.age_p95_ms)),
        figure(tr("Lost"), lambda row: row.lost, lambda row: str(row.lost)),
        figure(
            tr("Reconnects"),
            lambda row: -1 if row.reconnects is None else row.reconnects,
            lambda row: "–" if row.reconnects is None else str(row.reconnects),
        ),
        Column(title=tr("Video"), text=lambda row: row.decoder, order=lambda row: row.decoder),
        Column(title=tr("Detection"), text=_detection, order=lambda row: row.device),
    )


def _detection(row: Vitals) -> str:
    return f"{row.device} ({row.attention})" if row.attention else row.device


def _last(value: float) -> float:
    """NaN has no order: it comes last."""
    return float("inf") if math.isnan(value) else value


def detail(row: Vitals) -> str:
    """What does not fit into the row: trouble with its remedy, and why frames were lost."""
    lost = ", ".join(f"{words}: {count}" for words, count in row.reasons) or tr("no frame was lost")
    return "\n".join(text for text in (row.trouble, f"{row.title}: {lost}") if text)


def vitals(camera: str, title: str, state: State, waited_s: float | None) -> Vitals:
    """The figures of one camera; `waited_s`: since the newest frame that has a result arrived."""
    stats, counters = state.stats, state.counters
    age_ms = stats.age_p50_ms
    if state.live and waited_s is not None and waited_s > 1.0:
        age_ms = max(waited_s * 1000, age_ms)
    idle = state.name in ("off", "stopped", "ended", "paused")
    return Vitals(
        camera=camera,
        title=title,
        state=word_of(state.name),
        level="alarm" if state.name in TROUBLE else "idle" if idle else "good",
        fps=stats.fps,
        results_hz=stats.processed_fps,
        looks_hz=stats.looked_fps,
        age_ms=age_ms,
        age_p95_ms=stats.age_p95_ms,
        lost=sum(stats.drops.values()) + sum(counters.get(name, 0) for name in LOST),
        reasons=reasons_in_words({**counters, **stats.drops}),
        reconnects=counters.get("reconnects", 0) if state.live else None,
        decoder=state.decoder,
        device=state.device,
        attention={"watching": tr("a few looks a second"), "resting": tr("resting")}.get(state.attention, ""),
        trouble=sentences(state.cause, state.remedy),
    )


def unwatched(camera: str, title: str, problem: str) -> Vitals:
    """A camera that is not in the session; `problem`: why."""
    state = State(name="failed", since_s=0.0, cause=problem)
    return vitals(camera, title, state, None)


def reasons_in_words(counters: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """What counters tell of losses, the most frequent first; what is no loss is left out."""
    told = {name: n for name, n in counters.items() if n and name not in ("frames", "reconnects")}
    return tuple((_words(name), n) for name, n in sorted(told.items(), key=lambda one: (-one[1], one[0])))


def _words(counter: str) -> str:
    if counter.startswith("lost_"):
        return tr("connection lost: {cause}", cause=counter.removeprefix("lost_").replace("_", " "))
    return {
        "overwritten": tr("a newer frame came first"),
        "stopped": tr("on its way at a stop"),
        "overwritten_frames": tr("the camera's reader was late"),
        "corrupt_frames": tr("damaged picture"),
        "damaged_packets": tr("damaged packet"),
        "failed_reads": tr("the camera gave nothing"),
        "repaired_stamps": tr("time stamp repaired"),
    }.get(counter, counter.replace("_", " "))


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure about the program: its name, the figure itself, what it is of; `alarm`: it is too much."""

    name: str
    value: str
    of: str = ""
    alarm: bool = False


def program_figures(
    usage: Usage, gpus: tuple[GpuUsage, ...], load: Load, detect_ms: float, looks_hz: float
) -> tuple[Figure, ...]:
    """What the program uses, and whether it keeps up.

    Args:
        usage: of the process.
        gpus: empty where there are none.
        load: of the session.
        detect_ms: the time of one look, median; NaN before the first.
        looks_hz: looks a second of all cameras together.
    """
    busy = usage.cpu_cores / usage.cores
    figures = [
        Figure(
            name=tr("Processor"),
            value=f"{usage.cpu_cores:.1f}",
            of=tr("of {count} cores", count=usage.cores),
            alarm=busy > 0.95,
        ),
        Figure(
            name=tr("Memory"),
            value="–" if usage.memory_mb is None else _megabytes(usage.memory_mb),
            of="" if usage.total_mb is None else tr("of {size}", size=_megabytes(usage.total_mb)),
        ),
        Figure(
            name=tr("Detection"),
            value=f"{looks_hz:.0f}/s",
            of="" if math.isnan(detect_ms) else tr("{time} ms a look", time=f"{detect_ms:.1f}"),
        ),
        Figure(
            name=tr("Load"),
            value=tr("Keeps up") if not load.rung else tr("Step {rung}", rung=load.rung),
            of="" if not load.rung else load.name,
            alarm=load.rung > 0,
        ),
    ]
    figures += [
        Figure(
            name=tr("GPU") if len(gpus) == 1 else tr("GPU {number}", number=number),
            value=f"{gpu.busy_percent:.0f} %",
            of=f"{_megabytes(gpu.memory_mb)}  ·  {gpu.name}",
        )
        for number, gpu in enumerate(gpus)
    ]
    return tuple(figures)


def _megabytes(size: float) -> str:
    return f"{size:.0f} MB" if size < 1000 else f"{size / 1000:.1f} GB"


def number_text(value: float, digits: int = 0) -> str:
    """A figure, or a dash where there is none.

    >>> number_text(29.97, 1), number_text(float("nan"))
    ('30.0', '–')
    """
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def age_text(milliseconds: float) -> str:
    """A frame's age.

    >>> age_text(34.2), age_text(12_345), age_text(float("nan"))
    ('34 ms', '12 s', '–')
    """
    if math.isnan(milliseconds):
        return "–"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.0f} s"

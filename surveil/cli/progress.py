"""A progress bar for recordings, a line for each camera: on a terminal only, on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from surveil.cli.words import breaks_in_words, drops_in_words
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.types import FrameResult

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import Progress

    from surveil.pipeline.run import Run

REFRESH_HZ = 5

# rich is imported behind the question whether anybody looks: it takes longer than some short commands.


@contextmanager
def show_progress(run: Run, *, quiet: bool) -> Iterator[Callable[[FrameResult], None]]:
    """Gives a function that is called with every result, and shows how far the run is."""
    if quiet or not sys.stderr.isatty():
        yield lambda result: None
    elif run.live:
        with _status(run):
            yield lambda result: None
    else:
        with _bar() as progress:
            yield _Recordings(run, progress)


@contextmanager
def _status(run: Run) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live

    # It is drawn from a thread of rich's own: a camera that sends nothing has its words, too.
    with Live(
        get_renderable=lambda: _table(run.states(), run.load),
        console=Console(stderr=True),
        refresh_per_second=REFRESH_HZ,
        redirect_stdout=False,
    ):
        yield


def _table(states: Mapping[str, State], load: Load) -> Group:
    """A line for each camera, and one for the machine."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, state in states.items():
        table.add_row(*(Text(cell, overflow="ellipsis") for cell in status_row(name, state)))
    device = next((state.device for state in states.values()), "connecting")
    busy = f"; too much to do: {load.name} ({load.why})" if load.rung else ""
    return Group(table, Text(f"{device}{busy}", no_wrap=True, overflow="ellipsis"))


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[fps]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=REFRESH_HZ,
        redirect_stdout=False,  # it may carry data
    ) as progress:
        yield progress


class _Recordings:
    """Moves one bar; with several recordings it begins anew with each."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run, self._progress = run, progress
        self._task = progress.add_task("opening", total=None, fps="")
        self._camera = ""

    def __call__(self, result: FrameResult) -> None:
        if result.frame.camera_id != self._camera:
            self._camera = result.frame.camera_id
            total = self._run.playing.frame_count if self._run.playing else None
            self._progress.reset(self._task, description=self._camera, total=total)
        self._progress.advance(self._task)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, fps=f"{speed:.1f} fps" if speed else "")


def status_row(name: str, state: State) -> tuple[str, ...]:
    """A camera in a few words: state and cause, results of frames a second, age, losses, what decodes."""
    stats, breaks = state.stats, breaks_in_words(state.counters)
    return (
        name,
        f"{state.name} ({state.cause})" if state.cause else state.name,
        f"{stats.processed_fps:.1f} of {stats.fps:.1f} fps",
        "- ms" if math.isnan(stats.age_p50_ms) else f"{stats.age_p50_ms:.0f} ms",
        f"lost {drops_in_words(stats.drops)}",
        f"broke off {breaks}" if breaks != "0" else "",
        state.decoder,
    )

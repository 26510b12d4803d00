"""A progress bar for recordings, a status line for cameras: on a terminal only, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from surveil.pipeline.state import TROUBLE, State
from surveil.types import FrameResult

if TYPE_CHECKING:
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
    from rich.text import Text

    def line() -> Text:
        cameras = [status_line(name, state) for name, state in run.states().items()]
        return Text("   ".join(cameras) or "connecting", no_wrap=True, overflow="ellipsis")

    # It is drawn from a thread of rich's own: a camera that sends nothing has its words, too.
    with Live(
        get_renderable=line,
        console=Console(stderr=True),
        refresh_per_second=REFRESH_HZ,
        redirect_stdout=False,
    ):
        yield


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


def status_line(name: str, state: State) -> str:
    """A camera in a few words: rate of results and of frames, age of the frames, what was lost."""
    if state.name in TROUBLE:
        return f"{name}: {state.name} ({state.cause})"
    stats = state.stats
    rate = f"{stats.processed_fps:.1f} of {stats.fps:.1f} fps"
    return f"{name}: {rate}, {stats.age_p50_ms:.0f} ms, {sum(stats.drops.values())} dropped"

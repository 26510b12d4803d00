"""Carries out a run: signals, progress, the table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from surveil.app.options import RunOptions
from surveil.cli.launch import INTERRUPTED, StopOnSignal, forget_stdout, put, say
from surveil.cli.words import CUT_OFF, cause_in_words
from surveil.errors import OutputError

if TYPE_CHECKING:
    from surveil.pipeline.run import Run
    from surveil.pipeline.summary import RunSummary

LOSSES = {
    "overwritten": "replaced by a newer frame",
    "overwritten_frames": "replaced by a newer frame",
    "outlet": "too many for the files to keep up",
}


def execute(sources: Sequence[str], options: RunOptions, *, quiet: bool) -> RunSummary:
    """Run to the end, or to a signal, which finishes the files and exits with 130.

    Raises:
        SurveilError: of any kind; files that could be finished are finished.
    """
    from surveil.app import plan_run
    from surveil.app.turns import take_short_turns
    from surveil.cli.progress import show_progress
    from surveil.pipeline.outlet import reader_left

    with StopOnSignal() as signals:
        run = plan_run(sources, options, signals.stop)
        if run.live:
            take_short_turns()
        data_on_stdout = options.output.jsonl == "-"
        try:
            with show_progress(run, quiet=quiet) as shown:
                for result in run.results():
                    shown(result)
        except OutputError as error:
            if not reader_left(error):
                raise
            forget_stdout()
        finally:
            if run.summary().frames and not quiet:
                (say if data_on_stdout else put)(as_table(run, interrupted=signals.caught))
    if signals.caught:
        raise typer.Exit(INTERRUPTED)
    return run.summary()


def as_table(run: Run, *, interrupted: bool) -> str:
    """The end of a run, for people."""
    summary = run.summary()
    note = ", interrupted" if interrupted else ""
    rows = [("frames", f"{summary.frames} in {summary.wall_s:.1f} s ({summary.fps:.1f} fps{note})")]
    if summary.looked < summary.frames:
        rows.append(("looked at", str(summary.looked)))
    if summary.device:
        rows.append(("device", summary.device))
    rows.append(("tracks", str(summary.tracks)))
    rows += [(f"  {label}", str(count)) for label, count in summary.objects.items()]
    rows += [loss_in_words(reason, n) for reason, n in summary.left_out.items()]
    rows += [("" if number else "files", str(path)) for number, path in enumerate(summary.files)]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def loss_in_words(reason: str, count: int) -> tuple[str, str]:
    """A row about what is missing in the results.

    >>> loss_in_words("corrupt_frames", 1), loss_in_words("lost_no_route", 2)
    (('left out', '1 corrupt frame'), ('broke off', '2 × no route'))
    """
    if reason.startswith(CUT_OFF):
        return "broke off", f"{count} × {cause_in_words(reason)}"
    words = LOSSES.get(reason) or reason.replace("_", " ")
    return "left out", f"{count} {words.removesuffix('s') if count == 1 else words}"

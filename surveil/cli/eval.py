"""`surveil eval`: how good tracks are."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from surveil.cli import options as shared
from surveil.cli.launch import put, setup_logging

Tracks = Annotated[Path, typer.Argument(metavar="TRACKS", help="MOT text, or a folder of NAME.txt.")]
Truth = Annotated[
    Path, typer.Argument(metavar="TRUTH", help="MOT text; or a folder of NAME.txt, or of NAME/gt/gt.txt.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

EXAMPLES = """\b
surveil eval tracks.txt gt.txt
surveil eval tracks/ MOT17/train/ --json
"""

HEAD = ("", "HOTA", "DetA", "AssA", "MOTA", "IDF1", "switches", "fragments")


def evaluate_(
    tracks: Tracks,
    truth: Truth,
    as_json: Json = False,
    verbose: shared.Verbose = False,
) -> None:
    """Score tracks beside the truth: HOTA, DetA, AssA, MOTA, IDF1 in per cent, switches and fragments.

    TrackEval counts; it comes with `pip install 'surveil[eval]'`.
    """
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.evaluate import evaluate

    scores = {name: asdict(score) for name, score in evaluate(tracks, truth).items()}
    if as_json:
        put(json.dumps(scores, indent=2))
        return
    rows = [HEAD, *((name, *map(_words, score.values())) for name, score in scores.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for name, *values in rows:
        columns = (f"{value:>{width}}" for value, width in zip(values, widths[1:], strict=True))
        put(f"{name:<{widths[0]}}  " + "  ".join(columns))


def _words(value: float) -> str:
    return f"{100 * value:.1f}" if isinstance(value, float) else str(value)

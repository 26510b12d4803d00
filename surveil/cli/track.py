"""`surveil track`: the tracker alone, on detections from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveil.cli import options as shared
from surveil.cli.launch import say, setup_logging

Detections = Annotated[
    Path,
    typer.Argument(metavar="DETECTIONS", help="MOT text; COCO results (.json); saved detections (.jsonl)."),
]
Out = Annotated[Path, typer.Option("--out", metavar="TRACKS.txt", help="Tracks as MOT text.")]
Fps = Annotated[
    float | None, typer.Option("--fps", metavar="F", help="Frames a second; JSON Lines have their own times.")
]
Times = Annotated[
    Path | None,
    typer.Option("--times", metavar="FILE", help="Lines `frame seconds`, also of frames without detections."),
]
Cmc = Annotated[
    Path | None,
    typer.Option(
        "--cmc",
        metavar="FILE",
        help="The camera's motion: lines `frame a b tx c d ty`, from the frame before to this one.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|FILE.onnx", help="Take the thresholds from this model's card."),
]
Low = Annotated[float | None, typer.Option("--low", help="Detections below it are not looked at. [0.1]")]
High = Annotated[float | None, typer.Option("--high", help="From here a detection finds lost tracks. [0.6]")]
Birth = Annotated[float | None, typer.Option("--birth", help="From here a detection begins a track. [0.7]")]

EXAMPLES = """\b
surveil track det.txt --fps 30 --out tracks.txt
surveil track det.txt --fps 30 --times times.txt --cmc motion.txt --out tracks.txt
surveil run clip.mp4 --no-video --save-detections clip.jsonl
surveil track clip.jsonl --model mobilenetv2-gfl-320 --out tracks.txt
"""


def track(
    detections: Detections,
    out: Out,
    fps: Fps = None,
    times: Times = None,
    cmc: Cmc = None,
    model: Model = None,
    low: Low = None,
    high: High = None,
    birth: Birth = None,
    tracker: shared.Tracker = shared.TrackerName.SURVEIL,
    verbose: shared.Verbose = False,
    quiet: shared.Quiet = False,
) -> None:
    """Track detections from a file; no video and no model is needed.

    MOT text has a line `frame,-1,left,top,width,height,score,…` for each detection, frames counted from 1. A
    frame number without a line is a frame in which nothing was found. Only tracks that were matched in a
    frame are written, with the filter's boxes.
    """
    setup_logging(verbose=verbose, quiet=quiet)
    from surveil.app.follow import FollowOptions, follow

    options = FollowOptions(
        fps=fps,
        times=times,
        cmc=cmc,
        tracker=tracker.value,
        model=model,
        low=low,
        high=high,
        birth=birth,
    )
    done = follow(detections, out, options)
    if not quiet:
        say(f"{done.frames} frames, {done.tracks} tracks, {done.ms_per_frame:.3f} ms a frame: {out}")

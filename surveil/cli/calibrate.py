"""`surveil calibrate`: thresholds that fit a model to a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveil.cli import options as shared
from surveil.cli.launch import StopOnSignal, put, setup_logging
from surveil.errors import UsageError

Clips = Annotated[
    list[str] | None, typer.Argument(metavar="[CLIP]…", help="Recordings from the camera, with many objects.")
]
FromDetections = Annotated[
    Path | None,
    typer.Option(
        "--from-detections", metavar="FILE", help="The model's detections with scores from 0.1 on instead."
    ),
]
Forget = Annotated[bool, typer.Option("--forget", help="Let the card's thresholds hold again.")]

EXAMPLES = """\b
surveil calibrate yard-day.mp4 yard-night.mp4
surveil calibrate --from-detections yard.jsonl --model mine.onnx
surveil calibrate --forget
"""


def calibrate_(
    clips: Clips = None,
    from_detections: FromDetections = None,
    model: shared.Model = None,
    card: shared.Card = None,
    device: shared.Device = "auto",
    every: shared.Every = 5,
    forget: Forget = False,
    verbose: shared.Verbose = False,
) -> None:
    """Set the tracker's thresholds for a model from the scores that it gives.

    They lie in the user's data folder and go over those of the model's card, for every command.
    """
    setup_logging(verbose=verbose, quiet=False)
    if forget:
        _forget(model, card, device)
        return
    if bool(clips) == (from_detections is not None):
        raise UsageError("calibrate: give recordings, or --from-detections FILE")
    from surveil.app.calibrate import calibrate
    from surveil.app.options import ModelOptions

    options = ModelOptions(model=model, card=card, device=device, every=every, detections=from_detections)
    with StopOnSignal() as signals:
        done = calibrate(clips or [], options, signals.stop)
    put(f"{done.model}: {done.detections} detections above the valley of the scores")
    for name in ("low", "high", "birth", "display"):
        put(f"  {name:<8} {getattr(done.before, name):.3f} -> {getattr(done.after, name):.3f}")
    put(f"written to {done.path}; `surveil calibrate --forget` removes it")


def _forget(model: str | None, card: Path | None, device: str) -> None:
    from surveil.detect.assets import find_model
    from surveil.detect.calibration import forget_calibration

    name = find_model(model, card, device=device).card.name
    put(
        f"{name}: "
        + ("the card's thresholds hold again" if forget_calibration(name) else "was not calibrated")
    )

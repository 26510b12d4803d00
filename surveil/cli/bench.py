"""`surveil bench`: how fast this machine is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from surveil.cli import options as shared
from surveil.cli.launch import put, setup_logging

Clip = Annotated[
    Path | None, typer.Argument(metavar="[CLIP]", help="A recording; without it the shipped one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

DETECT_EXAMPLES = """\b
surveil bench detect
surveil bench detect --model mine.onnx --device cpu --json
"""
PIPELINE_EXAMPLES = """\b
surveil bench pipeline
surveil bench pipeline clip.mp4 --json > here.json
"""


def build() -> typer.Typer:
    """The commands below `surveil bench`."""
    app = typer.Typer(help="How fast this machine is.", no_args_is_help=True, rich_markup_mode=None)
    app.command("detect", epilog=DETECT_EXAMPLES)(detect)
    app.command("pipeline", epilog=PIPELINE_EXAMPLES)(pipeline)
    return app


def detect(
    model: shared.Model = None,
    card: shared.Card = None,
    device: shared.Device = "auto",
    runtime: shared.Runtime = shared.RuntimeChoice.AUTO,
    input_size: shared.InputSize = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long to measure.")] = 5.0,
    as_json: Json = False,
    verbose: shared.Verbose = False,
) -> None:
    """Detections a second at batch 1, on 1280x720 pictures of a drawn street."""
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.measure import measure_detector

    options = shared.model_options(model, card, device, runtime, input_size)
    _show(measure_detector(options, seconds), as_json=as_json)


def pipeline(
    clip: Clip = None,
    model: shared.Model = None,
    card: shared.Card = None,
    device: shared.Device = "auto",
    runtime: shared.Runtime = shared.RuntimeChoice.AUTO,
    input_size: shared.InputSize = None,
    every: shared.Every = 1,
    as_json: Json = False,
    verbose: shared.Verbose = False,
) -> None:
    """The main job from file to annotated video: frames a second, time by stage, latency, memory."""
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.measure import measure_pipeline

    options = shared.model_options(model, card, device, runtime, input_size, every=every)
    _show(measure_pipeline(clip, options), as_json=as_json)


def _show(report: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        put(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for key, value in report.items():
        if isinstance(value, Mapping):
            put(key)
            for name, part in value.items():
                put(f"  {name:<22} {_words(part)}")
        else:
            put(f"{key:<24} {_words(value)}")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "  ".join(f"{name} {_words(part)}" for name, part in value.items())
    return f"{value:.2f}" if isinstance(value, float) else str(value)

"""`surveil gui`: the desktop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveil.app.options import CameraOptions, GuiOptions
from surveil.cli import options as shared
from surveil.cli.launch import setup_logging
from surveil.errors import UsageError

Sources = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SOURCE]", help="What to show, and nothing else; without it the file's cameras."),
]
ExitAfter = Annotated[
    float | None, typer.Option("--exit-after", min=0, metavar="S", help="Close by itself after S seconds.")
]
Screenshot = Annotated[
    Path | None, typer.Option("--screenshot", metavar="FILE.png", help="Save a picture of the window.")
]
Stats = Annotated[
    Path | None, typer.Option("--stats", metavar="FILE.json", help="Write how fast the window was.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The cameras' file; by default the user's.")
]
Demo = Annotated[bool, typer.Option("--demo", help="Show the shipped clip.")]

EXAMPLES = """\b
surveil gui
surveil gui --config cameras.yaml
surveil gui --demo
surveil gui clip.mp4
surveil gui rtsp://user:password@10.0.0.7/stream1
surveil gui rtsp://10.0.0.7/stream1 --username admin --password keyring:door
surveil gui test://street
"""


def gui(
    ctx: typer.Context,
    sources: Sources = None,
    model: shared.Model = None,
    card: shared.Card = None,
    tracker: shared.Tracker = shared.TrackerName.SURVEIL,
    device: shared.Device = "auto",
    runtime: shared.Runtime = shared.RuntimeChoice.AUTO,
    input_size: shared.InputSize = None,
    classes: shared.Classes = None,
    min_score: shared.MinScore = None,
    every: shared.Every = 1,
    username: shared.Username = None,
    password: shared.Password = None,
    rtsp_transport: shared.Transport = shared.TransportName.TCP,
    verify_tls: shared.VerifyTls = False,
    decode: shared.Decode = "auto",
    config: ConfigFile = None,
    demo: Demo = False,
    exit_after: ExitAfter = None,
    screenshot: Screenshot = None,
    stats: Stats = None,
    verbose: shared.Verbose = False,
    quiet: shared.Quiet = False,
) -> None:
    """Watch cameras and recordings in a window."""
    setup_logging(verbose=verbose, quiet=quiet)
    chosen = shared.model_options(
        model,
        card,
        device,
        runtime,
        input_size,
        tracker=tracker.value,
        classes=shared.split(classes),
        min_score=min_score,
        every=every,
    )
    if config is not None and (sources or demo):
        raise UsageError("--config shows the cameras of a file: give no sources, and no --demo, beside it")
    camera = shared.camera_options(username, password, rtsp_transport, verify_tls)
    if camera != CameraOptions() and not sources:
        raise UsageError("login, --rtsp-transport and --verify-tls are for sources: name a camera's address")
    options = GuiOptions(
        model=chosen,
        camera=camera,
        decode=decode,
        config=config,
        demo=demo,
        exit_after_s=exit_after,
        screenshot=screenshot,
        stats=stats,
    )
    code = ctx.obj(sources or [], options)
    if code:
        raise typer.Exit(code)

"""`surveil demo`: the main job on a shipped clip."""

from __future__ import annotations

import sys
from pathlib import Path

from surveil.app.options import OutputOptions, RunOptions
from surveil.cli import options as shared
from surveil.cli.execute import execute
from surveil.cli.launch import put, setup_logging
from surveil.cli.run import DEFAULT_FOLDER
from surveil.resources import assets_dir, demo_clip

EXAMPLES = """\b
surveil demo
"""


def demo(
    model: shared.Model = None,
    card: shared.Card = None,
    device: shared.Device = "auto",
    runtime: shared.Runtime = shared.RuntimeChoice.AUTO,
    input_size: shared.InputSize = None,
    verbose: shared.Verbose = False,
    quiet: shared.Quiet = False,
) -> None:
    """Detect and track in a shipped clip.

    The clip is a drawn street; no camera, screen or network is needed.

    Writes surveil-out/demo.mp4 (annotated video), demo.tracks.jsonl and demo.mot.txt.
    """
    setup_logging(verbose=verbose, quiet=quiet)
    output = OutputOptions(
        out=DEFAULT_FOLDER / "demo.mp4",
        jsonl=DEFAULT_FOLDER / "demo.tracks.jsonl",
        mot=DEFAULT_FOLDER / "demo.mot.txt",
    )
    execute(
        [str(demo_clip())],
        RunOptions(model=shared.model_options(model, card, device, runtime, input_size), output=output),
        quiet=quiet,
    )
    if not quiet:
        put(next_steps(command()))


def next_steps(name: str) -> str:
    """What to do after the demo; `name` is how this program is called here."""
    return f"""
Your own video:  {name} run clip.mp4
A camera:        {name} run rtsp://user:password@ADDRESS/stream1
                 {name} run 0                 (the first USB camera)
The desktop:     {name} gui
What is missing: {name} doctor"""


def command() -> str:
    """How the user called this program, as far as one can tell."""
    launcher = assets_dir().parent / "launch.py"
    if launcher.is_file() and Path(sys.prefix).parent == launcher.parent:
        return "python3 launch.py"
    return "python -m surveil" if Path(sys.argv[0]).name == "__main__.py" else "surveil"

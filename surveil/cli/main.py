"""The command line: one table of commands, one place where errors become a line and an exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
import typer.core

from surveil.cli import (
    bench,
    calibrate,
    cameras,
    config,
    demo,
    doctor,
    eval,
    gui,
    models,
    run,
    serve,
    status,
    track,
)
from surveil.cli.launch import INTERRUPTED, forget_stdout, say
from surveil.cli.title import hide_arguments
from surveil.cli.window import OpenWindow
from surveil.errors import SurveilError
from surveil.redact import redact
from surveil.version import __version__

log = logging.getLogger("surveil")

HELP = """Real-time video surveillance: cameras and recordings in, tracked objects out.

\b
surveil demo                          the main job on a shipped clip
surveil run clip.mp4                  annotated video to surveil-out/clip.mp4
surveil run rtsp://10.0.0.7/stream1   a camera, until Ctrl-C
surveil gui                           the desktop
surveil serve cameras.yaml            cameras as a service, for weeks
surveil doctor                        what this machine lacks

\b
Exit codes: 0 ok, 1 failure, 2 usage, 3 source unavailable, 4 model or device unavailable,
5 regression failed, 130 interrupted (Ctrl-C, SIGTERM).
"""


class Commands(typer.core.TyperGroup):
    """All commands, with the one handler of their errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it raises becomes one line on stderr and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except SurveilError as error:
            _report(redact(str(error)), error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            forget_stdout()
            raise typer.Exit(0) from error
        except Exception as error:
            if hasattr(error, "exit_code"):  # typer's own: wrong usage, help, exit
                raise
            _report(
                f"internal error: {redact(repr(error))} (-v shows where it happened; please report it)", error
            )
            raise typer.Exit(1) from error
        return result


def _report(message: str, error: Exception) -> None:
    say(f"error: {message}")
    log.debug("where it happened", exc_info=error)  # shown with -v alone


def build() -> typer.Typer:
    """The table of commands."""
    app = typer.Typer(
        name="surveil",
        cls=Commands,
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain text: rich would take longer to load than the help to read
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(version_option)
    app.command("run", epilog=run.EXAMPLES)(run.run)
    app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
    app.command("gui", epilog=gui.EXAMPLES)(gui.gui)
    app.command("track", epilog=track.EXAMPLES)(track.track)
    app.command("eval", epilog=eval.EXAMPLES)(eval.evaluate_)
    app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate_)
    app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
    app.command("status", epilog=status.EXAMPLES)(status.status)
    app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
    app.add_typer(cameras.build(), name="cameras")
    app.add_typer(config.build(), name="config")
    app.add_typer(models.build(), name="models")
    app.add_typer(bench.build(), name="bench")
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"surveil {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
]


def version_option(
    version: Version = False,
) -> None:
    """Options before the command."""


def main(open_window: OpenWindow, arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        open_window: what `surveil gui` calls (this room knows no Qt).
        arguments: without the program's name; None: those of the process.

    Returns:
        The exit code.
    """
    try:
        given = None if arguments is None else list(arguments)
        if given is None:
            hide_arguments()
        build()(args=given, prog_name="surveil", obj=open_window)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0

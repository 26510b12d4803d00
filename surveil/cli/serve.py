"""`surveil serve`: cameras watched for weeks, as a service."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

import typer

from surveil.cli import options as shared
from surveil.cli.config import File, chosen
from surveil.cli.launch import INTERRUPTED, forget_stdout, setup_logging
from surveil.redact import Redactor

EXAMPLES = """\b
surveil serve
surveil serve cameras.yaml
kill -HUP $(pidof surveil)     read the file again at once
"""


def serve(file: File = None, verbose: shared.Verbose = False, quiet: shared.Quiet = False) -> None:
    """Watch the cameras of a configuration until Ctrl-C or SIGTERM.

    Changes of the file are taken over while it runs; cameras that did not change are not touched. A file that
    is broken changes nothing; where it is broken from the start no camera is watched until it is mended.
    `surveil status` says how things are.
    """
    redactor = Redactor()
    setup_logging(verbose=verbose, quiet=quiet, hide=redactor)
    from surveil.app.service.service import Service, Signals
    from surveil.app.turns import take_short_turns
    from surveil.clock import SystemClock

    take_short_turns()
    signals = Signals(stop=threading.Event(), wake=threading.Event(), reload=threading.Event())
    caught = listen(signals.ask_to_stop, signals.ask_to_reload)
    service = Service(chosen(file), SystemClock(), os.environ, signals, redactor)
    service.run()
    if service.reader_left:
        forget_stdout()
    if signal.SIGINT in caught:
        raise typer.Exit(INTERRUPTED)


def listen(stop: Callable[[], None], reload: Callable[[], None]) -> list[int]:
    """Carry signals to the service; the list of those that came. A second request to stop ends at once."""
    caught: list[int] = []

    def on_stop(number: int, frame: FrameType | None) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        stop()

    signal.signal(signal.SIGINT, on_stop)
    signal.signal(signal.SIGTERM, on_stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda number, frame: reload())
    return caught

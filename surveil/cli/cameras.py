"""`surveil cameras`: those of the local network, found and asked by ONVIF."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from surveil.cli import options as shared
from surveil.cli.launch import INTERRUPTED, StopOnSignal, put, say, setup_logging
from surveil.errors import SourceCause, SourceError

if TYPE_CHECKING:
    from surveil.capture.onvif.media import Stream

SearchS = Annotated[
    float, typer.Option("--for", min=0.5, max=60, metavar="S", help="Wait S seconds for answers.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Where = Annotated[
    str, typer.Argument(metavar="CAMERA", help="Its host, HOST:PORT, or the address of its ONVIF service.")
]
User = Annotated[str, typer.Option("--username", metavar="NAME", help="A user of the camera.")]
Password = Annotated[
    str,
    typer.Option(
        "--password",
        metavar="WORD",
        help="Its password, best as '${VAR}' or keyring:NAME; without it the terminal asks.",
    ),
]

FIND_EXAMPLES = """\b
surveil cameras find
surveil cameras find --for 10
surveil cameras find --json | jq -r '.[].service'
"""
STREAMS_EXAMPLES = """\b
surveil cameras streams 10.0.0.7 --username admin
surveil cameras streams 10.0.0.7:8000 --username admin --password '${DOOR_PASSWORD}' --json
"""


def build() -> typer.Typer:
    """The commands below `surveil cameras`."""
    app = typer.Typer(
        help="Cameras of the local network (ONVIF); comes with pip install 'surveil[onvif]'.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.command("find", epilog=FIND_EXAMPLES)(find)
    app.command("streams", epilog=STREAMS_EXAMPLES)(streams)
    return app


def find(search_s: SearchS = 4.0, as_json: Json = False, verbose: shared.Verbose = False) -> None:
    """Find the cameras that speak ONVIF: address, name, model.

    Exits with 0 when one answered, with 3 when none did.
    """
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.onvif import find_cameras
    from surveil.clock import SystemClock

    with StopOnSignal() as signals:
        found = find_cameras(SystemClock(), signals.stop, search_s)
    if as_json:
        put(json.dumps([asdict(camera) for camera in found], indent=2, ensure_ascii=False))
    else:
        table([(camera.host, camera.name, camera.hardware, camera.service) for camera in found])
    if signals.caught:
        raise typer.Exit(INTERRUPTED)
    if not found:
        raise SourceError(
            "no camera answered",
            SourceCause.NOT_FOUND,
            "Switch ONVIF on in the cameras' settings, and let this computer's firewall take their answers "
            "(UDP from port 3702); a camera in another network is asked by its address: surveil cameras "
            "streams HOST.",
        )
    if not as_json:
        say(f"\nIts streams: surveil cameras streams {found[0].host} --username NAME")


def streams(
    where: Where,
    user: User = "",
    password: Password = "",
    as_json: Json = False,
    verbose: shared.Verbose = False,
) -> None:
    """Ask a camera for the addresses of its streams, the largest first."""
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.onvif import ask_streams, propose
    from surveil.clock import SystemClock
    from surveil.config.references import References

    secret = References(os.environ).resolve(password)
    if user and not secret:
        secret = typer.prompt("password", hide_input=True, default="", show_default=False, err=True)
    with StopOnSignal() as signals:
        try:
            found = ask_streams(where, user, secret, clock=SystemClock(), stop=signals.stop)
        except SourceError:
            if signals.caught:
                raise typer.Exit(INTERRUPTED) from None
            raise
    if as_json:
        put(json.dumps([asdict(stream) for stream in found], indent=2, ensure_ascii=False))
        return
    proposal = propose(found)
    uses = {proposal.seen.url: "detect"}
    if proposal.large is not None:
        uses[proposal.large.url] = "record, live"
    table([(*_figures(one), f"<- {uses[one.url]}" if one.url in uses else "") for one in found])


def table(rows: Sequence[Sequence[str]]) -> None:
    """Columns of text, on stdout."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    for row in rows:
        put("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _figures(stream: Stream) -> tuple[str, str, str, str, str]:
    width, height = stream.size
    size, rate = f"{width}x{height}" if width else "-", f"{stream.rate_hz:g} fps" if stream.rate_hz else "-"
    return stream.url, size, rate, stream.codec or "-", stream.name

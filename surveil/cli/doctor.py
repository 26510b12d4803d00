"""`surveil doctor`: what this machine lacks."""

from __future__ import annotations

import typer

from surveil.cli import options as shared
from surveil.cli.launch import put, setup_logging

EXAMPLES = """\b
surveil doctor
"""


def doctor(verbose: shared.Verbose = False) -> None:
    """Say what this machine lacks, and the remedy.

    Looks at versions, double installations, system libraries, codecs, devices that decode, USB cameras,
    runtimes, models and devices.

    Exits with 0 when there is no problem, with 1 otherwise.
    """
    setup_logging(verbose=verbose, quiet=False)
    from surveil.app.health import examine

    problems = 0
    for finding in examine():
        problems += finding.level == "problem"
        put(f"{finding.level:<8} {finding.subject}: {finding.text}")
        if finding.remedy:
            put(f"{'':<8} -> {finding.remedy}")
    put("all is well" if not problems else f"{problems} problem{'s' if problems > 1 else ''}")
    if problems:
        raise typer.Exit(1)

"""What others see of this program in the list of processes: no password that was typed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from surveil.redact import redact

log = logging.getLogger(__name__)

_ARG_START = 48 - 3  # the field's number in proc(5), counted after the name, which may hold blanks


def hide_arguments(process: Path = Path("/proc/self")) -> None:
    """Write over the secrets in this process's own arguments, in place. Linux; elsewhere nothing happens.

    Between its start and this call the arguments can be read: a file (cams.txt, a configuration) never shows
    them.
    """
    if sys.platform != "linux":
        return
    try:
        given = (process / "cmdline").read_bytes()
        hidden = b"\0".join(_hidden(argument) for argument in given.split(b"\0"))
        if hidden == given:
            return
        start = int((process / "stat").read_text().rpartition(")")[2].split()[_ARG_START])
        with (process / "mem").open("r+b", buffering=0) as memory:
            memory.seek(start)
            if memory.read(len(given)) == given:
                memory.seek(start)
                memory.write(hidden)
    except (OSError, ValueError, IndexError) as error:
        log.debug("the arguments stay as they were typed: %s", error)


def _hidden(argument: bytes) -> bytes:
    """As long as before: it stays in its place."""
    text = argument.decode(errors="surrogateescape")
    shown = redact(text)
    return argument if shown == text else shown.encode(errors="replace").ljust(len(argument))[: len(argument)]

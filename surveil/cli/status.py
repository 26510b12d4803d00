"""`surveil status`: how the running service is doing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from surveil.cli.config import File, chosen
from surveil.cli.launch import put
from surveil.cli.words import breaks_in_words, drops_in_words

StatusFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The status file itself, wherever it lies.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the status file, with `running` added.")]

LATE_PERIODS = 5
_STATUS_FILE = re.compile(r"""\bstatus_file:\s*["']?(?P<path>[^"'#,}\s][^"'#,}]*?)\s*(?:["'#,}]|$)""")
HEAD = ("camera", "state", "for", "fps in", "out", "looks", "age ms", "lost", "broke off", "decoded by")

EXAMPLES = """\b
surveil status
surveil status cameras.yaml
surveil status --json | jq .cameras
"""


def status(file: File = None, status_file: StatusFile = None, as_json: Json = False) -> None:
    """Say how the service and its cameras are doing.

    Exits with 0 when it runs and watches, with 1 when it does not.
    """
    from surveil.app.service.status import read_status
    from surveil.clock import SystemClock

    found = read_status(status_file or _place(file))
    age_s = SystemClock().wall() - found["updated_wall_s"]
    alive = found["state"] != "stopped" and age_s <= LATE_PERIODS * found["period_s"] + 2
    if as_json:
        put(json.dumps({**found, "running": alive}, indent=2, ensure_ascii=False))
    else:
        put("\n".join(lines(found, alive=alive, age_s=age_s)))
    if not alive or found["state"] == "safe mode":
        raise typer.Exit(1)


def _place(file: Path | None) -> Path:
    """Where the service of a configuration writes; also where the file is broken by now."""
    from surveil.config.load import load_config
    from surveil.config.paths import beside, default_state
    from surveil.errors import ConfigError

    path = chosen(file)
    try:
        named = load_config(path).config.service.status_file
    except ConfigError:
        named = named_in(path)
    return default_state("status.json") if named is None else beside(path, named)


def named_in(path: Path) -> str | None:
    """The status file that a broken configuration names, as far as one can tell."""
    try:
        rows = path.read_text("utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return None
    found = (_STATUS_FILE.search(row) for row in rows if not row.lstrip().startswith("#"))
    return next((one["path"] for one in found if one and one["path"] not in ("null", "~")), None)


def lines(status: Mapping[str, Any], *, alive: bool, age_s: float) -> list[str]:
    """The status for people."""
    state = status["state"]
    words = state if alive or state == "stopped" else f"not running; it was {state} when it was last seen"
    rows = [
        f"service  {words}, {_ago(age_s)} ago",
        f"config   {status['config']['path']}",
        f"process  {status['pid']}",
        f"device   {status['device'] or '-'}",
    ]
    load = status["load"]
    if load["rung"]:
        rows.append(f"load     too much to do: {load['name']} ({load['why']}), for {_ago(load['for_s'])}")
    rows += [f"problem  {problem}" for problem in status["config"]["problems"]]
    rows += [f"output   {name.rstrip(':')}: {text}" for name, text in status["outputs"]["trouble"].items()]
    cameras = status["cameras"]
    if cameras:
        table = [HEAD, *(_camera(name, camera) for name, camera in cameras.items())]
        widths = [max(len(row[n]) for row in table) for n in range(len(HEAD))]
        rows.append("")
        rows += [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
    said = {name: " ".join(filter(None, (one["cause"], one.get("remedy")))) for name, one in cameras.items()}
    troubled = [f"{name}: {words}" for name, words in said.items() if words]
    return [*rows, *([""] if troubled else []), *troubled]


def _camera(name: str, camera: Mapping[str, Any]) -> tuple[str, ...]:
    if "fps" not in camera:
        return name, camera["state"], *["-"] * (len(HEAD) - 2)
    age = camera["age_p95_ms"]
    return (
        name,
        camera["state"],
        _ago(camera["for_s"]),
        f"{camera['fps']:.1f}",
        f"{camera['processed_fps']:.1f}",
        f"{camera['looked_fps']:.1f}",
        "-" if age is None else f"{age:.0f}",
        drops_in_words(camera["drops"]),
        breaks_in_words(camera["counters"]),
        camera["decoder"] or "-",
    )


def _ago(seconds: float) -> str:
    """A time in its largest unit.

    >>> _ago(42), _ago(7200), _ago(200000)
    ('42 s', '120 min', '56 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36000 else f"{seconds / 3600:.0f} h"

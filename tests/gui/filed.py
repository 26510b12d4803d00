"""A window upon a file: the real workspace over the false session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surveil.app.applied import Applied
from surveil.app.configured import ConfiguredTable
from surveil.app.workspace import Workspace
from surveil.clock import SystemClock
from surveil.config.load import load_config
from surveil.redact import Redactor


def workspace_of(path: Path, text: str, session: Any) -> Workspace:
    """The file `path`, written with `text`, as the window gets it."""
    write(path, text)
    loaded = load_config(path)
    table = ConfiguredTable(loaded, SystemClock())
    return Workspace(path, loaded, Applied(session, table, {}, Redactor()))


def write(path: Path, text: str) -> None:
    """As somebody would by hand."""
    path.write_text(text)
    path.chmod(0o600)

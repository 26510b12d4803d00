"""What the window shows: a session, and the file that it follows or the sources that it was given."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from surveil.app.applied import Applied
from surveil.app.configured import ConfiguredTable, overlay_style
from surveil.app.doors import open_session
from surveil.app.options import GuiOptions, ModelOptions, RunOptions
from surveil.app.workspace import Workspace
from surveil.clock import Clock
from surveil.config.load import Loaded, load_config, parse_config
from surveil.config.paths import default_config
from surveil.errors import ConfigError, DeviceError, ModelError, Problem, UsageError
from surveil.pipeline.session import Session
from surveil.redact import Redactor
from surveil.render.style import OverlayStyle


@dataclass(frozen=True, kw_only=True, slots=True)
class Desktop:
    """What a window begins with.

    Attributes:
        session: started.
        workspace: the file; None where sources were given, and nothing is kept.
        style: what is drawn from the start.
        run_options: model and tracker that the session was asked for last, by start or file; for exports.
        notes: what people should know before they begin.
    """

    session: Session
    workspace: Workspace | None
    style: OverlayStyle
    run_options: Callable[[], RunOptions]
    notes: tuple[str, ...] = ()


def open_desktop(
    options: GuiOptions, *, kept: bool, clock: Clock, redactor: Redactor, several: bool = False
) -> Desktop:
    """Start a session.

    Args:
        options: `config`: the file, by default that of the user; it need not be there yet.
        kept: whether it follows the file.
        clock: of all threads.
        redactor: is told the secrets that the file names.
        several: whether more than one source is to be watched; a file says that itself.

    Raises:
        ModelError, DeviceError: the detector cannot be opened.
        UsageError: `options.config` is no file that can be used.
    """
    if not kept:
        asked = RunOptions(model=options.model, decode=options.decode)
        return Desktop(
            session=open_session(options, clock, several=several),
            workspace=None,
            style=OverlayStyle(),
            run_options=lambda: asked,
        )
    path = options.config or default_config()
    loaded, broken = _read(path)
    table = ConfiguredTable(loaded, clock)
    given = None if options.model == ModelOptions() else RunOptions(model=options.model)
    if given is not None:
        table.use((given, loaded.config.model.thresholds))
    session = Session(table)
    notes: tuple[str, ...] = ()
    try:
        session.start()
    except (ModelError, DeviceError, UsageError) as error:
        if given is not None:
            raise
        # The file's model cannot be used: the window opens with the default one, and says so.
        notes = (f"{loaded.problem(('model',), str(error))}",)
        table.use((RunOptions(), parse_config(b"", path).config.model.thresholds))
        session = Session(table)
        session.start()
    applied = Applied(session, table, os.environ, redactor, given)
    workspace = Workspace(path, loaded, applied, broken)
    return Desktop(
        session=session,
        workspace=workspace,
        style=overlay_style(loaded.config),
        run_options=lambda: replace(table.model[0], decode=options.decode),
        notes=notes,
    )


def _read(path: Path) -> tuple[Loaded, tuple[Problem, ...]]:
    """The file, or an empty configuration in its place where it is broken or not there yet."""
    if not path.exists():
        return parse_config(b"", path), ()
    try:
        return load_config(path), ()
    except ConfigError as error:
        return parse_config(b"", path), error.problems

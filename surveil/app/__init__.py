"""Builds runs and sessions from plain arguments.

`options` says what can be chosen; `table` says which implementation stands behind every part, the whole
composition in one place; `doors` are the ways in: `run` for Python, `plan_run` for the command line,
`open_session` for the window.
"""

from __future__ import annotations

from surveil.app.doors import configure_camera, configure_cameras, open_session, plan_run, run
from surveil.app.options import CameraOptions, GuiOptions, ModelOptions, OutputOptions, RunOptions

__all__ = [
    "CameraOptions",
    "GuiOptions",
    "ModelOptions",
    "OutputOptions",
    "RunOptions",
    "configure_camera",
    "configure_cameras",
    "open_session",
    "plan_run",
    "run",
]

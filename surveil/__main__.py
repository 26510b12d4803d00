"""`python -m surveil`, and the command `surveil`: the command line, with the window as one of its doors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surveil.app import GuiOptions

INTERRUPTED = 130  # as `surveil.cli.launch` has it, which may not be loaded yet


def main() -> int:
    """Run the command line; its exit code."""
    try:
        from surveil.cli.main import main as command_line  # here: Ctrl-C may come while it loads

        return command_line(_open_window)
    except KeyboardInterrupt:
        return INTERRUPTED


def _open_window(sources: Sequence[str], options: GuiOptions) -> int:
    from surveil.gui.main import run_gui

    return run_gui(sources, options)


if __name__ == "__main__":
    sys.exit(main())

"""Start the desktop: environment, session, window, event loop, clean end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from surveil.app import GuiOptions, configure_cameras, open_session
from surveil.clock import SystemClock
from surveil.gui.environment import prepare_environment

STOP_S = 3.0
SIGNAL_POLL_MS = 200


def run_gui(sources: Sequence[str], options: GuiOptions) -> int:
    """Open the window on the first of `sources` (or on the start page) and return the exit code.

    Raises:
        UsageError: no window can be opened here; the message says what to install.
    """
    prepare_environment()
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    from surveil.gui.controller import Controller
    from surveil.gui.window import MainWindow

    app = QApplication(sys.argv[:1])
    app.setApplicationName("surveil")
    session = open_session(options)
    configure = partial(configure_cameras, options=options)
    controller = Controller(session, configure, SystemClock())
    try:
        window = MainWindow(controller)
        window.show()
        if sources:
            window.open(*sources)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: app.quit())
        heartbeat = QTimer()  # lets Python run its signal handlers while Qt waits
        heartbeat.timeout.connect(lambda: None)
        heartbeat.start(SIGNAL_POLL_MS)
        if options.exit_after_s is not None:
            QTimer.singleShot(int(options.exit_after_s * 1000), app.quit)
        code = app.exec()
        if options.screenshot is not None:
            _save(window, options.screenshot)
        return code
    finally:
        session.stop(STOP_S)


def _save(window: object, path: Path) -> None:
    from PyQt6.QtWidgets import QWidget

    from surveil.errors import OutputError

    assert isinstance(window, QWidget)
    if not window.grab().save(str(path)):
        raise OutputError(
            f"cannot write the screenshot {path}: check the folder and the file's ending (.png)"
        )

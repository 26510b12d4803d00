"""Start the desktop: environment, session, window, event loop, clean end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from surveil.app import GuiOptions, configure_cameras
from surveil.app.turns import take_short_turns
from surveil.clock import Clock, SystemClock
from surveil.errors import OutputError, StuckThreadError
from surveil.gui.environment import prepare_environment
from surveil.gui.yielding import yielding
from surveil.redact import Redactor

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

    from surveil.app.desktop import Desktop
    from surveil.gui.ending import Ending
    from surveil.gui.window import MainWindow

SIGNAL_POLL_MS = 200


def run_gui(sources: Sequence[str], options: GuiOptions) -> int:
    """Open the window on `sources`, or on the cameras of the user's file, and return the exit code.

    Raises:
        UsageError: no window can be opened here; the message says what to install.
        ModelError, DeviceError: the detector cannot be opened.
    """
    prepare_environment()
    take_short_turns()
    from PyQt6.QtWidgets import QApplication

    from surveil.app.desktop import open_desktop
    from surveil.gui.collecting import Collecting
    from surveil.gui.crash import CrashReports, reports_folder
    from surveil.gui.ending import Ending, leave
    from surveil.gui.language import speak_as_the_system

    clock, redactor = SystemClock(), Redactor()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("surveil")
    app.setDesktopFileName("surveil")
    speak_as_the_system(app)
    try:
        with ExitStack() as stack:
            stack.enter_context(Collecting())
            crashes = stack.enter_context(CrashReports(reports_folder(), clock, redactor))
            kept, several = not sources and not options.demo, len(sources) > 1
            desktop = yielding(
                lambda: open_desktop(options, kept=kept, clock=clock, redactor=redactor, several=several)
            )
            ending = Ending()
            stack.callback(ending.stop)
            ending.add(desktop.session.stop)
            window = _window(desktop, options, clock, redactor, ending)
            crashes.told = window.crashed.emit  # a signal: it comes from any thread
            _show(window, desktop, sources, options)
            return _loop(app, window, options, stack)
    except StuckThreadError as error:
        leave(error)


def _show(window: MainWindow, desktop: Desktop, sources: Sequence[str], options: GuiOptions) -> None:
    window.show()
    window.start()
    for note in desktop.notes:
        window.toasts.error(note)
    if sources:
        window.open(sources)
    if options.demo:
        window.doing.run("demo")


def _window(
    desktop: Desktop, options: GuiOptions, clock: Clock, redactor: Redactor, ending: Ending
) -> MainWindow:
    from surveil.config.paths import default_state
    from surveil.gui.desk import Desk
    from surveil.gui.memory import Memory
    from surveil.gui.observer import Observer
    from surveil.gui.tasks import Tasks
    from surveil.gui.window import MainWindow, Parts

    tasks, observer = Tasks(clock), Observer(desktop.session, clock)
    ending.add(tasks.stop, here=True)
    ending.add(observer.stop)
    configure = partial(configure_cameras, options=options)
    return MainWindow(
        Parts(
            desk=Desk(desktop.session, configure, clock, desktop.style, observer.states),
            workspace=desktop.workspace,
            tasks=tasks,
            memory=Memory(default_state("desktop.json")),
            clock=clock,
            run_options=desktop.run_options,
            hide=redactor,
        )
    )


def _loop(app: QApplication, window: MainWindow, options: GuiOptions, stack: ExitStack) -> int:
    from PyQt6.QtCore import QTimer

    from surveil.gui.measuring import Measuring

    app.setQuitOnLastWindowClosed(False)  # the window may be in the tray; it says when it is over
    window.closed.connect(app.quit)
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.signal(number, lambda *_: window.end())
        stack.callback(signal.signal, number, before)
    heartbeat = QTimer()  # lets Python run its signal handlers while Qt waits
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(SIGNAL_POLL_MS)
    measured = None if options.stats is None else Measuring(window)
    unsaved: list[Path] = []
    if options.exit_after_s is not None:
        QTimer.singleShot(
            int(options.exit_after_s * 1000), lambda: _end(window, options.screenshot, unsaved.append)
        )
    code = app.exec()
    if measured is not None and options.stats is not None:
        measured.write(options.stats)
    for path in unsaved:
        raise OutputError(f"cannot write the screenshot {path}: check the folder and its ending (.png)")
    return code


def _end(window: MainWindow, screenshot: Path | None, unsaved: Callable[[Path], None]) -> None:
    if screenshot is not None and not window.grab().save(str(screenshot)):
        unsaved(screenshot)
    window.end()

"""Qt without a screen; a Qt warning fails the test, and nothing of the user's is read or written."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 cannot be loaded here", exc_type=ImportError)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def collected_here() -> Iterator[None]:
    """Widgets are freed in this thread: in another one, of a later test even, they would end the process."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
def all_collected() -> Iterator[None]:
    """The last test's fixtures are let go of only after it."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def no_qt_warning(qtlog: object) -> Iterator[None]:
    yield
    warnings = [r.message for r in qtlog.records if r.type_name in ("QtWarningMsg", "QtCriticalMsg")]  # type: ignore[attr-defined]
    # The offscreen platform says this of every window; no code of ours can change it.
    warnings = [w for w in warnings if "does not support" not in w]
    assert not warnings


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture
def session() -> Any:
    from .fakes import FakeSession

    return FakeSession()


@pytest.fixture
def new_window(qtbot: Any, session: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes windows upon the false session; they are closed, and their threads ended, after the test."""
    from surveil.clock import SystemClock
    from surveil.gui.desk import Desk
    from surveil.gui.memory import Memory
    from surveil.gui.tasks import Tasks
    from surveil.gui.window import MainWindow, Parts

    from .fakes import FakeClock, configure

    made = []

    def make(workspace: Any = None) -> Any:
        tasks = Tasks(SystemClock())
        desk = Desk(session, configure, FakeClock())
        memory = Memory(tmp_path / "state" / "desktop.json")
        window = MainWindow(
            Parts(desk=desk, workspace=workspace, tasks=tasks, memory=memory, clock=SystemClock())
        )
        made.append((window, tasks))
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        window.start()
        return window

    yield make
    for window, tasks in made:
        window.end()
        tasks.stop(5.0)


@pytest.fixture
def window(new_window: Callable[..., Any]) -> Any:
    return new_window()

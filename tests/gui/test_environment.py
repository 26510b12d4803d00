"""Where no window can be opened the start says why, and everything else works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surveil.errors import UsageError
from surveil.gui import environment
from surveil.resources import demo_clip
from surveil.system import XCB

WITHOUT_QT = """
import sys
sys.modules["PyQt6"] = None  # as if it were not installed
sys.argv[0] = "surveil"
from surveil.__main__ import main
sys.exit(main())
"""


def command(root: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_QT, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_without_the_xcb_libraries_the_packages_are_named(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    asked = []

    def missing(*groups):
        asked.extend(groups)
        return ("libxcb-cursor0", "libxcb-icccm4")

    monkeypatch.setattr(environment, "missing_packages", missing)
    with pytest.raises(UsageError, match="sudo apt-get install libxcb-cursor0 libxcb-icccm4"):
        environment.prepare_environment()
    assert XCB in asked


def test_without_a_screen_another_way_is_named(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(environment, "missing_packages", lambda *groups: ())
    with pytest.raises(UsageError, match=r"no screen.*surveil run"):
        environment.prepare_environment()


def test_what_opencv_set_for_its_own_qt_is_taken_back(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    for name in environment.OPENCV_QT_VARIABLES:
        monkeypatch.setenv(name, "/cv2/qt/plugins")
    environment.prepare_environment()
    assert not any(name in os.environ for name in environment.OPENCV_QT_VARIABLES)


def test_without_qt_the_window_says_what_to_install(root, tmp_path):
    done = command(root, tmp_path, "gui", "--demo")
    assert done.returncode == UsageError.exit_code
    assert "pip install PyQt6" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_qt_the_headless_mode_works(root, tmp_path):
    done = command(root, tmp_path, "run", str(demo_clip()), "--no-video", "--mot", "o.txt", "--end", "1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.txt").exists()

"""The window by its real command, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from surveil.app.desktop import open_desktop
from surveil.app.options import GuiOptions, ModelOptions
from surveil.clock import SystemClock
from surveil.errors import ModelError
from surveil.redact import Redactor
from surveil.resources import demo_clip


@pytest.fixture
def command(root: Path, tmp_path: Path):
    """Starts `surveil gui …`."""
    started = []

    def start(*arguments: object) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(root), "QT_QPA_PLATFORM": "offscreen"}
        environment["HOME"] = str(tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-m", "surveil", "gui", *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_demo_gives_its_figures_and_ends_well(command, tmp_path):
    figures, picture = tmp_path / "figures.json", tmp_path / "window.png"
    process = command("--demo", "--exit-after", 4, "--stats", figures, "--screenshot", picture)
    _, said = process.communicate(timeout=110)
    assert process.returncode == 0, said
    result = json.loads(figures.read_text())
    assert result["tiles"]["street"]["captured_fps"] > 0
    assert result["event_loop_gap_ms"]["p50"] >= 5
    assert result["start_to_first_picture_s"] > result["window_to_first_picture_s"] > 0
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_signal_ends_it_well_while_a_camera_does_not_answer(command, tmp_path):
    (tmp_path / "c.yaml").write_text(f"cameras: [rtsp://127.0.0.1:9/none, {demo_clip()}]\n")
    process = command("--config", "c.yaml", "-v")
    ready = threading.Event()

    def read() -> None:
        for line in process.stderr:
            if "street: " in line:
                ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert ready.wait(100)
    clock = SystemClock()
    asked_s = clock.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert clock.monotonic() - asked_s < 20  # 3 s on a machine that has nothing else to do
    reader.join()


def test_a_broken_file_and_a_missing_model_open_the_window_all_the_same(tmp_path):
    path = tmp_path / "c.yaml"
    options = GuiOptions(config=path)
    path.write_text(f"model: {{name: nothing}}\ncameras: [{demo_clip()}]\n")
    desktop = open_desktop(options, kept=True, clock=SystemClock(), redactor=Redactor())
    try:
        assert "nothing" in desktop.notes[0]
        path.write_text("camras: []\n")
        assert desktop.workspace.apply().cameras[0].id == "street"
    finally:
        desktop.session.stop(5.0)


def test_a_model_that_was_asked_for_must_be_there(tmp_path):
    options = GuiOptions(config=tmp_path / "c.yaml", model=ModelOptions(model="nothing"))
    with pytest.raises(ModelError):
        open_desktop(options, kept=True, clock=SystemClock(), redactor=Redactor())

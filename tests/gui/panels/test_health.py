from __future__ import annotations

import sys

import pytest
from PyQt6.QtCore import Qt

from surveil.gui.desk import Entry
from surveil.gui.panels import health
from surveil.gui.panels.health import HealthPanel
from surveil.pipeline.ladder import Load
from surveil.pipeline.stats import CameraStats

from .conftest import look


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(health, "gpu_tool", lambda: None)


@pytest.fixture
def panel(stage, shown, no_gpu):
    stage.watch(door="Front <img src=x>", yard="Yard")
    return shown(HealthPanel(stage.context))


def cell(panel, row: int, title: str) -> str:
    model = panel.table.model()
    across = Qt.Orientation.Horizontal
    column = [model.headerData(n, across) for n in range(model.columnCount())].index(title)
    return model.index(row, column).data()


def cards(panel) -> dict[str, str]:
    return {card.name.text(): card.value.text() for card in panel.cards if card.isVisible()}


def test_cameras_with_their_figures(stage, panel):
    stats = CameraStats(fps=24.96, processed_fps=12.0, age_p50_ms=33.3, drops={"overwritten": 7})
    stage.become("door", stats=stats, decoder="h264, CPU")
    panel.refresh()
    assert [cell(panel, n, "Camera") for n in range(2)] == ["Front <img src=x>", "Yard"]
    assert (cell(panel, 0, "fps in"), cell(panel, 0, "Lost")) == ("25.0", "7")
    assert cell(panel, 0, "Video") == "h264, CPU"


def test_selecting_a_camera_explains_it(stage, panel, qtbot):
    stage.become(
        "yard", name="reconnecting", cause="no route", remedy="Is it on?", counters={"corrupt_frames": 2}
    )
    panel.refresh()
    assert panel.detail.text() == "Select a camera to see why frames were lost."
    place = panel.table.visualRect(panel.table.model().index(1, 0)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert panel.detail.text() == "No route. Is it on?\nYard: damaged picture: 2"
    qtbot.keyClick(panel.table, Qt.Key.Key_Up)
    assert panel.detail.text() == "Front <img src=x>: no frame was lost"
    assert panel.detail.textFormat() == Qt.TextFormat.PlainText


def test_a_camera_that_cannot_be_watched_is_in_the_table(stage, panel):
    stage.desk.adopt([Entry(id="new", title="New", kept=True, problem="the password is missing")])
    panel.refresh()
    assert cell(panel, 0, "State") == "Cannot be shown"


def test_the_age_of_the_last_frame_goes_on(stage, panel):
    stage.clock.now_s += 30
    panel.refresh()
    assert cell(panel, 0, "Age") == "30 s"


def test_the_program_itself(stage, panel):
    stage.see("door", timings_ms={"detect": 10.0})
    stage.see("yard", timings_ms={"detect": 99.0}, detected=False)
    stage.become("door", stats=CameraStats(looked_fps=5.0))
    panel.refresh()
    shown = cards(panel)
    assert list(shown) == ["Processor", "Memory", "Detection", "Load"]
    assert (shown["Detection"], shown["Load"]) == ("5/s", "Keeps up")
    assert panel.cards[2].of.text() == "10.0 ms a look"
    assert panel.cards[3].accessibleName() == "Load: Keeps up"


def test_overload_is_told_in_words(stage, panel):
    stage.session.load = Load(rung=3, why="x")
    panel.refresh()
    load = panel.cards[3]
    assert (load.value.text(), load.of.text()) == ("Step 3", "the detector looks at smaller pictures")
    assert load.of.property("role") == "alarm"
    stage.session.load = Load()
    panel.refresh()
    assert load.of.property("role") == "faint"


def test_graphics_cards_are_asked_in_the_background(stage, shown, qtbot, monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!{sys.executable}\nprint('NVIDIA <b>H200</b>, 34, 2048, 143771')\n", "utf-8")
    tool.chmod(0o755)
    monkeypatch.setattr(health, "gpu_tool", lambda: str(tool))
    stage.watch(door="Door")
    panel = shown(HealthPanel(stage.context))
    qtbot.waitUntil(lambda: stage.tasks.waiting == 0, timeout=30_000)
    panel.refresh()
    assert cards(panel)["GPU"] == "34 %"
    assert panel.cards[4].of.text() == "2.1 GB  ·  NVIDIA <b>H200</b>"
    assert stage.tasks.waiting == 0  # not asked again so soon
    stage.clock.now_s += 3
    panel.refresh()
    assert stage.tasks.waiting == 1
    qtbot.waitUntil(lambda: stage.tasks.waiting == 0, timeout=30_000)


def test_a_tool_that_cannot_be_run_is_not_asked_again(stage, shown, qtbot, monkeypatch, caplog):
    monkeypatch.setattr(health, "gpu_tool", lambda: "/nowhere/nvidia-smi")
    stage.watch(door="Door")
    panel = shown(HealthPanel(stage.context))
    qtbot.waitUntil(lambda: stage.tasks.waiting == 0, timeout=30_000)
    assert "nvidia-smi cannot be run" in caplog.text
    stage.clock.now_s += 10
    panel.refresh()
    assert stage.tasks.waiting == 0
    assert "GPU" not in cards(panel)


def test_it_is_dressed(panel, colours):
    panel.dress(look(colours))
    assert panel.table.rows.colours is colours
    assert panel.table.accessibleName() == "Health of the cameras"

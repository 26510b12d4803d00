from __future__ import annotations

import sys

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QApplication, QStyle, QStyleOptionViewItem

from surveil.gui.panels import counts
from surveil.gui.panels.counts import CountsPanel
from surveil.gui.theme import DARK
from tests.support.results import A

from .conftest import look

BOX = (10, 20, 30, 200)


@pytest.fixture
def panel(stage, shown):
    stage.watch(door="Front <img src=x>", yard="Yard")
    made = CountsPanel(stage.context)
    made._timer.stop()  # the test counts
    return shown(made)


def count(stage, panel, *, seconds: int = 20) -> None:
    for _ in range(seconds):
        stage.clock.now_s += 1
        stage.see("door", A(1, BOX), A(2, BOX))
        stage.see("yard", A(1, BOX, class_id=2))
        panel.sample()
    panel.refresh()
    while stage.tasks.waiting:  # for the library that draws
        QApplication.processEvents()


def legend(panel) -> list[str]:
    return [panel.legend.item(n).text() for n in range(panel.legend.count())]


def test_before_anything_was_counted_it_says_so(panel):
    assert panel.note.isVisible()
    assert panel.chart is None


def test_curves_of_all_cameras_and_of_one(stage, panel, qtbot):
    count(stage, panel)
    assert panel.note.isHidden()
    assert legend(panel) == ["car  1", "person  2"]
    assert set(panel.chart.curves) == {"car", "person"}
    panel.camera.setFocus()
    qtbot.keyClick(panel.camera, Qt.Key.Key_Down)
    assert panel.camera.currentText() == "Front <img src=x>"
    assert legend(panel) == ["person  2"]
    _, values = panel.chart.curves["person"].getData()
    assert values[-1] == 2


def test_a_longer_time_can_be_seen(stage, panel, qtbot):
    count(stage, panel)
    panel.span.setFocus()
    qtbot.keyClick(panel.span, Qt.Key.Key_Down)
    times, _ = panel.chart.curves["car"].getData()
    assert (panel.span.currentText(), times[0]) == ("1 hour", -3600)


def test_a_class_can_be_left_out_with_the_mouse_and_the_keyboard(stage, panel, qtbot):
    count(stage, panel)
    item = panel.legend.item(1)
    option = QStyleOptionViewItem()
    panel.legend.initViewItemOption(option)
    option.rect = panel.legend.visualItemRect(item)
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    box = panel.legend.style().subElementRect(
        QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, panel.legend
    )
    qtbot.mouseClick(panel.legend.viewport(), Qt.MouseButton.LeftButton, pos=box.center())
    assert item.checkState() == Qt.CheckState.Unchecked
    assert set(panel.chart.curves) == {"car"}
    count(stage, panel, seconds=1)
    assert set(panel.chart.curves) == {"car"}
    panel.legend.setCurrentRow(1)
    qtbot.keyClick(panel.legend, Qt.Key.Key_Space)
    assert set(panel.chart.curves) == {"car", "person"}


def test_what_is_held_or_dead_is_not_counted(stage, panel):
    count(stage, panel)
    stage.become("door", name="paused", live=False)
    stage.become("yard", name="stalled")
    for _ in range(4):
        stage.clock.now_s += 1
        panel.sample()
    panel.refresh()
    assert legend(panel) == ["car", "person"]  # nothing is known of now


def test_a_camera_that_is_gone_leaves_the_list(stage, panel):
    count(stage, panel)
    panel.camera.setCurrentIndex(1)
    del stage.session.state["door"]
    stage.watch(yard="Yard")
    panel.sample()
    panel.refresh()
    assert [panel.camera.itemText(n) for n in range(panel.camera.count())] == ["All cameras", "Yard"]
    assert panel.camera.currentIndex() == 0
    assert legend(panel) == ["car  0.5"]  # it went a moment ago


def test_it_counts_by_itself_while_nobody_looks(stage, qtbot):
    stage.watch(door="Door")
    stage.see("door", A(1, BOX))
    made = CountsPanel(stage.context)
    qtbot.addWidget(made)

    def counted() -> bool:
        return "person" in made._histories[0].curves(stage.clock.now_s, ["door"])

    qtbot.waitUntil(counted, timeout=20_000)
    made._timer.stop()
    assert made.chart is None


def test_it_follows_the_theme(stage, panel, colours):
    count(stage, panel)
    panel.dress(look(colours))
    panel.refresh()
    ground = panel.chart.grab().toImage().pixelColor(60, 3)
    assert ground == QColor(colours.panel)
    pen = panel.chart.curves["person"].opts["pen"]
    assert (pen.color() == QColor(panel._palette.colour("person", DARK.panel))) == (colours is DARK)


def test_names_of_classes_are_plain_text(stage, panel, qtbot):
    panel.sample()
    panel._histories[0].add(stage.clock.now_s, {"door": {"<img src=x>": 1}})
    panel.refresh()
    qtbot.waitUntil(lambda: panel.chart is not None, timeout=60_000)
    assert legend(panel) == ["<img src=x>  0.5"]
    assert panel.legend.accessibleName() == "Classes that are shown"
    assert panel.chart.accessibleName() == "Objects over time"


def test_without_the_library_it_says_so(stage, panel, monkeypatch):
    def missing(_stop):
        raise ImportError("no module named <b>pyqtgraph</b>")

    monkeypatch.setattr(counts, "_chart_class", missing)
    count(stage, panel)
    count(stage, panel, seconds=1)
    assert panel.note.text() == "Curves cannot be drawn: no module named <b>pyqtgraph</b>"
    assert panel.note.textFormat() == Qt.TextFormat.PlainText
    assert panel.note.isVisible()


def test_pyqtgraph_is_loaded_when_curves_are_seen():
    import subprocess

    code = "import sys, surveil.gui.panels; print('pyqtgraph' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from surveil.config.shapes import Zone
from surveil.gui.panels.objects import ObjectsPanel
from tests.support.results import A

from .conftest import look

PORCH = Zone(name="<b>Porch</b>", points=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))


@pytest.fixture
def panel(stage, shown):
    stage.watch(door="Front <img src=x>", yard="Yard")
    return shown(ObjectsPanel(stage.context))


def texts(panel) -> list[list[str]]:
    model = panel.table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def press(qtbot, panel, row: int) -> None:
    place = panel.table.visualRect(panel.table.model().index(row, 0)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_objects_of_all_cameras_stand_in_the_table(stage, panel):
    stage.zones["door"] = (PORCH,)
    stage.see("door", A(3, (10, 20, 30, 200), score=0.91), age_s=75.0)
    stage.see("yard", A(1, (10, 20, 30, 200), class_id=2))
    panel.refresh()
    assert texts(panel) == [
        ["Front <img src=x>", "person", "3", "<b>Porch</b>", "1:15", "91%"],
        ["Yard", "car", "1", "", "1 s", "75%"],
    ]
    assert panel.summary.text() == "1 × car  ·  1 × person"


def test_a_dead_camera_has_no_objects(stage, panel):
    stage.see("door", A(3, (10, 20, 30, 200)))
    panel.refresh()
    assert len(texts(panel)) == 1
    stage.become("door", name="reconnecting")
    panel.refresh()
    assert texts(panel) == []
    assert panel.summary.text() == "Nothing in view"


def test_a_camera_that_was_taken_away_a_moment_ago_is_no_fault(stage, panel):
    stage.see("door", A(3, (10, 20, 30, 200)))
    del stage.session.state["door"]  # by the thread of the file; the desk does not know yet
    panel.refresh()
    assert texts(panel) == []


def test_selecting_an_object_shows_its_camera(stage, panel, qtbot):
    stage.desk.board.arrange("1")
    assert list(stage.desk.board.visible((800, 600))) == ["door"]
    stage.see("yard", A(1, (10, 20, 30, 200)))
    panel.refresh()
    press(qtbot, panel, 0)
    assert stage.desk.board.selected == "yard"
    assert stage.commands == ["arrange"]
    assert list(stage.desk.board.visible((800, 600))) == ["yard"]


def test_looking_on_does_not_select_again(stage, panel, qtbot):
    stage.see("yard", A(1, (10, 20, 30, 200)), A(2, (10, 20, 30, 200)))
    panel.refresh()
    press(qtbot, panel, 0)
    stage.see("yard", A(2, (10, 20, 30, 200)))
    panel.refresh()
    panel.refresh()
    assert stage.commands == ["arrange"]
    assert panel.table.selected is None


def test_it_can_be_read_aloud_and_dressed(panel, colours):
    panel.dress(look(colours))
    assert panel.table.accessibleName() == "Objects now"
    assert panel.summary.textFormat() == Qt.TextFormat.PlainText
    assert panel.table.rows.colours is colours

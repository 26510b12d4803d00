from __future__ import annotations

import logging

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication, QKeySequence

from surveil.gui.panels.log import LogPanel

from .conftest import look

log = logging.getLogger("surveil.test-panel")


@pytest.fixture
def panel(stage, shown):
    made = shown(LogPanel(stage.context))
    yield made
    made.ring.detach()


def lines(panel) -> list[str]:
    """What is shown, without the times."""
    return [line[14:] for line in panel.text.toPlainText().splitlines()]


def say(panel) -> None:
    log.info("door: live")
    log.warning("yard: no route to rtsp://admin:secret@10.0.0.1/s")
    log.error("<img src=x>")
    panel.refresh()


def test_records_are_shown_plain_and_without_secrets(panel):
    say(panel)
    assert lines(panel) == [
        "Info    door: live",
        "Warning yard: no route to rtsp://***@10.0.0.1/s",
        "Error   <img src=x>",
    ]


def test_a_level_is_chosen_with_the_keyboard(panel, qtbot):
    say(panel)
    panel.level.setFocus()
    qtbot.keyClick(panel.level, Qt.Key.Key_Down)
    assert panel.level.currentText() == "Warning and above"
    assert [line.split()[0] for line in lines(panel)] == ["Warning", "Error"]
    log.info("not shown")
    panel.refresh()
    assert len(lines(panel)) == 2
    qtbot.keyClick(panel.level, Qt.Key.Key_Up)
    assert len(lines(panel)) == 4


def test_typing_filters_and_the_filter_holds_for_what_comes(panel, qtbot):
    say(panel)
    qtbot.keyClicks(panel.search, "YARD")
    assert lines(panel) == ["Warning yard: no route to rtsp://***@10.0.0.1/s"]
    log.info("yard: live")
    log.info("door: live")
    panel.refresh()
    assert lines(panel)[1:] == ["Info    yard: live"]
    panel.search.selectAll()
    qtbot.keyClick(panel.search, Qt.Key.Key_Delete)
    assert len(lines(panel)) == 5


def test_a_held_list_stands_still_and_catches_up(panel, qtbot):
    say(panel)
    qtbot.mouseClick(panel.pause, Qt.MouseButton.LeftButton)
    log.info("meanwhile")
    panel.refresh()
    qtbot.keyClicks(panel.search, "e")  # also while it is filtered anew
    assert "Info    meanwhile" not in lines(panel)
    panel.search.clear()
    qtbot.mouseClick(panel.pause, Qt.MouseButton.LeftButton)
    assert lines(panel)[-1] == "Info    meanwhile"


def test_all_that_is_shown_is_copied_or_what_is_selected(panel, stage, qtbot):
    say(panel)
    qtbot.keyClicks(panel.search, "door")
    qtbot.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    board = QGuiApplication.clipboard()
    assert board.text().endswith("Info    door: live")
    assert stage.notes == ["1 line was copied."]
    panel.search.clear()
    panel.text.setFocus()
    qtbot.keySequence(panel.text, QKeySequence(QKeySequence.StandardKey.SelectAll))
    qtbot.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert len(board.text().splitlines()) == 3
    assert stage.notes[-1] == "3 lines were copied."


def test_an_emptied_list_stays_empty(panel, stage, qtbot):
    say(panel)
    qtbot.mouseClick(panel.clear, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(panel.search, "o")
    assert lines(panel) == []
    qtbot.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert stage.notes == []
    log.error("more")
    panel.refresh()
    assert lines(panel) == ["Error   more"]


def test_the_end_stays_in_sight_unless_one_reads_further_up(panel):
    for n in range(200):
        log.info("line %d", n)
    panel.refresh()
    bar = panel.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(10)
    say(panel)
    assert bar.value() == 10


def test_memory_is_bounded(panel):
    for n in range(3000):
        log.info("line %d", n)
    panel.refresh()
    assert len(lines(panel)) == 2000
    assert lines(panel)[-1].endswith("line 2999")


def test_it_listens_no_more_when_it_is_gone(stage, qtbot):
    logger = logging.getLogger("surveil")
    before = list(logger.handlers)
    panel = LogPanel(stage.context)
    assert panel.ring in logger.handlers
    with qtbot.waitSignal(panel.destroyed):
        panel.deleteLater()
    assert logger.handlers == before


def test_the_theme_colours_what_is_there(panel, colours):
    say(panel)
    panel.dress(look(colours))
    inks = []
    block = panel.text.document().begin()
    while block.isValid():
        inks.append(block.begin().fragment().charFormat().foreground().color())
        block = block.next()
    assert inks == [QColor(colours.ink), QColor(colours.alarm), QColor(colours.alarm)]


def test_it_can_be_read_aloud(panel):
    parts = (panel.level, panel.search, panel.pause, panel.copy, panel.clear, panel.text)
    assert all(part.accessibleName() for part in parts)

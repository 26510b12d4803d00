"""The table that all panels share: rows change under a selection that stays."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtTest import QAbstractItemModelTester

from surveil.gui.panels.table import RowsModel, Table
from surveil.gui.readings.columns import Column

COLUMNS = (
    Column(title="Name", text=lambda row: row.key, order=lambda row: row.key),
    Column(title="Size", text=lambda row: str(row.size), order=lambda row: row.size, number=True),
)


@dataclass(frozen=True)
class Row:
    key: str
    size: int = 0

    @property
    def settled(self) -> str:
        return self.key


@pytest.fixture
def table(qtbot):
    made = Table(COLUMNS, "Things")
    qtbot.addWidget(made)
    made.resize(400, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


def names(table: Table) -> list[str]:
    model = table.model()
    return [model.index(n, 0).data() for n in range(model.rowCount(QModelIndex()))]


def press(qtbot, table: Table, row: int) -> None:
    place = table.visualRect(table.model().index(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_model_keeps_qts_rules(qtbot):
    model = RowsModel(COLUMNS)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    rng = random.Random(7)
    model.sort(1)
    for _ in range(60):
        kept = rng.sample("abcdefgh", rng.randint(0, 8))
        model.show([Row(name, rng.randint(0, 3)) for name in kept])
        shown = [(row.size, row.key) for row in model.rows]
        assert shown == sorted(shown)
        assert {name for _, name in shown} == set(kept)
    assert tester.model() is model


def test_a_click_on_the_head_sorts(qtbot, table):
    table.show_rows([Row("a", 3), Row("b", 1), Row("c", 2)])
    head = table.horizontalHeader()
    place = head.sectionViewportPosition(1) + 10
    port = head.viewport()
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=port.rect().topLeft() + _at(place))
    assert names(table) == ["b", "c", "a"]
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=port.rect().topLeft() + _at(place))
    assert names(table) == ["a", "c", "b"]


def test_the_selection_stays_with_its_row(qtbot, table):
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    table.show_rows([Row("a", 1), Row("b", 2), Row("c", 3)])
    with qtbot.waitSignal(table.chosen) as chosen:
        press(qtbot, table, 1)
    assert chosen.args == ["b"]
    with qtbot.assertNotEmitted(table.chosen):
        table.show_rows([Row("b", 9), Row("c", 3), Row("d", 1)])
    assert names(table) == ["d", "c", "b"]
    assert table.selected == "b"


def test_when_the_selected_row_goes_no_other_is_chosen(qtbot, table):
    table.show_rows([Row("a"), Row("b"), Row("c")])
    press(qtbot, table, 1)
    with qtbot.assertNotEmitted(table.chosen):
        table.show_rows([Row("a"), Row("c")])
    assert table.selected is None


def test_the_keyboard_chooses_and_tab_leads_on(qtbot, table):
    table.show_rows([Row("a"), Row("b"), Row("c")])
    press(qtbot, table, 0)
    with qtbot.waitSignal(table.chosen) as chosen:
        qtbot.keyClick(table, Qt.Key.Key_Down)
    assert chosen.args == ["b"]
    with qtbot.assertNotEmitted(table.chosen):
        qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert table.selected == "b"


def test_enter_chooses_the_same_row_once_more(qtbot, table):
    table.show_rows([Row("a"), Row("b")])
    press(qtbot, table, 1)
    with qtbot.waitSignal(table.chosen) as chosen:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert chosen.args == ["b"]


def test_names_from_outside_are_plain_and_on_one_line(table):
    table.show_rows([Row("<img src=x>\n" + "y" * 500)])
    [shown] = names(table)
    assert shown.startswith("<img src=x> y")
    assert len(shown) == 200
    index = table.model().index(0, 0)
    assert table.model().data(index, Qt.ItemDataRole.ToolTipRole) is None  # Qt would read it as HTML


def _at(x: int):
    from PyQt6.QtCore import QPoint

    return QPoint(x, 8)

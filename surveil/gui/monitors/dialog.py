"""What a further window shows: which cameras, in which layout, and whether it goes on by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from surveil.gui.actions import layout_title
from surveil.gui.board import CAROUSEL_S
from surveil.gui.desk import Entry
from surveil.gui.layouts import NAMED
from surveil.gui.monitors.plan import Plan
from surveil.gui.text import shortened, tr

ID = Qt.ItemDataRole.UserRole


class MonitorDialog(QDialog):
    """The fields of a plan.

    Signals:
        chosen: the plan.
    """

    chosen = pyqtSignal(Plan)

    def __init__(self, plan: Plan, entries: Sequence[Entry], parent: QWidget) -> None:
        super().__init__(parent)
        self._plan = plan
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Cameras and layout"))
        self.setMinimumWidth(420)
        form = QFormLayout(self)
        form.setContentsMargins(22, 20, 22, 16)
        form.setSpacing(10)
        self._build_fields(entries)
        for text, widget in (
            ("", self.all),
            (tr("Cameras"), self.cameras),
            (tr("Layout"), self.layout_),
            (tr("Go on by itself"), self.carousel),
        ):
            form.addRow(text, widget)
            widget.setAccessibleName(text or self.all.text())
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.accepted.connect(lambda: self.chosen.emit(self.plan()))
        form.addRow(buttons)
        self._check()

    def plan(self) -> Plan:
        """The plan as the fields have it; its place stays."""
        return replace(
            self._plan,
            everything=self.all.isChecked(),
            cameras=self._plan.cameras if self.all.isChecked() else self._checked(),
            layout=self.layout_.currentData(),
            carousel_s=self.carousel.currentData(),
        )

    def _build_fields(self, entries: Sequence[Entry]) -> None:
        plan = self._plan
        self.all = QCheckBox(tr("All cameras, also those that are added later"))
        self.all.setChecked(plan.everything)
        self.all.toggled.connect(lambda _on: self._check())
        self.cameras = QListWidget()
        self.cameras.setSpacing(2)
        titles = {entry.id: entry.title for entry in entries}
        chosen = plan.of(tuple(titles))
        for name in (*chosen, *(name for name in titles if name not in chosen)):
            item = QListWidgetItem(shortened(titles[name], 80))
            item.setData(ID, name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
            self.cameras.addItem(item)
        self.cameras.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.cameras.itemChanged.connect(lambda _item: self._check())
        self.layout_, self.carousel = QComboBox(), QComboBox()
        names = NAMED if plan.layout in NAMED else (*NAMED, plan.layout)
        for name in names:
            self.layout_.addItem(layout_title(name), name)
        self.layout_.setCurrentIndex(names.index(plan.layout))
        self.carousel.addItem(tr("no"), 0)
        for seconds in CAROUSEL_S:
            self.carousel.addItem(tr("every {seconds} s", seconds=seconds), seconds)
        self.carousel.setCurrentIndex(self.carousel.findData(plan.carousel_s))

    def _checked(self) -> tuple[str, ...]:
        items = [self.cameras.item(row) for row in range(self.cameras.count())]
        return tuple(
            item.data(ID) for item in items if item is not None and item.checkState() == Qt.CheckState.Checked
        )

    def _check(self) -> None:
        """A window that shows nothing is no use."""
        self.cameras.setEnabled(not self.all.isChecked())
        if self._ok is not None:
            self._ok.setEnabled(self.all.isChecked() or bool(self._checked()))

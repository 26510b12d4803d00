"""The properties of one zone or line: name, colour, classes, direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QColor
from PyQt6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from surveil.gui.text import shortened, tr
from surveil.gui.zones.sketch import PALETTE, Drawing, Sketch, colour_in


class Properties(QWidget):
    """Shows a sketch and says what was changed.

    Signals:
        changed: fields of the sketch with their new values.
        reversed: the line is to go the other way.
    """

    changed = pyqtSignal(object)
    reversed = pyqtSignal()

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self._classes = tuple(classes)
        self._sketch: Sketch | None = None
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setSpacing(8)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.name = QLineEdit()
        self.name.setMaxLength(200)
        self.name.setAccessibleName(tr("Name"))
        self.name.textEdited.connect(self._rename)
        self.form.addRow(tr("Name"), self.name)
        self.form.addRow(tr("Colour"), self._colours())
        self.classes = QToolButton()
        self.classes.setProperty("role", "tool")
        self.classes.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.classes.setAccessibleName(tr("Classes that count"))
        self.classes.setSizePolicy(
            self.classes.sizePolicy().Policy.Expanding, self.classes.sizePolicy().Policy.Fixed
        )
        self.menu = QMenu(self.classes)
        self.classes.setMenu(self.menu)
        self.form.addRow(tr("Classes"), self.classes)
        self.form.addRow(tr("Counts"), self._directions())
        self.setEnabled(False)

    def _colours(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        self.swatches: dict[str, QToolButton] = {}
        for colour in (*PALETTE, ""):
            button = QToolButton()
            button.setFixedSize(20, 20)
            if colour:
                button.setCheckable(True)
                button.setAccessibleName(tr("Colour {code}", code=colour))
                button.setStyleSheet(
                    f"QToolButton {{ background: {colour}; border-radius: 5px; padding: 0; }}"
                    "QToolButton:checked { border: 2px solid palette(text); }"
                    "QToolButton:focus { border: 2px solid palette(highlight); }"
                )
                button.clicked.connect(partial(self._paint, colour))
                self.swatches[colour] = button
            else:
                button.setText("…")
                button.setAccessibleName(tr("Another colour"))
                button.setToolTip(tr("Another colour"))
                button.setStyleSheet("padding: 0;")
                button.clicked.connect(self._choose_colour)
                self.other = button
            row.addWidget(button)
        row.addStretch(1)
        return box

    def _directions(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.direction = QComboBox()
        self.direction.setAccessibleName(tr("Which crossings count"))
        for value, words in (
            ("both", tr("both ways")),
            ("to_left", tr("to the left")),
            ("to_right", tr("to the right")),
        ):
            self.direction.addItem(words, value)
        self.direction.activated.connect(
            lambda _row: self.changed.emit({"direction": self.direction.currentData()})
        )
        self.reverse = QPushButton(tr("Reverse"))
        self.reverse.setToolTip(tr("The line goes the other way: left and right change places"))
        self.reverse.setStyleSheet("min-width: 40px; padding: 5px 8px;")
        self.reverse.clicked.connect(lambda: self.reversed.emit())
        row.addWidget(self.direction, 1)
        row.addWidget(self.reverse)
        return box

    # ---- what is shown

    def show_sketch(self, sketch: Sketch | None, drawing: Drawing) -> None:
        """Show one, or none."""
        same = sketch is not None and self._sketch is not None and sketch.key == self._sketch.key
        if sketch == self._sketch and same:
            return
        self._sketch = sketch
        self.setEnabled(sketch is not None)
        name = "" if sketch is None else sketch.name
        if self.name.text() != name:
            self.name.setText(name)
        if sketch is not None:
            self.name.setPlaceholderText(tr("optional") if sketch.is_mask else tr("needed"))
        named = sketch is not None and not sketch.is_mask
        for row, shown in ((1, named), (2, named), (3, named and sketch is not None and not sketch.closed)):
            self.form.setRowVisible(row, shown)
        if sketch is None or sketch.is_mask:
            return
        shade = colour_in(drawing, sketch)
        for colour, button in self.swatches.items():
            button.setChecked(colour == shade)
        self.direction.setCurrentIndex(max(0, self.direction.findData(sketch.direction)))
        self.classes.setText(shortened(", ".join(sketch.classes), 26) or tr("all"))
        self._fill_menu(sketch)

    def _fill_menu(self, sketch: Sketch) -> None:
        names = (*self._classes, *(name for name in sketch.classes if name not in self._classes))
        self.menu.clear()
        every = QAction(tr("all"), self.menu)
        every.setCheckable(True)
        every.setChecked(not sketch.classes)
        every.triggered.connect(lambda: self.changed.emit({"classes": ()}))
        self.menu.addAction(every)
        self.menu.addSeparator()
        for name in names:
            action = QAction(shortened(name, 40).replace("&", "&&"), self.menu)
            action.setCheckable(True)
            action.setChecked(name in sketch.classes)
            action.triggered.connect(partial(self._toggle, name))
            self.menu.addAction(action)

    # ---- what is done

    def _rename(self, text: str) -> None:
        self.changed.emit({"name": " ".join(text.split()) if not text.endswith(" ") else text.lstrip()})

    def _toggle(self, name: str, on: bool) -> None:
        if self._sketch is not None:
            kept = [one for one in self._sketch.classes if one != name]
            self.changed.emit({"classes": (*kept, name) if on else tuple(kept)})

    def _paint(self, colour: str, _checked: bool = False) -> None:
        self.changed.emit({"colour": colour})

    def _choose_colour(self) -> None:
        dialog = QColorDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._sketch is not None and self._sketch.colour:
            dialog.setCurrentColor(QColor(self._sketch.colour))
        dialog.colorSelected.connect(lambda chosen: self._paint(chosen.name()))
        dialog.open()

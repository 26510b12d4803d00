"""One model as a card: what it is, how fast it is here, and two buttons."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from surveil.app.options import ModelOptions
from surveil.gui.models.shelf import Shelved, facts
from surveil.gui.text import shortened, tr
from surveil.gui.words import sentences
from surveil.redact import redact


class ModelCardWidget(QFrame):
    """Shows a model.

    Signals:
        chosen: detect with it.
        measured: measure it, or end that.
    """

    chosen = pyqtSignal(str)
    measured = pyqtSignal(str)

    def __init__(self, model: Shelved, options: ModelOptions) -> None:
        super().__init__()
        self.model = model
        self.setProperty("role", "card")
        self.setAccessibleName(model.name)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(14)
        column = QVBoxLayout()
        column.setSpacing(3)
        head = QHBoxLayout()
        name = _plain(shortened(model.name, 70), "heading")
        self.mark = _plain(tr("in use"), "good")
        self.mark.setVisible(model.used)
        head.addWidget(name)
        head.addWidget(self.mark)
        head.addStretch(1)
        column.addLayout(head)
        for line in facts(model, options):
            column.addWidget(_plain(line, "faint"))
        self.speed, self.problem = _plain("", "faint"), _plain("", "alarm")
        column.addWidget(self.speed)
        column.addWidget(self.problem)
        row.addLayout(column, 1)
        self.use, self.measure = QPushButton(tr("Use")), QPushButton(tr("Measure"))
        self.use.setAccessibleName(tr("Detect with {name}", name=model.name))
        self.measure.setAccessibleName(tr("Measure the speed of {name}", name=model.name))
        buttons = QVBoxLayout()
        buttons.setSpacing(6)
        for button in (self.use, self.measure):
            button.setAutoDefault(False)
            button.setMinimumWidth(104)
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.use.clicked.connect(lambda: self.chosen.emit(model.name))
        self.measure.clicked.connect(lambda: self.measured.emit(model.name))
        row.addLayout(buttons)

    def show_state(self, *, speed: str, busy: str, measuring: str, gone: bool) -> None:
        """Show how things are.

        Args:
            speed: what was measured, in words.
            busy: the model that is being loaded; empty: none.
            measuring: the model that is being measured; empty: none.
            gone: whether its file is there no more.
        """
        model = self.model
        here = measuring == model.name
        self.speed.setText(tr("Measuring…") if here else speed or tr("Not measured on this machine yet."))
        self.speed.setVisible(model.card is not None)
        self.measure.setText(tr("Cancel") if here else tr("Measure"))
        usable = model.card is not None and not gone
        self.measure.setEnabled(here or (usable and not measuring))
        self.use.setText(tr("Loading…") if busy == model.name else tr("Use"))
        self.use.setEnabled(usable and not busy and not model.used)
        problem = sentences(redact(model.problem)) if model.problem else ""
        if gone and model.used:
            problem = tr(
                "Its file is gone: {path}. It goes on from memory until surveil ends.", path=model.path
            )
        elif gone:
            problem = tr("Its file is gone: {path}.", path=model.path)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


def _plain(text: str, role: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(role != "heading")
    label.setProperty("role", role)
    label.setText(text)
    return label

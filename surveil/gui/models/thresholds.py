"""Three sliders, and what would pass them of what is found now."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout

from surveil.gui.models.cuts import CUTS, CutName, Cuts, Present, cut_in_words
from surveil.gui.models.strip import ScoreStrip, cut_colours
from surveil.gui.text import tr
from surveil.gui.theme import Colours

SCALE = 100


class ThresholdsWidget(QFrame):
    """Shows cuts and says how they were moved.

    Signals:
        moved: the cuts as they are now; many a second while one drags.
        kept: keep them in the file.
        back: let the card's hold again.
    """

    moved = pyqtSignal(object)
    kept = pyqtSignal()
    back = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._cuts: Cuts | None = None
        self._floor = 0.0
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        self.title = _plain(tr("Thresholds"), "heading")
        column.addWidget(self.title)
        self.strip = ScoreStrip()
        column.addWidget(self.strip)
        column.addLayout(self._sliders())
        row = QHBoxLayout()
        self.words = _plain("", "faint")
        self.words.setWordWrap(True)
        self.reset, self.keep = QPushButton(tr("As the card says")), QPushButton(tr("Keep"))
        for button in (self.reset, self.keep):
            button.setAutoDefault(False)
        self.reset.clicked.connect(lambda: self.back.emit())
        self.keep.clicked.connect(lambda: self.kept.emit())
        row.addWidget(self.words, 1)
        row.addWidget(self.reset)
        row.addWidget(self.keep)
        column.addLayout(row)

    def _sliders(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self.sliders: dict[CutName, QSlider] = {}
        self.values: dict[CutName, QLabel] = {}
        self.counts: dict[CutName, QLabel] = {}
        self._marks: dict[CutName, QLabel] = {}
        for number, name in enumerate(CUTS):
            title, what = cut_in_words(name)
            slider = self.sliders[name] = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(0, SCALE)
            slider.setPageStep(5)
            slider.setAccessibleName(title)
            slider.setAccessibleDescription(what)
            slider.setToolTip(what)
            slider.valueChanged.connect(partial(self._move, name))
            self._marks[name], self.values[name] = _plain(title), _plain("")
            self.counts[name] = _plain("", "faint")
            self.values[name].setMinimumWidth(34)
            self.counts[name].setMinimumWidth(120)
            widgets = (self._marks[name], slider, self.values[name], self.counts[name])
            for place, widget in enumerate(widgets):
                grid.addWidget(widget, number, place)
        return grid

    def dress(self, colours: Colours) -> None:
        """Use these colours."""
        self.strip.dress(colours)
        for name, colour in zip(CUTS, cut_colours(colours), strict=True):
            self._marks[name].setStyleSheet(f"border-left: 4px solid {colour}; padding-left: 8px;")

    # ---- what is shown

    def show_cuts(self, cuts: Cuts | None, floor: float) -> None:
        """Show these; None: they are not known yet."""
        self._cuts, self._floor = cuts, floor
        self.setEnabled(cuts is not None)
        if cuts is None:
            return
        for name, slider in self.sliders.items():
            slider.blockSignals(True)
            slider.setMinimum(round(floor * SCALE))
            slider.setValue(round(getattr(cuts, name) * SCALE))
            slider.blockSignals(False)
            self.values[name].setText(f"{getattr(cuts, name):.2f}")

    def show_present(self, present: Present) -> None:
        """Show what is found now, and how much of it passes."""
        scores = present.scores
        self.strip.show_scores(scores, self._cuts, self._floor)
        if self._cuts is None:
            return
        for name, count in present.passing(self._cuts).items():
            self.counts[name].setText(tr("{count} of {all} pass", count=count, all=len(scores)))

    def say(self, text: str, *, changed: bool, own: bool) -> None:
        """Say how things are.

        Args:
            text: in words.
            changed: whether there is something to keep.
            own: whether the cuts are the card's.
        """
        self.words.setText(text)
        self.keep.setEnabled(changed)
        self.reset.setEnabled(not own)

    def _move(self, name: CutName, value: int) -> None:
        if self._cuts is not None:
            self.show_cuts(self._cuts.moved(name, value / SCALE, self._floor), self._floor)
            self.moved.emit(self._cuts)


def _plain(text: str, role: str = "") -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    if role:
        label.setProperty("role", role)
    return label

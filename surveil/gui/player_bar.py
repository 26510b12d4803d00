"""The bar below the tiles while a recording is selected: buttons, time, speed, and the way through it."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from surveil.gui.player import Player
from surveil.gui.text import tr
from surveil.gui.theme import DARK, Colours
from surveil.gui.words import clock_text

BUTTONS = (  # (name of the command, icon)
    ("jump_back", "back"),
    ("frame_back", "previous"),
    ("play", "play"),
    ("frame_on", "next"),
    ("jump_on", "on"),
)


class SeekBar(QWidget):
    """The recording from left to right; the mouse chooses a place, the hill says how many objects there were.

    Signals:
        sought: a place in 0-1.
    """

    sought = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Place in the recording"))
        self.colours = DARK
        self._place = 0.0
        self._hill = np.zeros(0)

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(300, 34)

    def show_place(self, place: float, hill: np.ndarray) -> None:
        """Show a place (0-1) and mean counts of objects over the length; NaN: not looked at."""
        self._place, self._hill = min(1.0, max(0.0, place)), hill
        self.setAccessibleDescription(f"{self._place:.0%}")
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """See Qt."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, base = float(self.width()), self.height() - 7.0
        self._paint_hill(painter, width, base)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.line))
        painter.drawRoundedRect(QRectF(0, base, width, 4), 2, 2)
        painter.setBrush(QColor(self.colours.accent))
        painter.drawRoundedRect(QRectF(0, base, width * self._place, 4), 2, 2)
        painter.drawEllipse(QPointF(min(width - 6, max(6.0, width * self._place)), base + 2), 6, 6)
        painter.end()

    def _paint_hill(self, painter: QPainter, width: float, base: float) -> None:
        looked = np.flatnonzero(~np.isnan(self._hill))
        if not looked.size:
            return
        highest = max(1.0, float(np.nanmax(self._hill)))
        step = width / len(self._hill)
        colour = QColor(self.colours.accent)
        colour.setAlpha(90)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for run in np.split(looked, np.flatnonzero(np.diff(looked) > 1) + 1):
            points = [QPointF(run[0] * step, base)]
            points += [
                QPointF((n + 0.5) * step, base - self._hill[n] / highest * (base - 3)) for n in run.tolist()
            ]
            points.append(QPointF((run[-1] + 1) * step, base))
            painter.drawPolygon(QPolygonF(points))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """See Qt."""
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def _seek(self, x: float) -> None:
        self.sought.emit(min(1.0, max(0.0, x / max(1, self.width()))))


class PlayerBar(QWidget):
    """Shows one `Player`, and passes on what is clicked.

    Signals:
        commanded: the name of a command of the table.
    """

    commanded = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._player: Player | None = None
        self._icons: dict[str, QIcon] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 14, 6)
        row.setSpacing(3)
        self.buttons: dict[str, QToolButton] = {}
        for name, _ in BUTTONS:
            button = QToolButton()
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _checked=False, name=name: self.commanded.emit(name))
            row.addWidget(button)
            self.buttons[name] = button
        row.addSpacing(8)
        self.time = _label()
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance("0:00:00 / 0:00:00 "))
        row.addWidget(self.time)
        self.seek_bar = SeekBar()
        self.seek_bar.sought.connect(self._seek)
        row.addWidget(self.seek_bar, 1)
        row.addSpacing(8)
        self.speed = QToolButton()
        self.speed.setToolTip(tr("Speed ([ slower, ] faster); a click goes back to 1×"))
        self.speed.clicked.connect(self._own_speed)
        row.addWidget(self.speed)

    def dress(self, icons: dict[str, QIcon], colours: Colours) -> None:
        """Use these icons and colours."""
        self._icons, self.seek_bar.colours = icons, colours
        for name, stroke in BUTTONS:
            self.buttons[name].setIcon(icons[stroke])

    def describe(self, texts: dict[str, str]) -> None:
        """What the buttons do, by command."""
        for name, button in self.buttons.items():
            button.setToolTip(texts[name])
            button.setAccessibleName(texts[name])

    def show_player(self, player: Player | None) -> None:
        """Show how a recording plays; None hides the bar."""
        self._player = player
        self.setVisible(player is not None)
        if player is None:
            return
        transport = player.transport
        self.buttons["play"].setIcon(self._icons.get("pause" if player.playing else "play", QIcon()))
        end_s = transport.duration_s
        self.time.setText(clock_text(player.place_s) + ("" if end_s is None else f" / {clock_text(end_s)}"))
        self.seek_bar.setEnabled(bool(end_s))
        self.seek_bar.show_place(player.place_s / end_s if end_s else 0.0, player.density())
        self.speed.setText(f"{transport.speed:g}×")

    def _seek(self, place: float) -> None:
        end_s = None if self._player is None else self._player.transport.duration_s
        if self._player is not None and end_s is not None and not math.isnan(place):
            self._player.seek(place * end_s)

    def _own_speed(self) -> None:
        if self._player is not None:
            self._player.hasten(1 / self._player.transport.speed)


def _label() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label

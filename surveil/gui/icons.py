"""Icons: strokes on a board of 24 x 24, drawn in the colour of the text beside them."""

from __future__ import annotations

from PyQt6.QtCore import QByteArray, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

SIDES = (20, 40)  # pixels: plain and high-density screens
STROKES = {
    "open": "M3 18V6h6l2 2h8v3 M3 18l3-7h16l-3 7z",
    "add": "M4 7h9v10H4z M13 11l6-3v8l-6-3 M18 3v4 M16 5h4",
    "demo": "M5 4v16l14-8z",
    "close": "M6 6l12 12 M18 6L6 18",
    "export": "M12 4v11 M8 11l4 4 4-4 M4 19h16",
    "snapshot": "M4 8h4l2-3h4l2 3h4v11H4z M12 10a3.5 3.5 0 1 0 0.01 0z",
    "layout": "M4 4h7v7H4z M13 4h7v7h-7z M4 13h7v7H4z M13 13h7v7h-7z",
    "overlay": "M4 8V4h4 M16 4h4v4 M20 16v4h-4 M8 20H4v-4 M9 9h6v6H9z",
    "full": "M4 9V4h5 M15 4h5v5 M20 15v5h-5 M9 20H4v-5",
    "play": "M7 5v14l12-7z",
    "pause": "M8 5v14 M16 5v14",
    "back": "M12 5L5 12l7 7 M19 5l-7 7 7 7",
    "on": "M12 5l7 7-7 7 M5 5l7 7-7 7",
    "previous": "M17 5l-9 7 9 7z M6 5v14",
    "next": "M7 5l9 7-9 7z M18 5v14",
    "edit": "M4 20l1-5L16 4l4 4L9 19z M14 6l4 4",
    "copy": "M8 8h12v12H8z M4 16V4h12",
    "remove": "M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13",
    "power": "M12 4v8 M7 7a7 7 0 1 0 10 0",
    "up": "M12 19V5 M6 11l6-6 6 6",
    "down": "M12 5v14 M6 13l6 6 6-6",
    "test": "M4 12h4l2-6 4 12 2-6h4",
    "zones": "M5 6l13-2 2 12-9 4-7-6z M5 6v.01 M18 4v.01 M20 16v.01 M11 20v.01",
    "undo": "M8 5L4 9l4 4 M4 9h10a5 5 0 0 1 0 10h-4",
    "redo": "M16 5l4 4-4 4 M20 9H10a5 5 0 0 0 0 10h4",
    "models": "M12 3l8 4.5v9L12 21l-8-4.5v-9z M12 12l8-4.5 M12 12v9 M12 12L4 7.5",
    "settings": "M4 7h9 M17 7h3 M15 5v4 M4 12h3 M11 12h9 M9 10v4 M4 17h9 M17 17h3 M15 15v4",
    "help": "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.1-1.5 2.4 M12 18v.5",
    "cameras": "M3 8h11v9H3z M14 11l6-3v9l-6-3",
    "webcam": "M12 4a6 6 0 1 0 .01 0z M12 8a2 2 0 1 0 .01 0z M8 20h8 M12 16v4",
    "network": "M12 4v6 M5 20v-5h14v5 M12 10v5 M9 4h6",
}
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="{path}" fill="none" '
    'stroke="{colour}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


def icon(name: str, colour: str, faint: str) -> QIcon:
    """An icon of `STROKES` in #rrggbb, and in `faint` where it is disabled."""
    made = QIcon()
    for side in SIDES:
        made.addPixmap(_pixmap(name, colour, side), QIcon.Mode.Normal)
        made.addPixmap(_pixmap(name, faint, side), QIcon.Mode.Disabled)
    return made


def app_icon() -> QIcon:
    """The application's own sign: a lens."""
    side = 128
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for inset, colour in ((4, "#1a1e23"), (18, "#4c9aff"), (38, "#0b1016"), (52, "#58cc7d")):
        painter.setBrush(QColor(colour))
        painter.drawEllipse(inset, inset, side - 2 * inset, side - 2 * inset)
    painter.end()
    return QIcon(pixmap)


def _pixmap(name: str, colour: str, side: int) -> QPixmap:
    svg = _SVG.format(path=STROKES[name], colour=colour)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    pixmap = QPixmap(QSize(side, side))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter)
    painter.end()
    return pixmap

"""Light, dark, or as the system has it: one set of colours each, one style sheet for both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from surveil.gui.memory import Theme

MARKS = Path(__file__).with_name("marks")
"""Arrows and ticks: Qt's style sheets take them from files alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Colours:
    """#rrggbb by purpose; `marks` names the files in `marks/` that are drawn in them."""

    marks: str
    ground: str
    panel: str
    raised: str
    hover: str
    line: str
    ink: str
    faint: str
    accent: str
    on_accent: str
    alarm: str
    good: str


DARK = Colours(
    marks="dark",
    ground="#121519",
    panel="#1a1e23",
    raised="#242a31",
    hover="#2e353e",
    line="#2b323a",
    ink="#e7ebef",
    faint="#98a3ae",
    accent="#4c9aff",
    on_accent="#0b1016",
    alarm="#ffb347",
    good="#58cc7d",
)
LIGHT = Colours(
    marks="light",
    ground="#eef1f4",
    panel="#ffffff",
    raised="#f3f5f8",
    hover="#e3e8ee",
    line="#d3dae1",
    ink="#1b2229",
    faint="#5a6672",
    accent="#1769d6",
    on_accent="#ffffff",
    alarm="#a85b00",
    good="#1c7f43",
)

SHEET = """
* {{ outline: 0; }}
QMainWindow, QDialog {{ background: {ground}; }}
QMainWindow::separator {{ background: {line}; width: 1px; height: 1px; }}
QToolBar {{ background: {panel}; border: 0; border-bottom: 1px solid {line}; padding: 4px 6px;
    spacing: 2px; }}
QToolBar::separator {{ background: {line}; width: 1px; margin: 4px 6px; }}
QToolButton {{ color: {ink}; background: transparent; border: 0; border-radius: 6px; padding: 5px 8px; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:focus {{ border: 1px solid {accent}; padding: 4px 7px; }}
QToolButton:checked {{ background: {raised}; color: {accent}; }}
QToolButton:disabled {{ color: {faint}; }}
QToolButton::menu-indicator {{ image: none; }}
QMenuBar {{ background: {panel}; color: {ink}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 5px; background: transparent; }}
QMenuBar::item:selected {{ background: {hover}; }}
QMenu {{ background: {panel}; color: {ink}; border: 1px solid {line}; padding: 5px; }}
QMenu::item {{ padding: 5px 26px 5px 22px; border-radius: 5px; }}
QMenu::item:selected {{ background: {hover}; }}
QMenu::item:disabled {{ color: {faint}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 5px 8px; }}
QStatusBar {{ background: {panel}; color: {faint}; border-top: 1px solid {line}; }}
QStatusBar::item {{ border: 0; }}
QStatusBar QLabel {{ color: {faint}; padding: 2px 6px; }}
QDockWidget {{ color: {ink}; }}
QDockWidget::title {{ background: {panel}; padding: 8px 10px; border-bottom: 1px solid {line}; }}
QDockWidget > QWidget {{ background: {panel}; }}
QLabel {{ color: {ink}; background: transparent; }}
QLabel[role="faint"] {{ color: {faint}; }}
QLabel[role="alarm"] {{ color: {alarm}; }}
QLabel[role="good"] {{ color: {good}; }}
QLabel[role="title"] {{ font-size: 30px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: 15px; font-weight: 600; }}
QPushButton {{ color: {ink}; background: {raised}; border: 1px solid {line}; border-radius: 6px;
    padding: 6px 14px; min-width: 58px; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {faint}; background: {panel}; }}
QPushButton:default {{ background: {accent}; color: {on_accent}; border-color: {accent}; }}
QPushButton:default:disabled {{ background: {raised}; color: {faint}; border-color: {line}; }}
QPushButton[role="door"] {{ text-align: left; padding: 14px 18px; border-radius: 10px; background: {panel};
    min-width: 460px; max-width: 460px; }}
QPushButton[role="door"]:hover {{ background: {hover}; border-color: {accent}; }}
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{ color: {ink}; background: {ground};
    border: 1px solid {line}; border-radius: 6px; padding: 5px 8px; selection-background-color: {accent};
    selection-color: {on_accent}; }}
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QPlainTextEdit:focus {{
    border-color: {accent}; }}
QComboBox::drop-down {{ border: 0; width: 24px; }}
QComboBox::down-arrow {{ image: url("{folder}/down-{marks}.svg"); width: 12px; height: 12px; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    border: 0; width: 20px; background: transparent; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{folder}/up-{marks}.svg"); width: 10px;
    height: 10px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{folder}/down-{marks}.svg"); width: 10px;
    height: 10px; }}
QComboBox QAbstractItemView {{ background: {panel}; color: {ink}; border: 1px solid {line};
    selection-background-color: {hover}; selection-color: {ink}; }}
QListView, QTreeView, QTableView {{ background: {panel}; color: {ink}; border: 0;
    alternate-background-color: {raised}; }}
QListView::item {{ border-radius: 6px; padding: 2px; }}
QListView::item:hover, QTreeView::item:hover, QTableView::item:hover {{ background: {raised}; }}
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected {{ background: {hover};
    color: {ink}; }}
QHeaderView::section {{ background: {panel}; color: {faint}; border: 0; border-bottom: 1px solid {line};
    padding: 5px 8px; }}
QCheckBox {{ color: {ink}; spacing: 8px; }}
QCheckBox::indicator, QListView::indicator {{ width: 14px; height: 14px; border: 1px solid {faint};
    border-radius: 4px; background: {ground}; }}
QCheckBox::indicator:checked, QListView::indicator:checked {{ background: {accent};
    border: 1px solid {accent}; image: url("{folder}/check-{marks}.svg"); }}
QCheckBox::indicator:disabled, QListView::indicator:disabled {{ border-color: {line}; }}
QProgressBar {{ background: {raised}; border: 0; border-radius: 4px; height: 8px; color: transparent; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 4px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {hover}; border-radius: 5px; min-height: 30px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {hover}; border-radius: 5px; min-width: 30px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QToolTip {{ background: {raised}; color: {ink}; border: 1px solid {line}; padding: 4px 6px; }}
QFrame[role="toast"] {{ background: {raised}; border: 1px solid {line}; border-left: 4px solid {accent};
    border-radius: 8px; }}
QFrame[role="toast"][level="error"] {{ border-left-color: {alarm}; }}
QFrame[role="card"] {{ background: {panel}; border: 1px solid {line}; border-radius: 10px; }}
QWidget[role="bar"] {{ background: {panel}; border-top: 1px solid {line}; }}
QGroupBox {{ color: {faint}; border: 0; margin-top: 18px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; }}
QTabBar::tab {{ background: {panel}; color: {faint}; padding: 7px 12px; border: 0; }}
QTabBar::tab:selected {{ color: {ink}; border-bottom: 2px solid {accent}; }}
"""


def colours(app: QApplication, theme: Theme) -> Colours:
    """The colours of a theme; `system` asks the system."""
    if theme == "system":
        hints = app.styleHints()
        dark = hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if theme == "dark" else LIGHT


def apply_theme(app: QApplication, theme: Theme) -> Colours:
    """Dress every window of the application; the colours that were chosen."""
    chosen = colours(app, theme)
    app.setStyle("Fusion")
    app.setPalette(_palette(chosen))
    app.setStyleSheet(SHEET.format(folder=MARKS.as_posix(), **asdict(chosen)))
    return chosen


def _palette(chosen: Colours) -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in {
        roles.Window: chosen.ground,
        roles.WindowText: chosen.ink,
        roles.Base: chosen.panel,
        roles.AlternateBase: chosen.raised,
        roles.Text: chosen.ink,
        roles.PlaceholderText: chosen.faint,
        roles.Button: chosen.raised,
        roles.ButtonText: chosen.ink,
        roles.BrightText: chosen.alarm,
        roles.Highlight: chosen.accent,
        roles.HighlightedText: chosen.on_accent,
        roles.ToolTipBase: chosen.raised,
        roles.ToolTipText: chosen.ink,
        roles.Link: chosen.accent,
        roles.Mid: chosen.line,
    }.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(chosen.faint))
    return palette

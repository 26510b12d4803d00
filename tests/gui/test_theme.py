"""What the style sheet draws can be seen, in both themes."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QRect
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QApplication, QCheckBox, QComboBox, QSpinBox

from surveil.gui.theme import DARK, LIGHT, MARKS, apply_theme


@pytest.fixture(params=["dark", "light"])
def colours(request, qtbot):
    app = QApplication.instance()
    yield apply_theme(app, request.param)
    apply_theme(app, "dark")


def seen(widget, place: QRect, colour: str) -> int:
    """How many pixels of a part of a widget have about this colour."""
    image, wanted = widget.grab(place).toImage(), QColor(colour)
    return sum(
        max(abs(a - b) for a, b in zip(QColor(image.pixel(x, y)).getRgb(), wanted.getRgb(), strict=True)) < 60
        for x in range(image.width())
        for y in range(image.height())
    )


def shown(qtbot, widget):
    qtbot.addWidget(widget)
    widget.resize(160, 34)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_a_choice_has_an_arrow(qtbot, colours):
    choice = shown(qtbot, QComboBox())
    assert seen(choice, QRect(choice.width() - 24, 4, 20, choice.height() - 8), colours.faint) >= 8


def test_a_number_has_two_arrows(qtbot, colours):
    number = shown(qtbot, QSpinBox())
    right, middle = number.width() - 22, number.height() // 2
    assert seen(number, QRect(right, 2, 19, middle - 2), colours.faint) >= 4
    assert seen(number, QRect(right, middle, 19, middle - 2), colours.faint) >= 4


def test_a_box_that_is_ticked_has_a_tick(qtbot, colours):
    box = shown(qtbot, QCheckBox())
    place = QRect(3, box.height() // 2 - 5, 10, 10)  # inside of it
    assert seen(box, place, colours.accent) == 0
    box.click()
    assert seen(box, place, colours.accent) > 40
    assert seen(box, place, colours.on_accent) >= 6


def test_every_mark_is_there_for_every_theme():
    for theme in (DARK, LIGHT):
        assert {path.name for path in MARKS.glob(f"*-{theme.marks}.svg")} == {
            f"{name}-{theme.marks}.svg" for name in ("up", "down", "check")
        }

"""The language of the window: the system's, where somebody has made a catalogue for it; else English."""

from __future__ import annotations

import os
from collections.abc import Iterable
from gettext import find
from itertools import takewhile
from pathlib import Path

from PyQt6.QtCore import QLibraryInfo, QLocale, QTranslator
from PyQt6.QtWidgets import QApplication

from surveil.gui.text import DOMAIN, FOLDER


def speak_as_the_system(app: QApplication, folder: Path = FOLDER) -> QTranslator | None:
    """Choose surveil's catalogue, before any text was asked for, and Qt's own for the same language.

    The variable LANGUAGE, where it is set, comes before the system. Returns Qt's catalogue, if there is one.
    """
    os.environ.setdefault("LANGUAGE", ":".join(wanted(QLocale.system().uiLanguages())))
    catalogue = find(DOMAIN, folder)
    if catalogue is None:
        return None  # Qt's own words stay English, too: no window speaks two languages
    translator = QTranslator(app)
    place = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if not translator.load(f"qtbase_{Path(catalogue).parents[1].name}", place):
        return None
    app.installTranslator(translator)
    return translator


def wanted(languages: Iterable[str]) -> list[str]:
    """Languages as gettext names them, as far as the first that needs no catalogue.

    >>> wanted(["de-CH", "de", "en-US", "fr"]), wanted(["en-US", "de"])
    (['de_CH', 'de'], ['en'])
    """
    foreign = takewhile(lambda name: name.partition("-")[0] not in ("en", "C"), languages)
    return [name.replace("-", "_") for name in foreign] or ["en"]

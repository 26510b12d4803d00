"""The window in another language: a catalogue made here, and Qt's own."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QLibraryInfo
from PyQt6.QtWidgets import QApplication

from surveil.gui import language, text
from surveil.gui.language import speak_as_the_system


def write_catalogue(path: Path, messages: dict[str, str]) -> None:
    """A .mo file (GNU gettext manual, chapter 10.3)."""
    head = "Content-Type: text/plain; charset=UTF-8\n"
    pairs = sorted((key.encode(), value.encode()) for key, value in {"": head, **messages}.items())
    texts = [*(key for key, _ in pairs), *(value for _, value in pairs)]
    count = len(pairs)
    places, data = b"", b""
    for one in texts:
        places += struct.pack("<2I", len(one), 28 + 16 * count + len(data))
        data += one + b"\0"
    path.parent.mkdir(parents=True)
    path.write_bytes(struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0) + places + data)


@pytest.fixture
def german(tmp_path, monkeypatch):
    """A folder of catalogues with a German one; the system's language is set by the test."""
    words = {"Add camera…": "Kamera hinzufügen …", "{count} cameras": "{count} Kameras"}
    write_catalogue(tmp_path / "de" / "LC_MESSAGES" / "surveil.mo", words)
    monkeypatch.setattr(text, "FOLDER", tmp_path)
    monkeypatch.setattr(os, "environ", {key: value for key, value in os.environ.items() if key != "LANGUAGE"})
    text._catalogue.cache_clear()
    yield tmp_path
    text._catalogue.cache_clear()


def of_the_system(monkeypatch, *names: str) -> None:
    class System:
        @staticmethod
        def system():
            return System

        @staticmethod
        def uiLanguages():
            return list(names)

    monkeypatch.setattr(language, "QLocale", System)


def test_the_systems_language_is_spoken(german, monkeypatch, qapp):
    of_the_system(monkeypatch, "de-CH", "de", "en")
    translator = speak_as_the_system(qapp, german)
    try:
        assert text.tr("Add camera…") == "Kamera hinzufügen …"
        assert text.tr("{count} cameras", count=3) == "3 Kameras"
        assert text.tr("Next camera") == "Next camera"  # nobody has translated it yet
        place = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
        if (place / "qtbase_de.qm").is_file():  # a system's Qt may come without
            assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen"
    finally:
        if translator is not None:
            QApplication.removeTranslator(translator)


@pytest.mark.parametrize("names", [("en-GB", "de"), ("fr-FR", "fr"), ("C",), ()])
def test_english_where_it_is_wanted_or_nothing_else_is_there(german, monkeypatch, qapp, names):
    of_the_system(monkeypatch, *names)
    assert speak_as_the_system(qapp, german) is None
    assert text.tr("Add camera…") == "Add camera…"


def test_the_variable_comes_before_the_system(german, monkeypatch, qapp):
    of_the_system(monkeypatch, "en-US")
    os.environ["LANGUAGE"] = "de"
    translator = speak_as_the_system(qapp, german)
    if translator is not None:
        QApplication.removeTranslator(translator)
    assert text.tr("Add camera…") == "Kamera hinzufügen …"


def test_a_window_in_another_language(german, monkeypatch, new_window):
    of_the_system(monkeypatch, "de")
    os.environ["LANGUAGE"] = "de"
    window = new_window()
    assert window.actions_.by_name["add"].text() == "Kamera hinzufügen …"

"""What people read in the window can be translated: it passes `tr` as a literal, which a tool collects."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "surveil" / "gui").rglob("*.py"))
CALLS = {
    *(
        "QAction",
        "QCheckBox",
        "QDockWidget",
        "QGroupBox",
        "QLabel",
        "QListWidgetItem",
        "QMenu",
        "QPushButton",
    ),
    *("QRadioButton", "QTableWidgetItem", "QToolBar", "QToolButton", "QTreeWidgetItem"),
    *(
        "addAction",
        "addButton",
        "addItem",
        "addItems",
        "addMenu",
        "addRow",
        "addTab",
        "setAccessibleDescription",
    ),
    *(
        "setAccessibleName",
        "setHeaderLabels",
        "setHorizontalHeaderLabels",
        "setIconText",
        "setInformativeText",
    ),
    *(
        "setLabelText",
        "setPlaceholderText",
        "setPlainText",
        "setPrefix",
        "setSpecialValueText",
        "setStatusTip",
    ),
    *("setSuffix", "setText", "setTitle", "setToolTip", "setWhatsThis", "setWindowTitle", "showMessage"),
    *(
        "drawText",
        "note",
        "error",
        "_say",
        "getOpenFileName",
        "getOpenFileNames",
        "getSaveFileName",
        "getText",
    ),
}
"""Functions and classes that show the words which they are given."""
FIRST_ALONE = {"addItem", "_say"}
"""The others of their arguments are data, and names of roles."""
KEYWORDS = {"text", "short", "title", "message", "detail", "words", "heading", "label"}
"""Arguments that are shown, whoever takes them."""
NAMES = {"surveil", "UDP", "YAML"}
"""The same in every language."""
WORD = re.compile(r"[^\W\d_]{2,}")


@cache
def calls(path: Path) -> tuple[ast.Call, ...]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def literals(node: ast.expr) -> Iterator[str]:
    """The words that stand in an argument; what other calls make of theirs is their affair."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.Call() | ast.Lambda() | ast.Dict() | ast.Subscript() | ast.Compare():
            return
        case ast.FormattedValue():
            yield from literals(node.value)
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from literals(child)


def shown(call: ast.Call) -> Iterator[str]:
    name = name_of(call)
    if name in CALLS and not ast.unparse(call.func).startswith("log."):
        for argument in call.args[:1] if name in FIRST_ALONE else call.args:
            yield from literals(argument)
    for keyword in call.keywords:
        if keyword.arg in KEYWORDS:
            yield from literals(keyword.value)


def is_a_sentence(text: str) -> bool:
    return any(word not in NAMES for word in WORD.findall(text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "surveil/gui").as_posix())
def test_no_word_is_shown_that_cannot_be_translated(path: Path) -> None:
    found = [
        f"{path.name}:{call.lineno}: {text!r}"
        for call in calls(path)
        for text in shown(call)
        if is_a_sentence(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "surveil/gui").as_posix())
def test_what_is_translated_can_be_collected_and_filled_in(path: Path) -> None:
    for call in calls(path):
        if name_of(call) != "tr":
            continue
        where, text = f"{path.name}:{call.lineno}", call.args[0]
        assert isinstance(text, ast.Constant), f"{where}: a tool collects literals alone"
        places = {place for _, place, _, _ in string.Formatter().parse(str(text.value)) if place is not None}
        given = {keyword.arg for keyword in call.keywords}
        assert None in given or places == given, f"{where}: {places} in the text, {given} beside it"


def test_the_check_sees_what_it_should() -> None:
    code = (
        "x.setText(f'{n} cameras'); x.setText(tr('a b')); QLabel('Hello' if y else ''); TileView(title='Off')"
    )
    found = [text for call in ast.walk(ast.parse(code)) if isinstance(call, ast.Call) for text in shown(call)]
    assert [text.strip() for text in found if is_a_sentence(text)] == ["cameras", "Hello", "Off"]

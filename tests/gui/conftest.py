"""Qt without a screen; a Qt warning fails the test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 cannot be loaded here", exc_type=ImportError)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def no_qt_warning(qtlog: object) -> Iterator[None]:
    yield
    warnings = [r.message for r in qtlog.records if r.type_name in ("QtWarningMsg", "QtCriticalMsg")]  # type: ignore[attr-defined]
    # The offscreen platform says this of every window; no code of ours can change it.
    warnings = [w for w in warnings if "does not support" not in w]
    assert not warnings

from __future__ import annotations

import pytest

from surveil.detect.layouts.table import LAYOUTS, open_layout
from surveil.errors import ModelError


def test_knows_the_three_layouts() -> None:
    assert list(LAYOUTS) == ["surveil", "nanodet", "picodet"]


def test_an_unknown_one_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ModelError, match=r"unknown output layout 'nanodet2': did you mean 'nanodet'\? known: surveil,"
    ):
        open_layout("nanodet2", {}, (64, 64), 2)

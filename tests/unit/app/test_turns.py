"""Short turns of Python's threads."""

from __future__ import annotations

import sys

import pytest

from surveil.app.turns import SWITCH_S, take_short_turns


@pytest.fixture(autouse=True)
def as_before():
    """The interpreter goes on as it was."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_turns_are_shorter_than_pythons_own() -> None:
    sys.setswitchinterval(0.005)
    take_short_turns()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert SWITCH_S < 0.005

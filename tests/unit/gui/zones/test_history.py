from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveil.gui.zones.history import MOST, History


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 40))
def test_undo_and_redo_give_back_every_value(values, back):
    history = History(0)
    seen = [0]
    for value in values:
        history.do(value)
        if value != seen[-1]:
            seen.append(value)
    for step in range(back):
        assert history.undo() == seen[max(0, len(seen) - 2 - step)]
    for _ in range(back):
        history.redo()
    assert history.now == seen[-1]
    assert not history.can_redo


def test_something_new_forgets_what_was_undone():
    history = History("a")
    history.do("b")
    history.undo()
    history.do("c")
    assert not history.can_redo
    assert history.undo() == "a"


def test_the_oldest_steps_are_forgotten():
    history = History(0)
    for value in range(1, 2 * MOST):
        history.do(value)
    while history.can_undo:
        history.undo()
    assert history.now == MOST - 1

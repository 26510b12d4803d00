from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.gui.zones.editor import Editor
from surveil.gui.zones.sketch import Sketch

REACH = (0.01, 0.02)
SQUARE = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))


@pytest.fixture
def editor():
    return Editor((Sketch(key=0, kind="zone", points=SQUARE, name="Yard"),))


def drag(editor, start, end):
    took = editor.press(start, REACH)
    editor.move(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    editor.move(end)
    editor.release(end)
    return took


def click(editor, *places):
    for place in places:
        editor.press(place, REACH)
        editor.release(place)


# ---- drawing


def test_a_polygon_is_closed_by_its_first_corner():
    editor = Editor(())
    editor.begin("zone")
    click(editor, (0.1, 0.1), (0.5, 0.1), (0.5, 0.5), (0.105, 0.105))
    (made,) = editor.drawing
    assert made.points == ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5))
    assert (made.name, made.kind, editor.tool, editor.selected) == ("Zone 1", "zone", None, made.key)
    assert not editor.faults


def test_a_double_click_ends_a_polygon_without_a_corner_too_many():
    editor = Editor(())
    editor.begin("privacy")
    click(editor, (0.1, 0.1), (0.5, 0.1), (0.5, 0.5))
    editor.double((0.5, 0.5), REACH)
    assert len(editor.drawing[0].points) == 3
    assert editor.drawing[0].name == ""


def test_a_zone_of_two_points_is_refused_in_words_and_can_be_gone_on_with():
    editor = Editor(())
    editor.begin("zone")
    click(editor, (0.1, 0.1), (0.5, 0.1))
    editor.finish()
    assert editor.notice == "An area has at least 3 corners, this one has 2."
    assert editor.drawing == ()
    click(editor, (0.5, 0.5))
    editor.finish()
    assert len(editor.drawing) == 1


def test_a_line_ends_with_its_second_point():
    editor = Editor(())
    editor.begin("line")
    click(editor, (0.1, 0.1), (0.9, 0.1))
    assert editor.drawing[0].points == ((0.1, 0.1), (0.9, 0.1))


def test_a_line_is_drawn_by_dragging_too():
    editor = Editor(())
    editor.begin("line")
    drag(editor, (0.1, 0.1), (0.9, 0.5))
    assert editor.drawing[0].points == ((0.1, 0.1), (0.9, 0.5))


def test_undo_takes_the_last_corner_of_what_is_being_drawn():
    editor = Editor(())
    editor.begin("zone")
    click(editor, (0.1, 0.1), (0.5, 0.1))
    editor.undo()
    assert editor.draft == ((0.1, 0.1),)
    assert not editor.can_redo
    editor.cancel()
    assert (editor.tool, editor.draft, editor.drawing) == (None, (), ())


def test_what_crosses_itself_is_said_with_the_place():
    editor = Editor(())
    editor.begin("zone")
    click(editor, (0.1, 0.1), (0.5, 0.5), (0.5, 0.1), (0.1, 0.5))
    editor.finish()
    (words,) = editor.faults.values()
    assert "crosses or touches itself at (0.3, 0.3)" in words


# ---- changing


def test_a_corner_is_dragged(editor):
    assert drag(editor, (0.2, 0.2), (0.1, 0.05))
    assert editor.drawing[0].points == ((0.1, 0.05), *SQUARE[1:])
    assert editor.corner == 0


def test_a_corner_stays_in_the_picture(editor):
    drag(editor, (0.2, 0.2), (-3.0, 7.0))
    assert editor.drawing[0].points[0] == (0.0, 1.0)


def test_a_side_is_dragged_out_by_its_middle_once_it_is_selected(editor):
    drag(editor, (0.4, 0.2), (0.4, 0.1))  # not selected yet: the side carries the whole
    assert editor.drawing[0].points[0] == (0.2, 0.1)
    drag(editor, (0.4, 0.1), (0.4, 0.02))
    assert editor.drawing[0].points[:3] == ((0.2, 0.1), (0.4, 0.02), (0.6, 0.1))


def test_a_click_on_the_middle_of_a_side_changes_nothing(editor):
    editor.select(0)
    click(editor, (0.4, 0.2))
    assert editor.drawing[0].points == SQUARE
    assert editor.corner is None
    assert not editor.can_undo


def test_a_double_click_on_a_side_makes_a_corner(editor):
    editor.double((0.5, 0.2), REACH)
    assert editor.drawing[0].points == (SQUARE[0], (0.5, 0.2), *SQUARE[1:])
    assert (editor.selected, editor.corner) == (0, 1)


def test_the_last_side_gets_its_corner_at_the_end(editor):
    editor.double((0.2, 0.3), REACH)
    assert editor.drawing[0].points == (*SQUARE, (0.2, 0.3))


def test_the_body_carries_the_whole_as_far_as_the_picture_goes(editor):
    drag(editor, (0.4, 0.4), (5.0, 0.4))
    assert editor.drawing[0].points == ((0.6, 0.2), (1.0, 0.2), (1.0, 0.6), (0.6, 0.6))


def test_a_hand_that_trembles_moves_nothing(editor):
    drag(editor, (0.4, 0.4), (0.403, 0.404))
    assert editor.drawing[0].points == SQUARE
    assert not editor.can_undo


def test_delete_takes_the_corner_then_the_sketch(editor):
    click(editor, (0.2, 0.2))
    editor.delete()
    assert editor.drawing[0].points == SQUARE[1:]
    click(editor, (0.6, 0.2))
    editor.delete()
    assert "needs these corners" in editor.notice
    editor.delete()
    assert editor.drawing == ()


def test_escape_gives_up_a_drag(editor):
    editor.press((0.2, 0.2), REACH)
    editor.move((0.5, 0.5))
    assert editor.drawing[0].points != SQUARE
    assert editor.cancel()
    editor.release((0.5, 0.5))
    assert editor.drawing[0].points == SQUARE


def test_the_small_zone_in_the_large_one_is_taken_hold_of(editor):
    small = Sketch(key=7, kind="zone", points=((0.3, 0.3), (0.4, 0.3), (0.4, 0.4)), name="Door")
    editor = Editor((small, *editor.drawing))
    click(editor, (0.38, 0.33))
    assert editor.selected == 7


def test_beside_everything_nothing_is_taken_hold_of(editor):
    editor.select(0)
    assert not editor.press((0.9, 0.9), REACH)
    assert editor.selected is None
    assert not editor.cancel()


def test_a_line_is_reversed():
    editor = Editor((Sketch(key=0, kind="line", points=((0.1, 0.1), (0.9, 0.1)), name="Gate"),))
    editor.select(0)
    editor.reverse()
    editor.change(direction="to_left", classes=("person",))
    assert editor.sketch is not None
    assert editor.sketch.points == ((0.9, 0.1), (0.1, 0.1))
    assert editor.sketch.direction == "to_left"


def test_keys_walk_along_the_corners_and_move_them(editor):
    editor.select(0)
    editor.step_corner(1)
    editor.step_corner(1)
    editor.nudge((0.1, 0.0))
    assert editor.drawing[0].points[1] == (0.7, 0.2)
    editor.step_corner(-1)
    assert editor.corner == 0


# ---- whatever one does

places = st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2))
deeds = st.one_of(
    st.tuples(st.just("press"), places),
    st.tuples(st.just("move"), places),
    st.tuples(st.just("release"), places),
    st.tuples(st.just("double"), places),
    st.tuples(st.just("begin"), st.sampled_from(["zone", "line", "privacy", "detection"])),
    st.tuples(st.sampled_from(["finish", "cancel", "delete", "undo", "redo", "reverse"])),
    st.tuples(st.just("select"), st.integers(0, 5)),
    st.tuples(st.just("nudge"), places),
    st.tuples(st.just("step_corner"), st.sampled_from([-1, 1])),
)


def do(editor, deed):
    name, *values = deed
    if name in ("press", "double"):
        values.append(REACH)
    getattr(editor, name)(*values)


@given(st.lists(deeds, max_size=60))
def test_undo_restores_exactly_whatever_was_done(done):
    first = (
        Sketch(key=0, kind="zone", points=SQUARE, name="Yard"),
        Sketch(key=1, kind="line", points=((0.05, 0.9), (0.95, 0.9)), name="Gate"),
    )
    editor = Editor(first)
    for deed in done:
        do(editor, deed)
    editor.cancel()
    last = editor.drawing
    for sketch in last:
        assert all(0 <= value <= 1 for point in sketch.points for value in point)
        assert len(sketch.points) >= sketch.least
    assert len({sketch.key for sketch in last}) == len(last)
    editor.begin(None)
    while editor.can_redo:  # what was undone just now
        editor.redo()
    steps = []
    while editor.can_undo:
        editor.undo()
        steps.append(editor.drawing)
    redone = []
    while editor.can_redo:
        redone.append(editor.drawing)
        editor.redo()
    assert redone == steps[::-1]


@given(st.lists(deeds, max_size=60))
def test_what_nobody_redoes_can_be_undone_to_the_beginning(done):
    first = (Sketch(key=0, kind="zone", points=SQUARE, name="Yard"),)
    editor = Editor(first)
    for deed in done:
        do(editor, deed)
    while editor.can_undo:
        editor.undo()
    assert editor.drawing == first

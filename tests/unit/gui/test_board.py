from __future__ import annotations

from surveil.gui.board import Board

SIZE = (1600, 900)


def board(*ids: str, layout: str = "auto") -> Board:
    made = Board()
    made.use(ids)
    made.arrange(layout)
    return made


def seen_while_going_on(of: Board, steps: int) -> list[list[str]]:
    seen = []
    for _ in range(steps):
        of.advance(SIZE)
        seen.append(list(of.visible(SIZE)))
    return seen


def test_the_carousel_turns_the_pages_round_and_round() -> None:
    pages = seen_while_going_on(board("a", "b", "c", layout="2x1"), 3)
    assert pages == [["c"], ["a", "b"], ["c"]]


def test_where_one_page_holds_all_it_shows_each_camera_alone() -> None:
    assert seen_while_going_on(board("a", "b", "c"), 4) == [["a"], ["b"], ["c"], ["a"]]


def test_a_full_tile_goes_on_to_the_next_camera() -> None:
    wall = board("a", "b", "c", layout="1")
    wall.toggle_full("b")
    assert seen_while_going_on(wall, 2) == [["c"], ["a"]]


def test_nothing_to_go_on_to() -> None:
    assert seen_while_going_on(board(), 1) == [[]]
    assert seen_while_going_on(board("a"), 2) == [["a"], ["a"]]

from __future__ import annotations

import json

import pytest

from surveil.gui.monitors.plan import MOST, Plan, placed, read_plans

FULL_HD, BESIDE = (0, 0, 1920, 1080), (1920, 0, 2560, 1440)


def test_all_cameras_as_they_come_and_go_and_the_chosen_first() -> None:
    assert Plan().of(("a", "b")) == ("a", "b")
    assert Plan(cameras=("b", "gone")).of(("a", "b", "c")) == ("b", "a", "c")


def test_chosen_cameras_in_their_order() -> None:
    plan = Plan(everything=False, cameras=("c", "a", "gone"))
    assert plan.of(("a", "b", "c")) == ("c", "a")


def test_a_plan_comes_back_from_the_file() -> None:
    plans = (Plan(everything=False, cameras=("a", "b"), layout="5x2", carousel_s=20, geometry="AAA="), Plan())
    assert read_plans(json.loads(json.dumps([plan.to_json() for plan in plans]))) == plans


@pytest.mark.parametrize("data", [None, 7, "x", {}, [None, 3, "x"], [[]]])
def test_what_is_no_list_of_windows_opens_none(data: object) -> None:
    assert read_plans(data) == ()


def test_nonsense_in_a_window_becomes_what_holds_by_default() -> None:
    row = {"cameras": [1, None, "a", "a"], "layout": "9x9", "carousel_s": 5.5, "geometry": [], "more": 1}
    assert read_plans([row]) == (Plan(cameras=("a",)),)
    assert read_plans([{"everything": False, "cameras": "abc", "carousel_s": True}]) == (Plan(),)
    assert len(read_plans([{}] * 100)) == MOST


@pytest.mark.parametrize(
    ("window", "screens", "wanted"),
    [
        ((100, 100, 800, 600), [FULL_HD], (100, 100, 800, 600)),
        ((2000, 100, 800, 600), [FULL_HD, BESIDE], (2000, 100, 800, 600)),
        ((2000, 100, 800, 600), [FULL_HD], (560, 240, 800, 600)),  # that screen was unplugged
        ((1920, 0, 2560, 1440), [FULL_HD], (0, 0, 1920, 1080)),  # it filled it
        ((1900, 100, 800, 600), [FULL_HD], (560, 240, 800, 600)),  # too little to take hold of
        ((-700, 500, 800, 600), [FULL_HD], (-700, 500, 800, 600)),
        ((100, -500, 800, 600), [FULL_HD], (560, 240, 800, 600)),  # its title is out of reach
        ((5, 5, 10, 10), [], (5, 5, 10, 10)),
    ],
)
def test_a_window_stands_where_it_can_be_seen(window, screens, wanted) -> None:
    assert placed(window, screens) == wanted

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surveil.config.shapes import Zone
from surveil.errors import UsageError
from surveil.gui.readings.columns import ordered
from surveil.gui.readings.objects import Row, columns, is_current, newest, rows_of, summary
from surveil.pipeline.state import State
from surveil.types import TrackState
from tests.support.results import A, result_of

LEFT = Zone(name="left", points=((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
CARS = Zone(name="cars only", points=((0, 0), (1, 0), (1, 1), (0, 1)), classes=("car",))


def row(title: str = "Door", track: int = 1, **values: object) -> Row:
    given = {"camera": title.lower(), "label": "person", "age_s": 1.0, "score": 0.5, **values}
    return Row(title=title, track=track, **given)  # type: ignore[arg-type]


def live(**values: object) -> State:
    return State(name="live", since_s=0.0, **values)  # type: ignore[arg-type]


def test_only_confirmed_objects_are_named():
    tracks = [
        A(1, (10, 10, 30, 60), score=0.5),
        A(2, (10, 10, 30, 60), state=TrackState.TENTATIVE),
        A(3, (10, 10, 30, 60), state=TrackState.LOST),
    ]
    [only] = rows_of("door", "Front door", result_of(tracks), ())
    assert (only.key, only.title, only.label, only.score) == (("door", 1), "Front door", "person", 0.5)


def test_an_object_stands_where_its_foot_is():
    # 320 x 240: the box reaches into the left half, but its foot (170, 200) does not.
    tracks = [A(1, (140, 20, 200, 200)), A(2, (100, 20, 160, 200))]
    rows = rows_of("door", "Door", result_of(tracks), (LEFT,))
    assert [one.zones for one in rows] == [(), ("left",)]


def test_a_box_that_ends_with_the_picture_stands_in_it():
    below = Zone(name="below", points=((0, 0.9), (1, 0.9), (1, 1), (0, 1)))
    [one] = rows_of("door", "Door", result_of([A(1, (10, 20, 30, 260))]), (below,))
    assert one.zones == ("below",)


def test_a_zone_counts_its_classes_alone():
    tracks = [A(1, (10, 20, 30, 200)), A(2, (40, 20, 60, 200), class_id=2)]
    rows = rows_of("door", "Door", result_of(tracks), (CARS, LEFT))
    assert [one.zones for one in rows] == [("left",), ("cars only", "left")]


@pytest.mark.parametrize("name", ["reconnecting", "stalled", "failed", "off", "connecting"])
def test_what_a_dead_camera_saw_last_is_not_there_now(name):
    state = replace(live(), name=name)
    assert not is_current(state, result_of(), 0.0)


def test_an_old_picture_of_a_live_camera_tells_nothing():
    result = result_of()  # arrived at 0 s
    assert is_current(live(), result, 2.9)
    assert not is_current(live(), result, 3.1)
    assert is_current(State(name="paused", since_s=0, live=False), result, 1e6)
    assert not is_current(None, result, 0.0)
    assert not is_current(live(), None, 0.0)


def test_a_camera_that_was_taken_away_has_no_result():
    class Gone:
        def latest(self, camera_id):
            raise UsageError("there is no camera")

    assert newest(Gone(), "door") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "descending", "tracks"),
    [
        ("Id", False, [1, 2, 10]),
        ("Seen for", True, [10, 1, 2]),
        ("Score", True, [2, 1, 10]),
        ("Class", False, [2, 1, 10]),
        ("Zones", True, [10, 1, 2]),
    ],
)
def test_rows_are_sorted_by_value_not_by_text(title, descending, tracks):
    rows = [
        row(track=10, age_s=100.0, score=0.1, label="person", zones=("a",)),
        row(track=2, age_s=9.0, score=0.9, label="car"),
        row(track=1, age_s=20.0, score=0.3, label="person"),
    ]
    column = next(one for one in columns() if one.title == title)
    after = ordered(rows, column, descending=descending, settled=lambda one: one.settled)
    assert [one.track for one in after] == tracks


def test_texts_of_a_row():
    one = row("Car <b>park</b>", 7, age_s=187.0, score=0.876, zones=("a", "b"))
    texts = {column.title: column.text(one) for column in columns()}
    assert texts == {
        "Camera": "Car <b>park</b>",
        "Class": "person",
        "Id": "7",
        "Zones": "a, b",
        "Seen for": "3:07",
        "Score": "88%",
    }


def test_the_summary_names_the_most_frequent_first():
    rows = [row(track=1, label="car"), row(track=2), row(track=3)]
    assert summary(rows) == "2 × person  ·  1 × car"
    assert summary([]) == "Nothing in view"


def test_ages_are_media_time():
    result = result_of([A(1, (10, 20, 30, 60))])
    aged = replace(result, tracks=replace(result.tracks, age_s=np.float32([42.0])))
    assert rows_of("door", "Door", aged, ())[0].age_s == 42.0

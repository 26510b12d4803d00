from __future__ import annotations

from dataclasses import replace

import pytest

from surveil.errors import UsageError
from surveil.gui.desk import Desk, Entry
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State

from .fakes import FakeClock, FakeSession, configure, preview


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def desk(session: FakeSession, clock: FakeClock) -> Desk:
    return Desk(session, configure, clock)  # type: ignore[arg-type]


def test_sources_stand_side_by_side_and_the_first_new_one_is_selected(desk, session):
    desk.open(["a.mp4"])
    desk.open(["b.mp4", "c.mp4"])
    assert desk.board.ids == ("a.mp4", "b.mp4", "c.mp4")
    assert desk.board.selected == "b.mp4"
    assert session.configs["b.mp4"].stay


def test_the_same_source_twice_gets_another_name(desk):
    assert desk.open(["a.mp4"]) == ("a.mp4",)
    assert desk.open(["a.mp4"]) == ("a.mp4-2",)


def test_a_live_picture_has_badges_with_its_figures(desk, session):
    desk.open(["rtsp://x/1"])
    session.picture = preview()
    session.state["rtsp://x/1"] = State(name="live", since_s=0, device="CPU")
    desk.refresh()
    assert desk.view("rtsp://x/1").badges == ("30 fps", "34 ms", "CPU")
    assert desk.view("rtsp://x/1").message == ""
    assert "2 × person" in desk.status()
    assert "1 × car" in desk.status()


def test_the_age_counts_on_while_no_new_picture_comes(desk, session, clock):
    desk.open(["rtsp://x/1"])
    session.picture = preview()
    clock.now_s = 102.0
    assert desk.view("rtsp://x/1").badges[1] == "2000 ms"


def test_an_old_live_picture_is_never_shown_as_alive(desk, session):
    desk.open(["rtsp://x/1"])
    session.picture = preview(arrived_s=90.0)
    view = desk.view("rtsp://x/1")
    assert (view.message, view.detail, view.badges) == ("No new picture", "The last picture is 10 s old.", ())


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("reconnecting", "No connection, trying again"),
        ("failed-auth", "The camera refuses the password"),
        ("stalled", "No new picture"),
        ("failed", "This source cannot be shown"),
        ("off", "Switched off"),
    ],
)
def test_trouble_has_cause_and_remedy(desk, session, name, heading):
    desk.open(["rtsp://x/1"])
    session.state["rtsp://x/1"] = State(name=name, since_s=0, cause="refused", remedy="Is it switched on?")
    desk.refresh()
    assert desk.view("rtsp://x/1").message == heading
    assert desk.view("rtsp://x/1").detail == "Refused. Is it switched on?"
    assert "refused" in desk.status()


def test_a_paused_recording_keeps_its_picture_however_old(desk, session):
    desk.open(["a.mp4"])
    session.picture = preview(arrived_s=0.0)
    session.state["a.mp4"] = replace(session.state["a.mp4"], name="paused")
    desk.refresh()
    assert desk.view("a.mp4").message == ""
    assert desk.view("a.mp4").badges == ("Paused",)


def test_a_live_camera_has_no_player(desk):
    desk.open(["rtsp://x/1", "a.mp4"])
    assert desk.player("rtsp://x/1") is None
    assert desk.player(None) is None
    assert desk.player("a.mp4") is desk.player("a.mp4")


def test_pictures_are_made_for_what_is_seen_and_for_nothing_else(desk, session):
    desk.open(["a.mp4", "b.mp4"])
    desk.wall.show({"a.mp4": (320, 180), "b.mp4": (320, 180)})
    desk.wall.show({"b.mp4": (640, 360)})
    assert ("hide", "a.mp4") in session.commands
    assert session.named("show")[-1][1:3] == ("b.mp4", (640, 360))


def test_a_switch_reaches_the_pictures_at_once(desk, session):
    desk.open(["a.mp4"])
    desk.wall.show({"a.mp4": (320, 180)})
    desk.switch("trails", False)
    assert session.named("show")[-1][3].trails is False
    assert not desk.switched("trails")


def test_going_into_a_picture_and_out_again(desk, session):
    desk.open(["a.mp4"])
    desk.wall.show({"a.mp4": (320, 180)})
    desk.wall.zoom("a.mp4", 2.0, (0.5, 0.5))
    assert session.named("show")[-1][4] == (0.25, 0.25, 0.75, 0.75)
    assert desk.view("a.mp4").zoomed
    desk.wall.pan("a.mp4", (0.5, 0.0))
    assert session.named("show")[-1][4] == (0.0, 0.25, 0.5, 0.75)
    desk.wall.whole("a.mp4")
    assert session.named("show")[-1][4] == (0.0, 0.0, 1.0, 1.0)
    assert not desk.view("a.mp4").zoomed


def test_cameras_of_the_file_come_before_guests(desk, session):
    desk.open(["a.mp4"])
    desk.adopt([Entry(id="door", title="Door", kept=True), Entry(id="yard", title="Yard", kept=True)])
    assert desk.board.ids == ("door", "yard", "a.mp4")
    assert desk.exchange("door", "yard") == ("yard", "door")
    assert desk.exchange("a.mp4", "door") is None
    desk.adopt([Entry(id="yard", title="Yard", kept=True)])
    assert desk.board.ids == ("yard", "a.mp4")
    desk.close("yard")  # of the file: removed there, not here
    desk.close("a.mp4")
    assert desk.board.ids == ("yard",)
    assert session.named("remove") == [("remove", "a.mp4")]


def test_a_camera_that_the_file_took_away_a_moment_ago_is_no_error(desk):
    desk.adopt([Entry(id="door", title="Door", kept=True)])
    desk.wall.show({"door": (320, 180)})
    desk.refresh()
    assert desk.view("door").message == "Connecting…"


def test_a_camera_that_cannot_be_watched_says_why(desk):
    desk.adopt([Entry(id="door", title="Door", kept=True, problem="the variable DOOR is not set")])
    assert desk.view("door").detail == "The variable DOOR is not set."
    assert desk.summary() == "1 camera, 1 in trouble"


def test_too_much_to_do_is_said(desk, session):
    desk.open(["rtsp://x/1", "rtsp://x/2"])
    assert desk.summary() == "2 cameras"
    session.load = Load(rung=1, why="x: 2.1 results of 25.0 frames a second")
    assert desk.summary() == "Too much to do: fewer pictures a second are drawn on the screen  ·  2 cameras"


def test_a_dead_detector_is_said(desk, session):
    desk.open(["a.mp4"])
    session.failure = RuntimeError("out of memory")
    assert desk.view("a.mp4").message == "Detection has stopped"
    assert desk.view("a.mp4").detail == "out of memory"


def test_what_is_no_source_raises_and_opens_nothing(desk):
    with pytest.raises(UsageError):
        desk.open(["bad:x"])
    assert desk.entries == ()
    assert desk.status() == "Ready"

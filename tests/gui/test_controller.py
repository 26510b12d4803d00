from __future__ import annotations

from dataclasses import replace

import pytest

from surveil.errors import UsageError
from surveil.gui.controller import Controller
from surveil.pipeline.state import State

from .fakes import FakeClock, FakeSession, configure, preview


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def controller(session: FakeSession, clock: FakeClock) -> Controller:
    return Controller(session, configure, clock)  # type: ignore[arg-type]


def test_opening_replaces_what_was_open(controller, session):
    controller.open("a.mp4")
    controller.open("b.mp4")
    assert session.commands[0] == ("add", "a.mp4")
    assert ("remove", "a.mp4") in session.commands
    assert list(session.state) == ["b.mp4"]


def test_a_live_picture_has_a_badge_with_its_figures(controller, session):
    controller.open("rtsp://x/1")
    session.picture = preview()
    session.state["rtsp://x/1"] = State(name="live", since_s=0, device="CPU")
    assert controller.view().badge == "30 fps  ·  34 ms  ·  CPU"
    assert controller.view().message == ""
    assert "2 × person" in controller.status()
    assert "1 × car" in controller.status()


def test_an_old_live_picture_is_never_shown_as_alive(controller, session, clock):
    controller.open("rtsp://x/1")
    session.picture = preview(arrived_s=90.0)
    view = controller.view()
    assert view.message == "No new picture"
    assert view.detail == "The last picture is 10 s old."
    assert view.badge == ""


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("reconnecting", "No connection, trying again"),
        ("failed-auth", "The camera refuses the password"),
        ("stalled", "No new picture"),
        ("failed", "This source cannot be shown"),
    ],
)
def test_trouble_has_cause_and_remedy(controller, session, name, heading):
    controller.open("rtsp://x/1")
    session.state["rtsp://x/1"] = State(name=name, since_s=0, cause="refused", remedy="Is it switched on?")
    view = controller.view()
    assert view.message == heading
    assert view.detail == "Refused. Is it switched on?"
    assert "refused" in controller.status()


def test_a_file_keeps_the_letters_of_its_name(controller, session):
    controller.open("a.mp4")
    session.state["a.mp4"] = State(
        name="failed", since_s=0, cause="a.mp4: there is no such file", remedy="Check the path."
    )
    assert controller.view().detail == "a.mp4: there is no such file. Check the path."


def test_a_paused_recording_keeps_its_picture_however_old(controller, session, clock):
    controller.open("a.mp4")
    session.picture = preview(arrived_s=0.0)
    controller.toggle_pause()
    session.state["a.mp4"] = replace(session.state["a.mp4"], name="paused")
    assert session.named("pause") == [("pause", "a.mp4")]
    assert controller.view().message == ""
    assert controller.view().badge == "Paused"
    controller.toggle_pause()
    assert session.named("resume") == [("resume", "a.mp4")]


def test_a_live_camera_cannot_be_paused(controller, session):
    controller.open("rtsp://x/1")
    controller.toggle_pause()
    assert not controller.paused
    assert session.named("pause") == []


def test_a_switch_reaches_the_picture_at_once(controller, session):
    controller.open("a.mp4")
    controller.switch("trails", False)
    assert session.named("show")[-1][3].trails is False
    assert not controller.switched("trails")


def test_numbers_choose_among_several_sources(controller, session):
    controller.open_all(["a.mp4", "b.mp4"])
    assert controller.status().startswith("a.mp4 (1 of 2, keys 1-2)")
    controller.choose(1)
    assert session.named("show")[-1][1] == "b.mp4"
    controller.choose(7)
    assert session.named("show")[-1][1] == "b.mp4"


def test_what_is_no_source_is_said_in_words(controller, session):
    with pytest.raises(UsageError):
        controller.open("bad:x")
    controller.fail("bad:x: this is no source")
    assert controller.view().detail == "bad:x: this is no source"
    assert controller.status() == "bad:x: this is no source"


def test_a_dead_detector_is_said(controller, session):
    controller.open("a.mp4")
    session.failure = RuntimeError("out of memory")
    assert controller.view().message == "Detection has stopped"
    assert controller.view().detail == "out of memory"

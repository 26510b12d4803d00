from __future__ import annotations

import math
from dataclasses import replace

import pytest

from surveil.gui.readings.columns import ordered
from surveil.gui.readings.health import (
    columns,
    detail,
    program_figures,
    reasons_in_words,
    unwatched,
    vitals,
)
from surveil.gui.usage import GpuUsage, Usage
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.pipeline.stats import CameraStats

LIVE = State(
    name="live",
    since_s=0.0,
    decoder="h264, CPU",
    device="CPU, 2 threads",
    counters={"frames": 900, "reconnects": 2, "corrupt_frames": 3, "lost_timeout": 1, "repaired_stamps": 4},
    stats=CameraStats(
        fps=25.0,
        processed_fps=12.5,
        looked_fps=6.0,
        age_p50_ms=30.0,
        age_p95_ms=60.0,
        drops={"overwritten": 40},
    ),
)
USAGE = Usage(cpu_cores=0.84, cores=2, memory_mb=412.0, total_mb=25_300.0)


def test_a_camera_that_is_well():
    row = vitals("door", "Front door", LIVE, 0.02)
    assert (row.state, row.level, row.trouble) == ("Live", "good", "")
    texts = {column.title: column.text(row) for column in columns()}
    assert texts == {
        "Camera": "Front door",
        "State": "Live",
        "fps in": "25.0",
        "fps out": "12.5",
        "Looks/s": "6.0",
        "Age": "30 ms",
        "Age p95": "60 ms",
        "Lost": "43",
        "Reconnects": "2",
        "Video": "h264, CPU",
        "Detection": "CPU, 2 threads",
    }


def test_the_age_goes_on_while_no_frame_comes():
    assert vitals("door", "Door", LIVE, 12.0).age_ms == 12_000
    assert vitals("door", "Door", replace(LIVE, live=False, name="paused"), 12.0).age_ms == 30


def test_before_the_first_frame_there_are_dashes():
    row = vitals("door", "Door", State(name="connecting", since_s=0.0), None)
    texts = {column.title: column.text(row) for column in columns()}
    assert (texts["Age"], texts["Age p95"], texts["Lost"]) == ("–", "–", "0")


def test_trouble_has_cause_and_remedy():
    state = replace(LIVE, name="reconnecting", cause="no route", remedy="Is the cable in?")
    row = vitals("door", "Door", state, 5.0)
    assert row.level == "alarm"
    assert detail(row).splitlines()[0] == "No route. Is the cable in?"


def test_a_recording_does_not_reconnect():
    row = vitals("a", "a.mp4", replace(LIVE, live=False, name="ended"), None)
    assert row.level == "idle"
    assert {column.title: column.text(row) for column in columns()}["Reconnects"] == "–"


def test_what_is_not_in_the_session_says_why():
    row = unwatched("door", "Door", "the password is missing")
    assert row.level == "alarm"
    assert "The password is missing." in detail(row)


def test_losses_in_words_the_most_frequent_first():
    row = vitals("door", "Door", LIVE, 0.0)
    assert row.reasons == (
        ("a newer frame came first", 40),
        ("time stamp repaired", 4),
        ("damaged picture", 3),
        ("connection lost: timeout", 1),
    )
    assert detail(row).startswith("Door: a newer frame came first: 40, ")
    assert detail(replace(row, reasons=())) == "Door: no frame was lost"


def test_an_unknown_reason_is_said_as_it_is():
    assert reasons_in_words({"full_disk": 2, "reconnects": 5, "frames": 9, "none": 0}) == (("full disk", 2),)


def test_what_rests_is_said():
    row = vitals("door", "Door", replace(LIVE, attention="resting"), 0.0)
    assert {column.title: column.text(row) for column in columns()}["Detection"] == "CPU, 2 threads (resting)"


def test_trouble_is_sorted_to_the_top_and_no_age_to_the_bottom():
    well = vitals("b", "b", LIVE, 0.0)
    ill = vitals("c", "c", replace(LIVE, name="stalled"), 0.0)
    new = vitals("a", "a", State(name="connecting", since_s=0.0), None)
    by = {column.title: column for column in columns()}

    def names(title: str) -> list[str]:
        rows = ordered([well, ill, new], by[title], descending=False, settled=lambda row: row.settled)
        return [row.camera for row in rows]

    assert names("State")[0] == "c"
    assert names("Age") == ["b", "c", "a"]


def test_figures_of_the_program():
    figures = program_figures(USAGE, (), Load(), 11.26, 59.6)
    told = [(figure.name, figure.value, figure.of, figure.alarm) for figure in figures]
    assert told == [
        ("Processor", "0.8", "of 2 cores", False),
        ("Memory", "412 MB", "of 25.3 GB", False),
        ("Detection", "60/s", "11.3 ms a look", False),
        ("Load", "Keeps up", "", False),
    ]


def test_overload_is_an_alarm():
    full = replace(USAGE, cpu_cores=1.98, memory_mb=None, total_mb=None)
    cpu, memory, looks, load = program_figures(full, (), Load(rung=2, why="x"), math.nan, 0.0)
    assert cpu.alarm
    assert (memory.value, memory.of, looks.of) == ("–", "", "")
    assert load.alarm
    assert (load.value, load.of) == ("Step 2", "the detector looks seldom at cameras where nothing moves")


@pytest.mark.parametrize(("count", "names"), [(1, ["GPU"]), (2, ["GPU 0", "GPU 1"])])
def test_graphics_cards_follow(count, names):
    gpu = GpuUsage(name="NVIDIA H200", busy_percent=34, memory_mb=2147, total_mb=150_000)
    figures = program_figures(USAGE, (gpu,) * count, Load(), 1.0, 1.0)[4:]
    assert [figure.name for figure in figures] == names
    assert (figures[0].value, figures[0].of) == ("34 %", "2.1 GB  ·  NVIDIA H200")

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from surveil.cli.progress import show_progress, status_row
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.pipeline.stats import CameraStats


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def results(*cameras: str) -> list[Any]:
    return [SimpleNamespace(frame=SimpleNamespace(camera_id=camera)) for camera in cameras]


@contextmanager
def a_terminal() -> Iterator[Terminal]:
    """Standard error is a terminal. (Not a fixture: pytest sets it anew when the test begins.)"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "160")
        stream = Terminal()
        patch.setattr(sys, "stderr", stream)
        yield stream


def test_a_camera_in_a_few_words() -> None:
    stats = CameraStats(
        received=100, processed=90, fps=25.0, processed_fps=22.4, age_p50_ms=31.7,
        drops=MappingProxyType({"overwritten": 7, "outlet": 2}),
    )  # fmt: skip
    counters = {"frames": 100, "reconnects": 1, "lost_timeout": 1}
    live = State(name="live", since_s=0.0, stats=stats, counters=counters, decoder="h264 (software)")
    assert " | ".join(status_row("door", live)) == (
        "door | live | 22.4 of 25.0 fps | 32 ms | lost 7 overwritten, 2 outlet | broke off 1 timeout | "
        "h264 (software)"
    )
    lost = State(name="reconnecting", since_s=0.0, cause="timeout")
    assert status_row("door", lost)[:4] == ("door", "reconnecting (timeout)", "0.0 of 0.0 fps", "- ms")


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    run: Any = SimpleNamespace(live=False, playing=None)
    with show_progress(run, quiet=False) as shown:
        shown(results("a")[0])
    assert capsys.readouterr() == ("", "")


def test_quiet_shows_nothing_on_a_terminal() -> None:
    run: Any = SimpleNamespace(live=False, playing=None)
    with a_terminal() as terminal, show_progress(run, quiet=True) as shown:
        shown(results("a")[0])
    assert terminal.getvalue() == ""


def test_recordings_have_a_bar_each(capsys: pytest.CaptureFixture[str]) -> None:
    run: Any = SimpleNamespace(live=False, playing=SimpleNamespace(frame_count=3))
    with a_terminal() as terminal, show_progress(run, quiet=False) as shown:
        for result in results("first", "first", "first", "second"):
            shown(result)
    assert "second" in terminal.getvalue()
    assert "1/3" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_cameras_have_a_line_each_and_the_machine_has_one() -> None:
    states = {
        "door": State(name="stalled", since_s=0.0, cause="no picture", device="CPU, 2 threads"),
        "yard": State(name="live", since_s=0.0, decoder="hevc (cuda)"),
    }
    load = Load(rung=1, why="yard: 2.0 results of 9.0 frames a second")
    run: Any = SimpleNamespace(live=True, states=lambda: states, load=load)
    with a_terminal() as terminal, show_progress(run, quiet=False):
        pass
    shown = " ".join(terminal.getvalue().split())
    for words in ("door stalled (no picture)", "yard live", "hevc (cuda)", "CPU, 2 threads; too much to do"):
        assert words in shown

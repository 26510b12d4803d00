"""The end of the window: side by side, within its time, and without what does not end."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from surveil.clock import SystemClock
from surveil.errors import StuckThreadError
from surveil.gui import ending
from surveil.gui.ending import Ending


def test_everything_is_stopped_side_by_side():
    met, threads = threading.Barrier(3), []

    def stop(seconds: float) -> None:
        met.wait(seconds)
        threads.append(threading.current_thread() is threading.main_thread())

    end = Ending()
    end.add(stop)
    end.add(stop, here=True)
    end.add(stop)
    end.stop()
    assert sorted(threads) == [False, False, True]


def test_all_that_goes_on_is_named_and_the_others_are_waited_for(monkeypatch):
    monkeypatch.setattr(ending, "STOP_S", 0.2)
    done, release = [], threading.Event()

    def stuck(name: str) -> None:
        raise StuckThreadError(f"{name} still runs")

    end = Ending()
    end.add(lambda seconds: stuck("tasks"), here=True)
    end.add(lambda seconds: stuck("session"))
    end.add(lambda seconds: release.wait(10) and None)
    end.add(lambda seconds: done.append(seconds))
    with pytest.raises(StuckThreadError, match="tasks still runs; session still runs; thread 'stop-1'"):
        end.stop()
    assert done == [0.2]
    release.set()


def test_a_failure_of_another_kind_is_raised():
    end = Ending()
    end.add(lambda seconds: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        end.stop()


def test_a_process_leaves_a_thread_that_waits_for_ever_behind():
    code = (
        "import threading\n"
        "from surveil.errors import StuckThreadError\n"
        "from surveil.gui.ending import leave\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "print('data')\n"
        "leave(StuckThreadError('thread x'))\n"
    )
    began_s = SystemClock().monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "data\n")
    assert SystemClock().monotonic() - began_s < 50

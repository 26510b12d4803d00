from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from surveil.clock import SystemClock
from surveil.gui import usage
from surveil.gui.usage import UsageMeter, parse_gpus, read_gpus


def script(folder: Path, text: str) -> str:
    path = folder / "nvidia-smi"
    path.write_text(f"#!{sys.executable}\n{text}", "utf-8")
    path.chmod(0o755)
    return str(path)


def test_cores_are_measured_between_two_readings():
    meter, began_s = UsageMeter(SystemClock()), time.process_time()
    while time.process_time() - began_s < 0.25:
        sum(range(1000))
    now = meter.read()
    assert 0 < now.cpu_cores <= now.cores * 1.2
    assert now == meter.read()  # too soon for the next


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is told by /proc")
def test_memory_is_that_of_this_process():
    now = UsageMeter(SystemClock()).read()
    assert now.memory_mb is not None
    assert now.total_mb is not None
    assert 10 < now.memory_mb < now.total_mb


def test_names_may_have_commas_and_odd_lines_are_left_out():
    answer = "A, B, 7, 100, 1000\n\nNo devices were found\nOld, [N/A], 1, 2\n"
    [gpu] = parse_gpus(answer)
    assert (gpu.name, gpu.busy_percent) == ("A, B", 7)
    assert gpu.memory_mb == pytest.approx(104.9, abs=0.1)


def test_the_tool_is_asked(tmp_path):
    tool = script(
        tmp_path, "import sys; print('H200, 12, 2048, 143771') if '--query-gpu=name,' in sys.argv[1] else 0"
    )
    [gpu] = read_gpus(tool, threading.Event())
    assert (gpu.name, gpu.busy_percent) == ("H200", 12)


def test_a_stop_ends_a_tool_that_hangs(tmp_path):
    stop = threading.Event()
    stop_soon = threading.Timer(0.3, stop.set)
    stop_soon.start()
    began_s = time.perf_counter()
    assert read_gpus(script(tmp_path, "import time; time.sleep(60)"), stop) == ()
    assert time.perf_counter() - began_s < 30
    stop_soon.join()


def test_a_tool_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(usage, "GPU_TIMEOUT_S", 0.2)
    assert read_gpus(script(tmp_path, "import time; time.sleep(60)"), threading.Event()) == ()


def test_a_tool_that_cannot_be_run_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nothing"):
        read_gpus(str(tmp_path / "nothing"), threading.Event())

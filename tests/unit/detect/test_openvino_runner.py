from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.assets import find_model
from surveil.detect.devices import cores, parse_device
from surveil.detect.runner import NetworkConfig
from surveil.errors import DeviceError, ModelError
from tests.support.onnx_models import SIDE, colour_model
from tests.support.runtimes import need


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("openvino")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")


def _open(
    path: Path, device: str = "cpu", shape: tuple[int, ...] = (1, SIDE, SIDE, 3), **options: Any
) -> Any:
    from surveil.detect.openvino_runner import open_openvino

    return open_openvino(NetworkConfig(path=path, shape=shape, device=parse_device(device), **options))


def test_says_its_runtime_and_threads(tmp_path: Path) -> None:
    model = colour_model(tmp_path)
    assert _open(model, threads=1).device == "CPU, 1 thread (OpenVINO)"
    assert _open(model).device.startswith(f"CPU, {cores()} thread")


def test_each_stream_has_its_threads(tmp_path: Path) -> None:
    from surveil.detect import openvino_runner

    config = NetworkConfig(
        path=tmp_path, shape=(1, 2, 2, 3), device=parse_device("cpu"), threads=1, streams=3
    )
    properties = openvino_runner._properties(config)
    assert (properties["NUM_STREAMS"], properties["INFERENCE_NUM_THREADS"]) == (3, 3)
    assert properties["ENABLE_CPU_PINNING"] is False


def test_a_model_with_free_axes_is_compiled_for_one_shape(tmp_path: Path) -> None:
    network = _open(colour_model(tmp_path, batch="batch"), threads=1)
    assert network.inputs[0].shape == (None, SIDE, SIDE, 3)
    outputs = dict(zip(network.outputs, network.run(np.zeros((1, SIDE, SIDE, 3), np.uint8)), strict=True))
    assert outputs["scores"].shape == (1, 16, 3)
    with pytest.raises(ModelError, match="the model failed"):
        network.run(np.zeros((2, SIDE, SIDE, 3), np.uint8))


def test_results_are_not_overwritten_by_the_next(tmp_path: Path) -> None:
    network = _open(colour_model(tmp_path), threads=1)
    scores = network.outputs.index("scores")
    dark = network.run(np.zeros((1, SIDE, SIDE, 3), np.uint8))[scores]
    network.run(np.full((1, SIDE, SIDE, 3), 255, np.uint8))
    assert dark.max() == 0


def test_what_is_compiled_is_kept(tmp_path: Path) -> None:
    model = colour_model(tmp_path)
    _open(model, threads=1)
    (kept,) = (tmp_path / "cache" / "openvino").iterdir()
    kept.chmod(0o600)
    kept.write_bytes(kept.read_bytes()[:100])
    assert _open(model, threads=1).run(np.zeros((1, SIDE, SIDE, 3), np.uint8))


def test_does_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert _open(colour_model(tmp_path), threads=1).run(np.zeros((1, SIDE, SIDE, 3), np.uint8))


def test_cuda_is_not_its_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="OpenVINO runs on the CPU only"):
        _open(colour_model(tmp_path), "cuda")


@pytest.mark.parametrize("content", [b"", b"no model", bytes(1000)])
def test_a_broken_file_is_a_model_error(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    model = colour_model(tmp_path)
    model.write_bytes(content)
    with pytest.raises(ModelError, match=r"colours\.onnx: OpenVINO cannot (load|compile) this model: ."):
        _open(model)
    assert capfd.readouterr() == ("", "")


def test_a_shape_that_the_model_cannot_have_is_refused() -> None:
    model = find_model("mobilenetv2-gfl-320")
    with pytest.raises(ModelError, match=r"its input cannot be \(1, 100, 100, 3\): ."):
        _open(model.path, shape=(1, 100, 100, 3))


def test_sends_nothing_and_ends_well_without_close(tmp_path: Path) -> None:
    code = (
        "import sys, threading\n"
        "from surveil.detect.open import open_detector\n"
        f"detector = open_detector({str(colour_model(tmp_path))!r}, runtime='openvino', device='cpu')\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])\n"
        "print(len(threading.enumerate()), detector.device.startswith('CPU'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "1 True"]
    assert done.stderr == ""


_LET_GO_ELSEWHERE = """
import signal, sys, threading
from pathlib import Path
import numpy as np
from surveil.detect.devices import parse_device
from surveil.detect.openvino_runner import open_openvino
from surveil.detect.runner import NetworkConfig

seen = []
signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
shape = (1, SIDE, SIDE, 3)
config = NetworkConfig(path=Path(sys.argv[1]), shape=shape, device=parse_device("cpu"), threads=1)
held = [open_openvino(config)]
held[0].run(np.zeros(shape, np.uint8))
thread = threading.Thread(target=held.clear)
thread.start()
thread.join()
signal.raise_signal(signal.SIGTERM)
print("handled", len(seen))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signal is handled on a stack of its own there")
def test_a_detector_let_go_in_another_thread_leaves_signals_be(tmp_path: Path) -> None:
    code = _LET_GO_ELSEWHERE.replace("SIDE", str(SIDE))
    done = subprocess.run(
        [sys.executable, "-c", code, str(colour_model(tmp_path))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "handled 1\n"), done.stderr

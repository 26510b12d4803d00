from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveil.detect import onnx_runner
from surveil.detect.devices import cores, cuda_driver, parse_device
from surveil.detect.onnx_runner import OnnxNetwork, open_onnx
from surveil.detect.runner import NetworkConfig
from surveil.errors import DeviceError, ModelError
from tests.support.onnx_models import SIDE, colour_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return colour_model(tmp_path)


def _open(path: Path, device: str = "cpu", **options: Any) -> OnnxNetwork:
    return open_onnx(
        NetworkConfig(path=path, shape=(1, SIDE, SIDE, 3), device=parse_device(device), **options)
    )


def test_the_cpu_has_a_thread_for_each_core(model: Path) -> None:
    network = _open(model)
    assert network._session is not None
    assert network._session.get_providers() == ["CPUExecutionProvider"]
    assert network._session.get_session_options().intra_op_num_threads == cores()
    assert network.device.startswith(f"CPU, {cores()} thread")


def test_says_its_runtime_and_threads(model: Path) -> None:
    assert _open(model, threads=1).device == "CPU, 1 thread (ONNX Runtime)"


def test_the_threads_of_the_runtime_do_not_spin(model: Path) -> None:
    session = _open(model, threads=1)._session
    assert session is not None
    options = session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 1


def test_cuda_without_a_driver_fails_loudly(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runner, "cuda_driver", lambda: None)
    with pytest.raises(DeviceError, match=r"no CUDA: this machine has no NVIDIA driver; .* --device cpu"):
        _open(model, "cuda")


@pytest.fixture
def useless_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that answers on a machine where CUDA does not work."""
    if cuda_driver() is not None:
        pytest.skip("this machine has an NVIDIA driver")
    monkeypatch.setattr(onnx_runner, "cuda_driver", lambda: "libcuda.so.1")


@pytest.mark.usefixtures("useless_driver")
def test_cuda_that_does_not_work_fails_loudly(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceError, match="no CUDA"):
        _open(model, "cuda")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("useless_driver")
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_broken_model_is_not_blamed_on_the_device(tmp_path: Path, device: str) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no model")
    with pytest.raises(
        ModelError, match=r"broken\.onnx: ONNX Runtime cannot load this model: Load model .* failed"
    ):
        _open(path, device)


@pytest.mark.parametrize("content", [b"", b"no model", bytes(1000)])
def test_a_broken_file_is_a_model_error(model: Path, content: bytes) -> None:
    model.write_bytes(content)
    with pytest.raises(ModelError, match=r"colours\.onnx: ONNX Runtime cannot load this model"):
        _open(model)

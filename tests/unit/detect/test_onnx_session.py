from __future__ import annotations

import logging
from pathlib import Path

import pytest

from surveil.detect import onnx_session
from surveil.detect.devices import Device, cores, cuda_driver
from surveil.detect.onnx_session import open_session
from surveil.errors import DeviceError, ModelError
from tests.support.onnx_models import colour_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return colour_model(tmp_path)


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "cuda_driver", lambda: None)


@pytest.fixture
def useless_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that answers on a machine where CUDA does not work."""
    if cuda_driver() is not None:
        pytest.skip("this machine has an NVIDIA driver")
    monkeypatch.setattr(onnx_session, "cuda_driver", lambda: "libcuda.so.1")


def test_the_cpu_has_a_thread_for_each_core(model: Path) -> None:
    session, words = open_session(model, Device(kind="cpu"), threads=0)
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert session.get_session_options().intra_op_num_threads == cores()
    assert words.startswith(f"CPU, {cores()} thread")


@pytest.mark.usefixtures("no_driver")
def test_cuda_without_a_driver_fails_loudly(model: Path) -> None:
    with pytest.raises(DeviceError, match=r"no CUDA: this machine has no NVIDIA driver; .* --device cpu"):
        open_session(model, Device(kind="cuda"), threads=1)


@pytest.mark.usefixtures("no_driver")
def test_auto_without_a_driver_is_the_cpu(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, words = open_session(model, Device(kind="auto"), threads=1)
    assert words == "CPU, 1 thread (ONNX Runtime)"
    assert not caplog.records


@pytest.mark.usefixtures("useless_driver")
def test_cuda_that_does_not_work_fails_loudly(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceError, match="no CUDA"):
        open_session(model, Device(kind="cuda"), threads=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("useless_driver")
def test_auto_falls_back_aloud(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        session, words = open_session(model, Device(kind="auto"), threads=1)
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert words.startswith("CPU")
    assert "running on the CPU instead: no CUDA" in caplog.text


@pytest.mark.usefixtures("useless_driver")
@pytest.mark.parametrize("kind", ["auto", "cpu", "cuda"])
def test_a_broken_model_is_not_blamed_on_the_device(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no model")
    with pytest.raises(
        ModelError, match=r"broken\.onnx: ONNX Runtime cannot load this model: Load model .* failed"
    ):
        open_session(path, Device(kind=kind), threads=1)  # type: ignore[arg-type]

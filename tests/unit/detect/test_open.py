from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import surveil.detect.open as opening
from surveil.detect.devices import cuda_driver
from surveil.detect.open import installed_runtimes, open_detector, open_recorded
from surveil.errors import DeviceError, ModelError, UsageError
from tests.support.frames import BLUE, RED, frame_of
from tests.support.onnx_models import colour_model
from tests.support.runtimes import need

SQUARES = ((RED, (0, 0, 16, 16)), (BLUE, (32, 32, 48, 48)), ((0, 110, 0), (48, 0, 64, 16)))


def _names(folder: Path, **options: object) -> set[str]:
    detector = open_detector(str(colour_model(folder)), device="cpu", threads=1, **options)  # type: ignore[arg-type]
    (found,) = detector.detect([detector.prepare(frame_of((64, 64), *SQUARES))])
    detector.close()
    return {found.labels[int(k)] for k in found.class_ids}


def test_opens_a_model_by_path(tmp_path: Path) -> None:
    assert _names(tmp_path) == {"red", "green", "blue"}


def test_keeps_the_classes_that_are_wanted(tmp_path: Path) -> None:
    assert _names(tmp_path, classes=("red", "green")) == {"red", "green"}


def test_drops_what_scores_too_low(tmp_path: Path) -> None:
    assert _names(tmp_path, min_score=0.5) == {"red", "blue"}


def test_an_unknown_class_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown class 'rad': did you mean 'red'"):
        _names(tmp_path, classes=("rad",))


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_beyond_0_to_1_is_refused(tmp_path: Path, score: float) -> None:
    with pytest.raises(UsageError, match="must lie between 0 and 1"):
        _names(tmp_path, min_score=score)


def test_an_unknown_device_is_said_before_a_model_is_read() -> None:
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        open_detector("none.onnx", device="gpu")


def test_an_unknown_runtime_is_said_before_a_model_is_read() -> None:
    with pytest.raises(UsageError, match="unknown runtime 'tensorrt': known are auto, onnxruntime, openvino"):
        open_detector("none.onnx", runtime="tensorrt")


def test_a_size_that_the_card_does_not_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"input size of 96x32 \(width x height\): known are 64x64"):
        open_detector(str(colour_model(tmp_path)), input_size=(96, 32))


@pytest.fixture
def no_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the package is not installed."""
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    for name in ("openvino", "surveil.detect.openvino_runner"):
        monkeypatch.setitem(sys.modules, name, None)


def test_auto_on_a_cpu_is_openvino_where_it_is_installed(tmp_path: Path) -> None:
    need("openvino")
    assert open_detector(str(colour_model(tmp_path)), device="cpu").device.endswith("(OpenVINO)")


@pytest.mark.usefixtures("no_openvino")
def test_auto_on_a_cpu_is_onnx_runtime_elsewhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert open_detector(str(colour_model(tmp_path)), device="cpu").device.endswith("(ONNX Runtime)")
    assert not caplog.records
    assert installed_runtimes() == ()


@pytest.mark.usefixtures("no_openvino")
def test_a_runtime_that_is_not_installed_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"OpenVINO does not load .*: pip install 'surveil\[openvino\]'"):
        open_detector(str(colour_model(tmp_path)), runtime="openvino")


def test_torch_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "surveil.detect.torch_runner", None)
    with pytest.raises(DeviceError, match=r"torch does not load .*: pip install 'surveil\[train\]'"):
        open_detector(str(colour_model(tmp_path)), runtime="torch")


def test_a_broken_openvino_falls_back_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    need("openvino")
    monkeypatch.setitem(sys.modules, "surveil.detect.openvino_runner", None)
    with caplog.at_level(logging.WARNING):
        detector = open_detector(str(colour_model(tmp_path)), device="cpu")
    assert detector.device.endswith("(ONNX Runtime)")
    assert "running with ONNX Runtime instead: OpenVINO does not load" in caplog.text


@pytest.mark.parametrize("runtime", ["auto", "onnxruntime"])
def test_a_driver_without_cuda_falls_back_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, runtime: str
) -> None:
    if cuda_driver() is not None:
        pytest.skip("this machine has an NVIDIA driver")
    monkeypatch.setattr(opening, "cuda_driver", lambda: "libcuda.so.1")
    with caplog.at_level(logging.WARNING):
        detector = open_detector(str(colour_model(tmp_path)), runtime=runtime)
    assert detector.device.startswith("CPU")
    assert "running on the CPU instead: no CUDA" in caplog.text


def test_exit_codes_tell_who_is_to_blame() -> None:
    assert (UsageError.exit_code, ModelError.exit_code, DeviceError.exit_code) == (2, 4, 4)


def test_opens_stored_detections(tmp_path: Path) -> None:
    row = {"camera": "a", "frame": 0, "pts_s": 0.0, "size": [64, 64]}
    found = [{"label": "car", "score": score, "box": [0, 0, 9, 9]} for score in (0.2, 0.8)]
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps({**row, "detections": found}))
    detector = open_recorded(path, min_score=0.5, classes=("car",))
    (got,) = detector.detect([detector.prepare(frame_of((64, 64)))])
    assert got.scores.tolist() == pytest.approx([0.8])


def test_cards_and_stored_detections_need_no_runtime() -> None:
    code = (
        "import surveil.detect.open, surveil.detect.card, surveil.detect.detector, sys;"
        "print([name for name in ('onnxruntime', 'pydantic', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

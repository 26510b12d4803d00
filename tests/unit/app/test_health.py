from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from surveil.app import health
from surveil.capture.usb import Found
from surveil.errors import DeviceError


def findings(subject: str) -> list[health.Finding]:
    return [finding for finding in health.examine() if finding.subject == subject]


def test_every_finding_that_is_a_problem_has_a_remedy(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveil.detect.assets.model_folders", lambda: (model.parent,))
    subjects = [finding.subject for finding in health.examine()]
    assert subjects[:3] == ["surveil", "machine", "libraries"]
    assert {"double installation", "system libraries", "window libraries", "codecs", "models"} <= set(
        subjects
    )
    assert all(finding.remedy for finding in health.examine() if finding.level == "problem")


def test_double_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["opencv-python", "opencv-python-headless", "onnxruntime", "onnxruntime-gpu", "numpy"]
    installed = [SimpleNamespace(metadata={"Name": name}) for name in names]
    monkeypatch.setattr(metadata, "distributions", lambda: installed)
    found = list(health._rivals())
    assert [finding.level for finding in found] == ["problem", "problem"]
    assert found[0].text == "onnxruntime and onnxruntime-gpu are both installed and overwrite each other"
    assert found[0].remedy.endswith("pip install onnxruntime-gpu")
    assert found[1].remedy.endswith("pip install opencv-python")


@pytest.mark.parametrize(("screen", "level"), [(True, "problem"), (False, "note")])
def test_missing_window_libraries_matter_where_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, screen: bool, level: str
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if screen:
        monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(health.system, "missing_packages", lambda *groups: ("libegl1", "libxcb-cursor0"))
    (found,) = health._window_libraries()
    assert found.level == level
    assert "libegl1, libxcb-cursor0" in found.text
    assert found.remedy == "sudo apt-get install libegl1 libxcb-cursor0"


def test_library_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(health, "import_module", refuse)
    found = list(health._imports())
    monkeypatch.undo()
    assert {finding.level for finding in found} == {"problem"}
    assert "libGL.so.1" in found[0].text


@pytest.mark.parametrize(("driver", "level"), [(None, "note"), ("libcuda.so.1", "ok")])
def test_a_cpu_without_openvino_is_slower(
    monkeypatch: pytest.MonkeyPatch, driver: str | None, level: str
) -> None:
    monkeypatch.setattr("surveil.detect.open.installed_runtimes", lambda: ("onnxruntime",))
    monkeypatch.setattr("surveil.detect.devices.cuda_driver", lambda: driver)
    (found,) = health._runtimes()
    assert found.level == level
    assert found.text.startswith("onnxruntime")
    assert ("surveil[openvino]" in found.remedy) == (level == "note")


def test_missing_codec_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CODECS", (("h264", "r"), ("nosuchcodec", "w")))
    (found,) = health._codecs()
    assert found.level == "problem"
    assert found.text == "PyAV's FFmpeg lacks nosuchcodec (writing)"


def test_damaged_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveil.detect.assets.model_folders", lambda: (tmp_path,))
    (found,) = health._models()
    assert found.level == "problem"
    assert "unknown model" in found.text


def test_driver_without_working_cuda_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(model: object, device: str) -> None:
        assert device == "cuda"
        raise DeviceError("no CUDA: its libraries do not load")

    monkeypatch.setattr("surveil.detect.devices.cuda_driver", lambda: "libcuda.so.1")
    monkeypatch.setattr("surveil.detect.open.open_detector", refuse)
    (found,) = health._device()
    assert found.level == "problem"
    assert "cannot be used: no CUDA" in found.text


def test_devices_that_decode_are_those_that_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surveil.capture.hardware.working_devices", lambda: ["cuda", "qsv"])
    (found,) = health._decoders()
    assert (found.level, found.text) == ("ok", "cpu, cuda, qsv (decode: auto takes cuda)")
    monkeypatch.setattr("surveil.capture.hardware.working_devices", list)
    (found,) = health._decoders()
    assert found.level == "ok"
    assert found.text.startswith("cpu; no other device can be opened (FFmpeg knows ")


def test_usb_cameras_are_named_by_the_path_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    yard = Found(path=Path("/dev/video2"), name="Yard", stable="/dev/v4l/by-id/usb-Yard-index0")
    desk = Found(path=Path("/dev/video4"), name="Desk", stable="")
    monkeypatch.setattr("surveil.capture.usb.find_cameras", lambda: [yard, desk])
    assert [found.text for found in health._cameras()] == [
        "/dev/video2 Yard; for a configuration: /dev/v4l/by-id/usb-Yard-index0",
        "/dev/video4 Desk",
    ]

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from surveil.app.configured import ConfiguredTable, overlay_style, plan_cameras, run_options
from surveil.capture.address import StreamAddress
from surveil.capture.stream import StreamSource
from surveil.clock import SystemClock
from surveil.config.load import Loaded, parse_config
from surveil.config.references import References
from surveil.errors import UsageError
from surveil.pipeline.session import Session

HARD = "a@b/c:d?e#f %&ü\\"


def loaded(text: str, path: Path = Path("folder/c.yaml")) -> Loaded:
    return parse_config(text.encode(), path)


def test_a_camera_says_how_it_is_watched() -> None:
    file = loaded(
        """
cameras:
  - id: door
    inputs: [{url: rtsp://h/sub, roles: [detect]}, {url: rtsp://h/main, roles: [record, live]}]
    rtsp_transport: udp
    detect: {max_rate_hz: 5, classes: [person], priority: 2, motion_gating: true}
    masks:
      privacy: [[[0, 0], [1, 0], [1, 1]]]
      detection: [{size_px: [10, 10], points: [[0, 0], [5, 0], [5, 5]]}]
  - id: off
    enabled: false
    inputs: [test://street]
"""
    )
    plan = plan_cameras(file, References({}), {"tap": lambda result: True}, {"video": lambda result: True})
    door, off = plan.cameras
    assert (door.id, door.source.text, door.source.live, door.transport) == (
        "door",
        "rtsp://h/sub",
        True,
        "udp",
    )
    assert (door.max_rate_hz, door.classes, door.priority, door.motion_gating) == (5, ("person",), 2, True)
    assert door.shown is not None
    assert (door.shown.text, door.recorded.text, door.shown.name) == (
        "rtsp://h/main",
        "rtsp://h/main",
        "door",
    )
    assert (off.shown, off.recorded) == (None, None)
    assert door.privacy == (((0, 0), (1, 0), (1, 1)),)
    assert door.ignored == (((0, 0), (0.5, 0), (0.5, 0.5)),)
    assert (list(door.taps), list(door.pictures)) == (["tap"], ["video"])
    assert (off.enabled, off.loop, door.loop) == (False, True, False)


def test_credentials_are_encoded_and_never_shown() -> None:
    file = loaded(
        "cameras: [{id: a, inputs: ['rtsp://h:8554/1?x=1'], username: me@x.org, password: '${PW}'}]"
    )
    references = References({"PW": HARD})
    (camera,) = plan_cameras(file, references).cameras
    address = StreamAddress.parse(camera.source.text)
    assert (address.host, address.port, address.path) == ("h", 8554, "/1")
    assert "me%40x.org:a%40b%2Fc%3Ad%3Fe%23f%20%25%26%C3%BC%5C@h" in camera.source.text
    assert HARD in references.secrets
    for text in (repr(camera), camera.source.shown, address.shown):
        assert "me%40" not in text
        assert "a%40b" not in text


def test_a_user_in_an_address_that_is_only_named_and_one_beside_it() -> None:
    file = loaded("cameras: [{id: a, inputs: ['${URL}'], username: me, password: pw}]")
    plan = plan_cameras(file, References({"URL": "rtsp://you:hunter2@h/1"}))
    assert "keep one of them" in plan.failed["a"].reason
    assert "hunter2" not in plan.failed["a"].reason


def test_a_camera_that_cannot_be_known_does_not_stop_the_others() -> None:
    file = loaded("cameras:\n  - ${NO}\n  - id: b\n    inputs: ['${BAD}']\n  - test://street\n")
    plan = plan_cameras(file, References({"BAD": "concat:hunter2|x"}))
    assert [camera.id for camera in plan.cameras] == ["street"]
    assert str(plan.failed["camera"]) == (
        "folder/c.yaml:2:5: cameras[0]: the environment variable NO is not set"
    )
    assert "are not allowed" in plan.failed["b"].reason


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    file = loaded("cameras: [clip.mp4]\nmodel: {name: m.onnx, card: m.json}", tmp_path / "c.yaml")
    (camera,) = plan_cameras(file, References({})).cameras
    assert camera.source.text == str(tmp_path / "clip.mp4")
    assert camera.id == "clip"
    options = run_options(file).model
    assert (options.model, options.card) == (str(tmp_path / "m.onnx"), tmp_path / "m.json")


def test_model_and_display(model: Path) -> None:
    text = (
        f"model: {{name: {model}, device: cpu, threads: 1, thresholds: {{birth: 0.75}}}}\n"
        "tracking: {tracker: sort}\ndisplay: {trails: false, trail_s: 5}\n"
    )
    file = loaded(text)
    assert run_options(file).model.tracker == "sort"
    style = overlay_style(file.config)
    assert (style.trails, style.trail_s, style.boxes) == (False, 5, True)
    table = ConfiguredTable(file, SystemClock())
    brain = table.open_brain(None)
    assert table.labels == frozenset(brain.detector.labels.names)
    cuts = table._thresholds(brain.detector)
    assert (cuts.low, cuts.high, cuts.birth) == (0.4, 0.45, 0.75)
    brain.detector.close()


def test_thresholds_that_do_not_fit_the_model(model: Path) -> None:
    file = loaded(f"model: {{name: {model}, device: cpu, thresholds: {{high: 0.2}}}}")
    with pytest.raises(UsageError, match="low <= high <= birth"):
        ConfiguredTable(file, SystemClock()).open_brain(None)


def test_paths_of_a_camera_and_of_a_program_count_from_the_file(tmp_path: Path) -> None:
    file = loaded("model: {name: m.pt2}", tmp_path / "c.yaml")
    assert run_options(file).model.model == str(tmp_path / "m.pt2")


def test_how_a_camera_is_read_reaches_its_source() -> None:
    file = loaded(
        "cameras: [{inputs: ['rtsps://h/x'], rtsp_transport: udp, verify_tls: true, decode: cpu, "
        "still_after_s: null}]"
    )
    (camera,) = plan_cameras(file, References({})).cameras
    assert (camera.verify_tls, camera.decode, camera.still_after_s) == (True, "cpu", None)
    source = ConfiguredTable(file, SystemClock()).opener(camera, threading.Event())()
    assert isinstance(source, StreamSource)
    assert (source._config.transport, source._config.verify_tls) == ("udp", True)


def test_a_device_that_is_not_there_fails_its_camera_and_no_other() -> None:
    file = loaded("cameras: [{id: a, decode: nonsense, inputs: ['rtsp://h/x']}, 'rtsp://h/y']")
    plan = plan_cameras(file, References({}))
    assert [camera.id for camera in plan.cameras] == ["h-y"]
    assert "decoding on 'nonsense': this build of FFmpeg knows no such device" in plan.failed["a"].reason


def test_packets_of_a_camera_with_privacy_masks_are_offered_to_nobody(model: Path) -> None:
    """Packets hold the whole picture: the session refuses such a camera, whoever asks for it."""
    file = loaded(f"model: {{name: {model}, device: cpu, threads: 1}}\ncameras: ['rtsp://127.0.0.1:1/x']")
    (plain,) = plan_cameras(file, References({})).cameras
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    session = Session(ConfiguredTable(file, SystemClock()))
    session.start()
    with pytest.raises(UsageError, match="privacy masks gives no packets"):
        session.add(replace(plain, privacy=(whole,), packet_sink=lambda packet: None))
    assert session.states() == {}
    session.add(replace(plain, packet_sink=lambda packet: None))
    session.stop(5.0)

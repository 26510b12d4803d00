from __future__ import annotations

from pathlib import Path

import pytest

from surveil.config.frigate import Imported, import_frigate
from surveil.config.load import parse_config
from surveil.errors import ConfigError

FILE = Path(__file__).with_name("frigate.yml")
MAIN = "rtsp://admin:hunter2@10.0.0.7/main"
LABELS = frozenset({"person", "car"})


@pytest.fixture(scope="module")
def imported() -> Imported:
    return import_frigate(FILE, LABELS)


def test_cameras_are_taken_over(imported: Imported) -> None:
    assert imported.cameras == 2
    door, yard = parse_config(imported.text.encode(), Path("c.yaml")).config.cameras
    assert (door.id, door.name, door.enabled, door.rtsp_transport) == (
        "front_door",
        "Front door",
        True,
        "udp",
    )
    assert door.input_for("detect").url == "rtsp://admin:hunter2@10.0.0.7/sub"
    assert {door.input_for(role).url for role in ("record", "live")} == {MAIN}
    assert (door.detect.max_rate_hz, door.detect.classes) == (10, ("person",))
    assert door.masks.detection[0].relative == ((0, 0), (0.15625, 0), (0.15625, 100 / 720))
    assert [(zone.name, zone.classes) for zone in door.zones] == [("steps", ("person",))]
    assert yard.enabled is False
    assert yard.inputs[0].url == "rtsp://${FRIGATE_USER}:${FRIGATE_RTSP_PASSWORD}@10.0.0.8/main"
    assert (yard.detect.max_rate_hz, yard.detect.classes) == (5, ("person", "car"))


def test_what_is_left_out_is_said_by_line(imported: Imported) -> None:
    said = {(note.line, note.key) for note in imported.left_out}
    assert said == {
        (1, "mqtt"),
        (4, "ffmpeg"),
        (9, "objects.track"),
        (10, "objects.filters"),
        (23, "cameras.front_door.ffmpeg.inputs[0].roles"),
        (37, "cameras.front_door.motion.mask"),
        (38, "cameras.front_door.zones.1"),
        (41, "cameras.front_door.zones.steps.inertia"),
        (45, "cameras.front_door.record"),
        (54, "cameras.yard.zones.lawn.coordinates"),
        (55, "cameras.broken"),
    }
    assert "hunter2" not in "".join(map(str, imported.left_out))


@pytest.mark.parametrize("text", ["", "cameras: {}", "cameras: 3", "- a", "a: [", "cameras: &a {x: *a}"])
def test_files_that_are_none_of_frigate(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    with pytest.raises(ConfigError):
        import_frigate(file, LABELS)


@pytest.mark.parametrize(
    "camera",
    [
        "3",
        "{}",
        "{ffmpeg: 3, detect: x, objects: [], motion: y, zones: 1}",
        "{ffmpeg: {inputs: [3, {path: 4}, {path: rtsp://h/1, roles: [detect, record, detect]}]}}",
        "{ffmpeg: {inputs: [{path: rtsp://h/1, roles: [detect]}]}, detect: {fps: 0}}",
        "{ffmpeg: {inputs: [{path: rtsp://h/1, roles: [detect]}]}, objects: {mask: [1, 'a,b', '0,0,1']}}",
    ],
)
def test_odd_cameras_are_left_out_not_fatal(tmp_path: Path, camera: str) -> None:
    file = tmp_path / "config.yml"
    file.write_text(f"cameras:\n  odd: {camera}\n")
    imported = import_frigate(file, LABELS)
    assert imported.left_out
    assert all(note.line >= 1 for note in imported.left_out)
    parse_config(imported.text.encode(), file)

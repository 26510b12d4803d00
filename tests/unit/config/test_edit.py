from __future__ import annotations

import os
from pathlib import Path

import pytest

from surveil.config.camera import Camera, Input
from surveil.config.edit import ConfigEditor, backup_of, digest
from surveil.config.load import load_config
from surveil.config.sample import sample
from surveil.errors import ConfigError, OutputError, UsageError

TEXT = """\
# head
cameras: # all
  # first comment
  - id: a   # eol a
    # about inputs
    inputs:
      - rtsp://h/1   # eol url

  # before b
  - id: b
    inputs: [rtsp://h/2]
    # end of b

# before model
model:
  device: cpu   # eol device
  # after device
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "c.yaml"
    file.write_text(TEXT)
    return file


def comments(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


@pytest.mark.parametrize("text", [TEXT, sample(), "cameras:\n- rtsp://h/1\n\nmodel:\n    device: cpu\n"])
def test_nothing_changes_where_nothing_was_changed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    editor = ConfigEditor(file)
    assert editor.text == text
    assert editor.save() == ()
    assert not backup_of(file).exists()


def test_a_value_is_set_and_the_rest_stays(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.set(("model", "device"), "auto")
    editor.set(("cameras", "b", "name"), "B: the second")
    editor.set(("model", "thresholds", "low"), 0.2)
    assert editor.save() == ()
    text = path.read_text()
    assert comments(text) == comments(TEXT)
    assert "device: auto # eol device" in text
    config = load_config(path).config
    assert config.cameras[1].name == "B: the second"
    assert config.model.thresholds.low == 0.2
    assert backup_of(path).read_text() == TEXT
    assert path.stat().st_mode & 0o777 == 0o600
    assert backup_of(path).stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in path.parent.iterdir()) == ["c.yaml", "c.yaml.bak"]


def test_cameras_come_go_and_move(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.add(("cameras",), Camera(id="c", inputs=(Input(url="rtsp://h/3", roles=("detect",)),)))
    editor.move(("cameras", "c"), 0)
    editor.unset(("cameras", "a"))
    editor.save()
    config = load_config(path).config
    assert [camera.id for camera in config.cameras] == ["c", "b"]
    assert config.cameras[0].inputs[0].roles == ("detect",)
    own = {"# eol a", "# about inputs", "# eol url"}
    assert set(comments(path.read_text())) == set(comments(TEXT)) - own
    editor.unset(("cameras", "c"))
    editor.unset(("cameras", "b"))
    editor.save()
    assert load_config(path).config.cameras == ()
    assert "# before model" in path.read_text()


def test_the_short_form_is_written_out_and_keeps_its_id(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("cameras:\n  - rtsp://h/1  # the first\n  - rtsp://h/1\n# end\n")
    editor = ConfigEditor(file)
    editor.set(("cameras", "h-1-2", "inputs", 0, "url"), "rtsp://h/9")
    editor.set(("cameras", "h-1", "name"), "first")
    editor.save()
    first, second = load_config(file).config.cameras
    assert (first.id, first.name, second.id, second.inputs[0].url) == ("h-1", "first", "h-1-2", "rtsp://h/9")
    assert comments(file.read_text()) == ["# the first", "# end"]


def test_shapes_are_added_to_the_sample(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(sample())
    editor = ConfigEditor(file)
    area = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    editor.add(("cameras", "street", "masks", "privacy"), area)
    editor.add(("cameras", "street", "zones"), {"name": "z", "points": area})
    editor.add(("cameras", "street", "zones"), {"name": "y", "points": area})
    editor.unset(("cameras", "street", "zones", "z"))
    editor.save()
    camera = load_config(file).config.cameras[0]
    assert camera.masks.privacy[0].points == area
    assert [zone.name for zone in camera.zones] == ["y"]
    assert sorted(comments(file.read_text())) == sorted(comments(sample()))


def test_a_new_file_and_one_of_comments_alone(tmp_path: Path) -> None:
    for start in (None, "# mine\n\n# more\n"):
        file = tmp_path / "deep" / "c.yaml"
        if start is not None:
            file.write_text(start)
        editor = ConfigEditor(file)
        editor.add(("cameras",), {"id": "x", "inputs": ["rtsp://h/1"]})
        editor.save()
        assert file.read_text().startswith(start or "version: 1\n")
        assert [camera.id for camera in load_config(file).config.cameras] == ["x"]
        file.unlink()


def test_what_would_be_wrong_is_not_written(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.set(("model", "device"), "gpu")
    with pytest.raises(ConfigError, match="does not fit, got 'gpu'"):
        editor.save()
    with pytest.raises(ConfigError):
        editor.check()
    assert path.read_text() == TEXT


def test_both_changes_are_kept_where_they_do_not_meet(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.set(("cameras", "a", "name"), "A")
    path.write_text(TEXT.replace("device: cpu", "device: auto").replace("# head", "# new head"))
    (note,) = editor.save()
    assert "was changed meanwhile" in note
    config = load_config(path).config
    assert (config.cameras[0].name, config.model.device) == ("A", "auto")
    assert path.read_text().startswith("# new head")


@pytest.mark.parametrize("new", ["  device: cuda", "  threads: 1"])
def test_the_same_changed_by_both_is_refused(path: Path, new: str) -> None:
    meanwhile = TEXT.replace("  device: cpu", new)
    editor = ConfigEditor(path)
    editor.set(("model", "device"), "auto")
    path.write_text(meanwhile)
    with pytest.raises(ConfigError, match=r"model\.device: was changed in the file meanwhile"):
        editor.save()
    assert path.read_text() == meanwhile


def test_a_file_broken_meanwhile_is_not_written_over(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.set(("model", "device"), "auto")
    path.write_text("a: [")
    with pytest.raises(ConfigError, match="not YAML"):
        editor.save()
    with pytest.raises(ConfigError, match="not YAML"):
        ConfigEditor(path)
    assert path.read_text() == "a: ["


@pytest.mark.parametrize(
    "key", [("cameras", "nobody", "name"), ("cameras", 7), ("model", "device", "x"), ("display", "ids"), ()]
)
def test_ways_that_lead_nowhere(path: Path, key: tuple[str | int, ...]) -> None:
    editor = ConfigEditor(path)
    with pytest.raises(UsageError):
        editor.unset(key)
    assert editor.text == TEXT


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(path: Path) -> None:
    editor = ConfigEditor(path)
    editor.set(("model", "device"), "auto")
    path.parent.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot write"):
            editor.save()
    finally:
        path.parent.chmod(0o700)
    assert path.read_text() == TEXT


def test_digest_tells_another_file(path: Path) -> None:
    before = digest(path)
    assert before == load_config(path).digest
    path.write_text("")
    assert digest(path) != before
    assert digest(path.with_name("none")) is None

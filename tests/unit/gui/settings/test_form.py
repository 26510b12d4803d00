from __future__ import annotations

import pytest

from surveil.config.edit import ConfigEditor
from surveil.config.load import load_config
from surveil.errors import ConfigError, Problem
from surveil.gui.settings.form import Form

FILE = """\
version: 1
# our cameras
cameras:
  - id: gate  # the gate
    inputs: [rtsp://10.0.0.1/1]
    username: anna
    password: keyring:gate
    detect: {max_rate_hz: 5.0}  # slow is enough
  - id: shed
    inputs: [rtsp://10.0.0.2/1]
model:
  min_score: 0.5  # see the report
display:
  trail_s: 4.0
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "surveil.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def form(path):
    return Form(load_config(path).config)


def row(form, name, camera=""):
    (found,) = [one for page in PAGES for one in form.rows(page, camera) if one.setting.path.endswith(name)]
    return found


PAGES = ("cameras", "detection", "tracking", "display")


def save(form, path):
    editor = ConfigEditor(path)
    form.write(editor)
    editor.save()
    return path.read_text()


def test_every_setting_of_the_models_has_a_row(form):
    assert [one.title for one in form.rows("tracking")] == ["Tracker"]
    assert {"Trail", "Boxes", "Zones"} <= {one.title for one in form.rows("display")}
    assert {"min_score", "low", "degrade"} <= {one.setting.key[-1] for one in form.rows("detection")}
    keys = [one.key for one in form.rows("cameras", "gate")]
    assert ("cameras", "gate", "detect", "max_rate_hz") in keys
    assert not any({"inputs", "zones", "id"} & set(key) for key in keys)


def test_values_stand_in_their_fields(form):
    assert form.raw(row(form, "max_rate_hz", "gate")) == "5"
    assert form.raw(row(form, "max_rate_hz", "shed")) == ""
    assert form.raw(row(form, "trails")) is True
    assert form.raw(row(form, "min_score")) == "0.5"
    assert not form.is_default(row(form, "trail_s"))


def test_a_secret_is_not_shown_and_stays_where_it_is(form, path):
    secret = row(form, "password", "gate")
    assert form.raw(secret) == ""
    assert form.has_secret(secret)
    form.enter(secret, "new")
    form.enter(secret, "")
    assert not form.unsaved
    form.enter(secret, "keyring:other")
    assert "password: keyring:other" in save(form, path)


def test_what_is_typed_goes_to_the_file_with_its_comments(form, path):
    form.enter(row(form, "min_score"), "0,6")
    form.enter(row(form, "max_rate_hz", "gate"), "10")
    form.enter(row(form, "detect.classes", "shed"), "person, car,")
    form.enter(row(form, "tracker"), "sort")
    form.enter(row(form, "ids"), False)
    assert form.faults() == {}
    text = save(form, path)
    assert "min_score: 0.6  # see the report" in text
    assert "detect: {max_rate_hz: 10.0}" in text
    assert "# slow is enough" in text
    assert "# our cameras" in text
    config = load_config(path).config
    assert config.cameras[1].detect.classes == ("person", "car")
    assert (config.tracking.tracker, config.display.ids) == ("sort", False)


def test_a_default_is_taken_out_of_the_file(form, path):
    form.reset(row(form, "trail_s"))
    assert form.raw(row(form, "trail_s")) == "2"
    form.enter(row(form, "min_score"), "")
    text = save(form, path)
    assert "trail_s" not in text
    assert "min_score" not in text


def test_faults_are_said_at_their_rows(form):
    form.enter(row(form, "min_score"), "7")
    form.enter(row(form, "threads"), "many")
    form.enter(row(form, "input_size_px"), "large")
    form.enter(row(form, "decode", "shed"), "CUDA!")
    faults = form.faults()
    assert "less than or equal to 1" in faults["model", "min_score"]
    assert faults["model", "threads"] == "expected a whole number"
    assert faults["model", "input_size_px"] == "expected width x height, e.g. 416 x 256"
    assert "does not fit" in faults["cameras", "shed", "decode"]


def test_a_fault_of_two_fields_stands_at_the_one_that_was_typed(form):
    form.enter(row(form, "thresholds.low"), "0.9")
    form.enter(row(form, "thresholds.high"), "0.2")
    (key,) = form.faults()
    assert key[:2] == ("model", "thresholds")


def test_what_was_typed_back_is_nothing_to_keep(form):
    form.enter(row(form, "min_score"), "0.7")
    assert form.unsaved
    form.enter(row(form, "min_score"), "0.5")
    assert not form.unsaved


def test_search_looks_at_titles_keys_and_help(form):
    assert [one.setting.path for one in form.found("length TRAILS")] == ["display.trail_s"]
    assert form.found("tls") == ()
    assert [one.key[1] for one in form.found("tls", "shed")] == ["shed"]


def test_the_file_becomes_another_and_a_camera_goes(form, path):
    form.enter(row(form, "max_rate_hz", "shed"), "2")
    form.enter(row(form, "min_score"), "0.7")
    shed = "  - id: shed\n    inputs: [rtsp://10.0.0.2/1]\n"
    path.write_text(FILE.replace("min_score: 0.5", "min_score: 0.7").replace(shed, ""))
    form.rebase(load_config(path).config)
    assert not form.unsaved
    assert [camera.id for camera in form.config.cameras] == ["gate"]


def test_what_the_file_refuses_is_said_at_its_row_or_handed_back(form):
    form.enter(row(form, "max_rate_hz", "shed"), "2")
    strange = Problem(file="f", key="service", reason="is wrong")
    rest = form.refuse(
        (Problem(file="f", key="cameras[1].detect.max_rate_hz", reason="was changed"), strange)
    )
    assert rest == (strange,)
    assert form.faults()["cameras", "shed", "detect", "max_rate_hz"] == "was changed"


def test_nonsense_in_the_file_is_not_written_over(form, path):
    form.enter(row(form, "min_score"), "0.7")
    path.write_text("cameras: {\n")
    with pytest.raises(ConfigError):
        save(form, path)
    assert path.read_text() == "cameras: {\n"

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from surveil.config.describe import REQUIRED, schema, settings
from surveil.config.load import parse_config
from surveil.config.models import Config
from surveil.config.sample import sample
from surveil.config.show import show

FILE = Path("c.yaml")


def test_every_key_has_help_and_a_kind() -> None:
    found = {setting.path: setting for setting in settings()}
    assert len(found) > 60
    assert [path for path, setting in found.items() if len(setting.help) < 8] == []
    rate = found["cameras[].detect.max_rate_hz"]
    assert (rate.kind, rate.least, rate.most, rate.above, rate.unit) == ("number", 0, 1000, True, "1/s")
    assert rate.optional
    transport = found["cameras[].rtsp_transport"]
    assert (transport.kind, transport.choices, transport.default) == ("choice", ("tcp", "udp"), "tcp")
    assert found["cameras[].inputs[].roles"].choices == ("detect", "record", "live")
    assert found["cameras[].masks.privacy[].size_px"].kind == "size"
    assert found["cameras[].id"].default is REQUIRED
    assert [path for path, one in found.items() if one.secret] == [
        "cameras[].password",
        "service.metrics.token",
    ]


def test_the_sample_works_and_names_every_key() -> None:
    config = parse_config(sample().encode(), FILE).config
    assert [camera.inputs[0].url for camera in config.cameras] == ["test://street"]
    keys = set(re.findall(r"^[# -]*([a-z_]+):", sample(), re.MULTILINE))
    named = {setting.key[-1] for setting in settings() if "[]" not in setting.key[2:]}
    assert named - keys == set()


def test_the_comments_of_the_sample_are_sound_settings() -> None:
    """Without their # the sections are the defaults, and the long form is a camera."""
    head, *sections = sample().split("\n\n# ")
    for section in sections:
        text = "\n".join(line.removeprefix("# ") for line in f"# {section}".splitlines())
        config = parse_config(text.encode(), FILE).config
        assert config == Config()
    _, _, long_form = head.partition("# The long form:\n")
    lines = [line.replace("  # ", "", 1) for line in long_form.splitlines()]
    text = "cameras:\n" + "\n".join(f"  {line}" for line in lines if not line.lstrip().startswith("#"))
    (camera,) = parse_config(text.encode(), FILE).config.cameras
    assert camera.id == "door"
    assert camera.input_for("record").url == "rtsp://10.0.0.7/main"


def test_what_is_shown_reads_back_the_same() -> None:
    text = (
        "cameras: [rtsp://h/1, {id: b, inputs: ['0'], zones: [{name: z, points: [[0, 0], [1, 0], [1, 1]]}]}]"
    )
    config = parse_config(text.encode(), FILE).config
    assert parse_config(show(config).encode(), FILE).config == config


def test_secrets_are_shown_on_request_only() -> None:
    text = (
        "cameras:\n  - rtsp://u:hunter2@h/1?pwd=hunter3\n"
        "  - {id: b, inputs: [rtsp://h/2], username: u, password: hunter4}\n"
        "  - {id: c, inputs: [rtsp://h/3], password: 'keyring:c'}\n"
        "service: {metrics: {port: 1, token: hunter5-long}}\n"
    )
    config = parse_config(text.encode(), FILE).config
    assert "hunter" not in show(config)
    assert "keyring:c" in show(config)
    shown = show(config, redacted=False)
    assert all(secret in shown for secret in ("hunter2", "hunter3", "hunter4", "hunter5"))


def test_the_schema_accepts_the_short_forms() -> None:
    made: dict[str, Any] = schema()
    assert {"type": "string"} in made["properties"]["cameras"]["items"]["anyOf"]
    assert "id" not in made["$defs"]["Camera"]["required"]
    assert made["additionalProperties"] is False
    assert made["$defs"]["Detect"]["properties"]["max_rate_hz"]["anyOf"][0]["exclusiveMinimum"] == 0


def test_the_page_is_what_the_models_say(root: Path) -> None:
    command = [sys.executable, "docs/make_config_page.py", "--check"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"run python docs/make_config_page.py {done.stderr}"

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surveil.config.load import load_config, parse_config
from surveil.config.models import Config
from surveil.config.sample import sample
from surveil.errors import ConfigError, Problem

FILE = Path("c.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), FILE)
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def config(text: str) -> Config:
    return parse_config(text.encode(), FILE).config


def test_one_address_is_enough() -> None:
    camera = config("cameras: [rtsp://10.0.0.7/stream1]").cameras[0]
    assert camera.id == "10.0.0.7-stream1"
    assert camera.input_for("record") is camera.inputs[0]
    assert camera.inputs[0].roles == ("detect", "record", "live")


def test_ids_that_are_made_are_distinct() -> None:
    text = "cameras: [rtsp://h/1, rtsp://h/1, {id: H-1-2, inputs: [rtsp://h/2]}, '${CAM}']"
    assert [camera.id for camera in config(text).cameras] == ["h-1", "h-1-3", "H-1-2", "camera"]


def test_roles_choose_the_input() -> None:
    camera = config(
        "cameras:\n  - id: a\n    inputs:\n      - {url: rtsp://h/sub, roles: [detect]}\n"
        "      - {url: rtsp://h/main, roles: [record]}\n"
    ).cameras[0]
    assert camera.input_for("detect").url == "rtsp://h/sub"
    assert camera.input_for("record").url == "rtsp://h/main"
    assert camera.input_for("live").url == "rtsp://h/sub"


TWENTY = """\
version: 2
camras: []
cameras:
  - file:///tmp/x.mp4
  - id: door
    nam: x
    inputs:
      - url: concat:a|b
        roles: [detct]
      - url: rtsp://us er@h/1
    rtsp_transport: tpc
    password: 1234
    masks:
      privacy:
        - [[0,0],[1,1],[1,0],[0,1]]
        - points: [[0,0],[100,0],[100,100]]
    detect: {max_rate_hz: 0, priority: high}
    enabled: maybe
  - id: Door
    inputs: []
  - id: a/b
    inputs: [-rtsp://h/1]
    zones: [{points: [[0, 0], [1, 1]]}]
model:
  device: gpu
  thresholds: {low: 0.5, high: 0.2, birth: x}
service:
  metrics: {port: 9000}
model: 3
"""


def test_all_mistakes_at_once_each_with_its_place() -> None:
    found = mistakes(TWENTY)
    for expected in (
        "c.yaml:1:1: version: expected 1, got 2",
        "c.yaml:2:1: camras: unknown key; did you mean 'cameras'?",
        "c.yaml:4:5: cameras[0].inputs[0].url: source 'file:///tmp/x.mp4': addresses that begin with file:",
        "c.yaml:6:5: cameras[1].nam: unknown key; did you mean 'name'?",
        "c.yaml:8:9: cameras[1].inputs[0].url: source 'concat:a|b': addresses that begin with concat:",
        "c.yaml:9:17: cameras[1].inputs[0].roles[0]: expected 'detect', 'record' or 'live', got 'detct'; "
        "did you mean 'detect'?",
        "c.yaml:10:9: cameras[1].inputs[1].url: address 'rtsp://us er@h/1': blanks",
        "c.yaml:11:5: cameras[1].rtsp_transport: expected 'tcp' or 'udp', got 'tpc'; did you mean 'tcp'?",
        "c.yaml:12:5: cameras[1].password: expected a text; put it in quotes",
        "c.yaml:15:11: cameras[1].masks.privacy[0].points: the polygon crosses or touches itself at (0.5",
        "c.yaml:16:11: cameras[1].masks.privacy[1].points: corner 2 (100, 0) lies outside of 0 to 1",
        "c.yaml:17:14: cameras[1].detect.max_rate_hz: input should be greater than 0, got 0",
        "c.yaml:17:30: cameras[1].detect.priority: expected a whole number, got 'high'",
        "c.yaml:18:5: cameras[1].enabled: expected true or false, got 'maybe'",
        "c.yaml:19:5: cameras[2].id: 'Door' is the id of cameras[1] already",
        "c.yaml:20:5: cameras[2].inputs: expected at least 1 entry, got 0",
        "c.yaml:21:5: cameras[3].id: cannot be a file name everywhere; write 'a-b'",
        "c.yaml:22:14: cameras[3].inputs[0].url: source '-rtsp://h/1': begins with '-'",
        "c.yaml:23:13: cameras[3].zones[0].name: is missing",
        "c.yaml:25:3: model.device: does not fit, got 'gpu'",
        "c.yaml:26:26: model.thresholds.high: expected low <= high <= birth",
        "c.yaml:26:37: model.thresholds.birth: expected a number, got 'x'",
        "c.yaml:28:3: service.metrics: a port needs a token",
        "c.yaml:29:1: model: given twice; the first is in line 24",
    ):
        assert any(line.startswith(expected) for line in found), expected
    assert "1234" not in "".join(found)
    lines = [tuple(map(int, line.split(":")[1:3])) for line in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "c.yaml:1:1: expected keys such as cameras:, got a list of 1"),
        ("cameras: rtsp://h/1", "c.yaml:1:1: cameras: expected a list, got 'rtsp://h/1'"),
        ("cameras: [{id: a, url: rtsp://h/1}]", "unknown key; write inputs: [ADDRESS]"),
        ("mqtt: {host: h}", "unknown key; this is Frigate's"),
        ("cameras: [{id: a, inputs: [rtsp://u:p@h/1], username: u}]", "keep one of them"),
        ("cameras: [{id: a, inputs: ['0'], username: u}]", "username and password are for network addresses"),
        ("cameras: [{id: a, inputs: ['rtsp://h/${X']}]", "a reference is ${NAME} or ${NAME:-default}"),
        ("cameras: [{id: a, inputs: [rtsp://h/1], password: 'keyring:'}]", "expected keyring:NAME"),
        ("cameras: [{id: a, inputs: [{url: rtsp://h/1}, {url: rtsp://h/2}]}]", "have the role detect"),
        ("cameras: [{id: a, inputs: [{url: rtsp://h/1, roles: [live]}]}]", "no input has the role detect"),
        (
            "cameras: [{id: a, inputs: [rtsp://h/1], lines: [{name: l, points: [[0, 0]]}]}]",
            "at least 2 points",
        ),
        (
            "cameras: [{id: a, inputs: [rtsp://h/1], masks: {privacy: [[[0, 0], [1, 1]]]}}]",
            "at least 3 corners",
        ),
        ("display: {trail_s: .inf}", "display.trail_s: input should be"),
        ("cameras: [http://h:99999/1]", "the part before the path is not HOST or HOST:PORT"),
        ("cameras: [rtsp://]", "no host"),
        ("service: {metrics: {port: 9000, token: short}}", "a token has at least 8 characters"),
    ],
)
def test_single_mistakes(text: str, said: str) -> None:
    assert any(said in line for line in mistakes(text)), mistakes(text)


def test_no_secret_is_said() -> None:
    text = "cameras: [{id: a, inputs: ['rtsp://admin:hunter2@h:x/1'], password: [hunter2]}]"
    assert "hunter2" not in "".join(mistakes(text))
    for camera in (
        "{id: a, inputs: 'rtsp://admin:a-hunter2-that-is-cut-off-behind@10.0.0.7/1'}",
        "{id: a, inputs: {rtsp://admin:a-hunter2-that-is-cut-off-behind@10.0.0.7/1: [detect]}}",
        "{id: a, inputs: [[rtsp://admin:hunter2@10.0.0.7/1]]}",
        "{rtsp://admin:hunter2@10.0.0.7/1: detect}",
    ):
        found = mistakes(f"cameras: [{camera}]")
        assert found
        assert "hunter2" not in "".join(found)


def test_secrets_in_plain_text_and_an_open_file_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("cameras: ['rtsp://u:hunter2@h/1', {id: b, inputs: [rtsp://h/2], password: '${X}'}]")
    path.chmod(0o644)
    warnings = [str(warning) for warning in load_config(path).warnings]
    assert len(warnings) == 2
    assert "plain text" in warnings[0]
    assert "chmod 600" in warnings[1]
    path.chmod(0o600)
    assert len(load_config(path).warnings) == 1


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "no.yaml", tmp_path, Path("a\0b")):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_config(path)


def test_pixels_become_parts_of_the_picture() -> None:
    text = "cameras: [{id: a, inputs: [rtsp://h/1], masks: {privacy: "
    text += "[{size_px: [200, 100], points: [[0, 0], [100, 0], [100, 50]]}]}}]"
    assert config(text).cameras[0].masks.privacy[0].relative == ((0, 0), (0.5, 0), (0.5, 0.5))


def test_sections_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config("").model.device = "cpu"  # type: ignore[misc]


# ---- fuzz: sound files with parts exchanged for anything

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["rtsp://h/1", "${X}", "keyring:a", "-x", "0", "*.mp4", "cams.txt", "test://street?x=1"]
    ),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=6), parts, max_size=3),
    max_leaves=6,
)
AREA = [[0, 0], [1, 0], [1, 1]]
FULL: dict[str, Any] = {
    "version": 1,
    "cameras": [
        {
            "id": "a", "name": "A", "inputs": [{"url": "rtsp://h/1", "roles": ["detect"]}], "username": "u",
            "detect": {"max_rate_hz": 5, "classes": ["person"]},
            "masks": {"privacy": [AREA], "detection": [{"points": AREA}]},
            "zones": [{"name": "z", "points": AREA}],
            "lines": [{"name": "l", "points": [[0, 0], [1, 0]]}],
        }
    ],
    "model": {"device": "cpu", "thresholds": {"low": 0.1}}, "tracking": {"tracker": "sort"},
    "display": {"trail_s": 1.5}, "outputs": {"folder": "x"},
    "service": {"metrics": {"port": 1, "token": "t" * 9}},
}  # fmt: skip


def ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [way, *(found for key, part in children for found in ways(part, (*way, key)))]


WAYS = ways(FULL)[1:]


@settings(max_examples=60)
@example([(("service", "metrics"), []), (("service", "metrics", "port"), None)])
@given(st.lists(st.tuples(st.sampled_from(WAYS), VALUES), min_size=1, max_size=3))
def test_anything_anywhere_is_a_mistake_with_a_place_or_a_configuration(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    data = copy.deepcopy(FULL)
    for way, value in changes:
        node: Any = data
        for part in way[:-1]:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                break
        else:
            last = way[-1]
            fits = isinstance(node, list) and isinstance(last, int) and last < len(node)
            if isinstance(node, dict) or fits:
                node[last] = value
    check(json.dumps(data).encode())  # JSON is YAML


def test_a_file_that_is_cut_off_or_damaged_anywhere() -> None:
    sound = sample().encode()
    chance = random.Random(2)
    for _ in range(25):
        content = bytearray(sound[: chance.randrange(len(sound))])
        for _ in range(3):
            content[chance.randrange(len(content))] = chance.randrange(256)
        check(bytes(content))


def check(content: bytes) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse_config(content, FILE)
    except ConfigError as error:
        problems = error.problems
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert str(problem).startswith("c.yaml:")
        assert "\n" not in str(problem)

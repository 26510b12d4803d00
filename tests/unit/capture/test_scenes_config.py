"""The addresses of scenes."""

from __future__ import annotations

import pytest

from surveil.capture.scenes.config import SceneConfig, parse_scene_url
from surveil.errors import UsageError


def test_every_parameter_is_read() -> None:
    text = "test://street?seed=7&size=320x180&fps=12.5&seconds=3&shake=2.5&pan=8&people=40"
    assert parse_scene_url(text) == SceneConfig(
        seed=7, size=(320, 180), fps=12.5, seconds=3.0, shake=2.5, pan=8.0, people=40
    )


def test_what_is_left_out_has_a_default() -> None:
    config = parse_scene_url("test://street/")
    assert config == SceneConfig()
    assert config.seconds is None
    assert config.frame_count == 200  # 20 s at 10 frames a second
    assert not config.moving


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("fps=0", r"'fps': expected 1 to 120 frames a second, got 0"),
        ("fps=nan", r"'fps': expected a number 1 to 120"),
        ("fps=fast", r"'fps': expected a number 1 to 120"),
        ("people=2.5", r"'people': expected a whole number 0 to 200"),
        ("people=201", r"'people': expected 0 to 200"),
        ("seed=1.5", r"'seed': expected a whole number 0 to"),
        ("seed=-1", r"'seed': expected 0 to"),
        ("seed=", r"'seed': expected a whole number"),
        ("size=640", r"'size': expected WIDTHxHEIGHT such as 640x360, got '640'"),
        ("size=640x0", r"'size': expected 64 to 3840 pixels a side, got 640x0"),
        ("size=9999x360", r"'size': expected 64 to 3840"),
        ("seconds=0", r"'seconds': expected 0.1 to 86400 seconds"),
        ("seconds=inf", r"'seconds': expected a number"),
        ("shake=21", r"'shake': expected 0 to 20 pixels"),
        ("pan=-3", r"'pan': expected 0 to 20 degrees"),
        ("fsp=10", r"unknown scene parameter 'fsp': did you mean 'fps'\?"),
        ("colour=red", r"unknown scene parameter 'colour': known: seed, size"),
        ("seed=1&seed=2", r"'seed': expected once, got twice"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(query: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_scene_url(f"test://street?{query}")


@pytest.mark.parametrize("text", ["test://park", "test://", "rtsp://street", "street"])
def test_other_addresses_are_no_scenes(text: str) -> None:
    with pytest.raises(UsageError, match="expected test://street"):
        parse_scene_url(text)


def test_a_config_made_in_code_is_checked_too() -> None:
    with pytest.raises(UsageError, match="'shake'"):
        SceneConfig(shake=-1.0)

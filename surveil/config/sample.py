"""The commented sample, made from the models: it cannot name a key that is not there, nor forget one."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from pydantic import BaseModel

from surveil.config.camera import Camera
from surveil.config.describe import REQUIRED, Setting, settings
from surveil.config.load import section_in
from surveil.config.models import Config

WIDTH = 100

HEAD = """\
# surveil: cameras, and how they are watched.
#
# surveil config check FILE    says what is wrong with this file, with line and column
# surveil serve FILE           watches; changes of this file are taken over while it runs
#
# Passwords: keyring:NAME (after `keyring set surveil NAME`) or ${VARIABLE} from the environment.
# What stands behind a # is the default, and may be left away.

version: 1

cameras:
  # A drawn street, to try things out; remove it when your first camera is there.
  - test://street

  # The short form of a camera is its address:
  # - rtsp://10.0.0.7/stream1
  # The long form:
"""


def sample() -> str:
    """A file that works, with every key and what it is for."""
    lines = [HEAD.rstrip("\n")]
    lines += ["  # " + line for line in _camera_lines()]
    for name, field in Config.model_fields.items():
        section = section_in(field.annotation)
        if name != "cameras" and section is not None:
            lines += ["", *(f"# {line}" for line in _section_lines(name, str(field.description), section))]
    return "\n".join(lines) + "\n"


def _camera_lines() -> list[str]:
    """One camera with everything that can be said of it."""
    examples: dict[str, Any] = {
        "id": "door",
        "name": "Front door",
        "username": "admin",
        "password": "keyring:door",
    }
    shapes: dict[str, str] = {
        "inputs": "\n  - {url: rtsp://10.0.0.7/sub, roles: [detect]}"
        "\n  - {url: rtsp://10.0.0.7/main, roles: [record, live]}",
        "zones": "\n  - {name: yard, points: [[0.1, 0.5], [0.9, 0.5], [0.9, 1], [0.1, 1]]}",
        "lines": "\n  - {name: gate, points: [[0.2, 0.6], [0.8, 0.6]]}",
        "masks.privacy": "\n    - [[0, 0], [0.3, 0], [0.3, 0.4], [0, 0.4]]",
        "masks.detection": " []",
    }
    lines: list[str] = []
    for setting in settings(Camera):
        path = setting.path
        if "[]" in path:
            continue  # shown by example
        indent = "  " * len(setting.key)
        lines += _help(setting, indent)
        if path in shapes:
            value = textwrap.indent(shapes[path].lstrip("\n"), indent[2:]) if "\n" in shapes[path] else ""
            lines += [f"{indent}{setting.key[-1]}:{'' if value else shapes[path]}", *value.splitlines()]
        elif setting.kind == "section":
            lines.append(f"{indent}{setting.key[-1]}:")
        else:
            lines.append(f"{indent}{setting.key[-1]}: {_value(examples.get(path, setting.default))}")
    lines[:] = [line for line in lines if line.strip()]
    first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
    return [*lines[:first], "- " + lines[first].lstrip(), *lines[first + 1 :]]


def _section_lines(name: str, about: str, section: type[BaseModel]) -> list[str]:
    lines = [f"{name}:   # {about}"]
    for setting in settings(section, (name,)):
        indent = "  " * (len(setting.key) - 1)
        lines += _help(setting, indent)
        value = "" if setting.kind == "section" else f" {_value(setting.default)}"
        lines.append(f"{indent}{setting.key[-1]}:{value}")
    return lines


def _help(setting: Setting, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(setting.help, WIDTH - len(indent))]


def _value(default: Any) -> str:
    """As YAML; JSON is a part of it."""
    return "null" if default is REQUIRED else json.dumps(default)

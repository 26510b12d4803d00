"""What loading surveil costs, and who knows whom."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "PyQt6", "onnxruntime", "cv2", "av", "scipy", "filterpy", "openvino", "training"}
REPORT = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
HELP = "import sys; from surveil.__main__ import main; sys.argv[1:] = ['--help']; assert main() == 0"


def loaded(root: Path, code: str) -> set[str]:
    """The top-level modules of a fresh interpreter after it has run `code`."""
    command = [sys.executable, "-c", code + REPORT]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("code", ["import surveil", HELP], ids=["import surveil", "surveil --help"])
def test_nothing_heavy_is_loaded_before_it_is_needed(root: Path, code: str) -> None:
    assert loaded(root, code) & HEAVY == set()


def test_the_ground_floor_needs_numpy_alone(root: Path) -> None:
    floor = ["types", "geometry", "labels", "clock", "errors", "redact", "resources", "system", "version"]
    foreign = loaded(root, f"from surveil import {', '.join(floor)}") - loaded(root, "import numpy")
    assert {name for name in foreign if name not in sys.stdlib_module_names} == {"surveil"}


@pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="measured on POSIX only")
def test_help_is_quick(root: Path) -> None:
    code = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'surveil', '--help'],"
        " capture_output=True, check=True); used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        " print(used.ru_utime + used.ru_stime)"
    )
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True).stdout)
        for _ in range(3)
    )
    assert seconds < 0.5  # of processor time: a busy machine does not fail this


def test_rooms_keep_to_their_floors(root: Path) -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with the extra dev")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    result = subprocess.run([*command, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=110)
    assert result.returncode == 0, result.stdout + result.stderr

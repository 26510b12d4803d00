"""The commands beside `run`, each once for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surveil.app import health, measure

Cli = Callable[..., Any]


def test_demo_writes_its_files_and_says_what_is_next(cli: Cli, model: Path, tmp_path: Path) -> None:
    outcome = cli("demo", "--model", model)
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "surveil-out"
    assert sorted(path.name for path in folder.iterdir()) == ["demo.mot.txt", "demo.mp4", "demo.tracks.jsonl"]
    rows = (folder / "demo.tracks.jsonl").read_text().splitlines()
    assert outcome.out.startswith(f"frames  {len(rows)} in ")
    assert "Your own video:" in outcome.out


@pytest.mark.parametrize(("level", "code", "end"), [("ok", 0, "all is well"), ("problem", 1, "1 problem")])
def test_doctor_reports(cli: Cli, monkeypatch: pytest.MonkeyPatch, level: Any, code: int, end: str) -> None:
    found = health.Finding(level=level, subject="codecs", text="as they are", remedy="pip install x")
    monkeypatch.setattr(health, "examine", lambda: iter([found]))
    outcome = cli("doctor")
    assert outcome.code == code
    assert outcome.out.splitlines() == [f"{level:<8} codecs: as they are", "         -> pip install x", end]


def test_bench_prints_json_or_a_table(
    cli: Cli, model: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "SCENE", "test://street?size=160x90&fps=10&seconds=0.3")
    detect = json.loads(cli("bench", "detect", "--model", model, "--seconds", 0.1, "--json").out)
    assert detect["detections_per_s"] > 0
    pipeline = json.loads(cli("bench", "pipeline", clip, "--model", model, "--json").out)
    assert pipeline["frames"] == 20
    table = cli("bench", "pipeline", clip, "--model", model).out
    assert "stages_ms" in table
    assert "  decode " in table

"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from surveil.errors import SourceCause
from surveil.pipeline.state import StateName

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "assets").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
CODE = re.compile(r"`([\w./\-]+\.(?:py|md|toml)|[\w./\-]+/)`")
PLACES = ("", "surveil/", "training/", "docs/")


def unresolved(document: Path, names: list[str], places: tuple[str, ...]) -> list[str]:
    return [name for name in names if not any((document.parent / place / name).exists() for place in places)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    assert unresolved(document, LINK.findall(document.read_text(encoding="utf-8")), ("",)) == []


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(name: str) -> None:
    document = ROOT / name
    named = [code for code in CODE.findall(document.read_text(encoding="utf-8")) if "NAME" not in code]
    made = {"surveil-out/"}  # by the program, when it runs
    rooms = tuple(f"surveil/{room.name}/" for room in (ROOT / "surveil").iterdir() if room.is_dir())
    assert unresolved(document, [code for code in named if code not in made], (*PLACES, *rooms)) == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_state_and_cause_of_a_camera_is_explained() -> None:
    page = (ROOT / "docs" / "cameras.md").read_text(encoding="utf-8")
    firsts = re.findall(r"^\| ([^|`]+) \|", page, re.MULTILINE)
    told = {word.strip() for first in firsts for word in first.split(",")}
    assert set(SourceCause) - told == set()
    assert set(get_args(StateName)) - told == set()

"""The commands for a GPU are exact: every one is understood, and its recipes and rows are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from benchmarks import detectors
from training.cli import parser
from training.papers.tables import table_of
from training.recipes import RECIPES

PAGE = Path(__file__).parents[2] / "docs" / "training" / "gpu-queue.md"
BEGINS = re.compile(
    r"(?:timeout \d+ )?(?:python|torchrun --nproc-per-node \d+) (-m training|benchmarks/detectors\.py) "
)
NO_RECIPE = ("program", "convert", "table", "gan", "gan-paste", "sparsity", "bench-sparse")


def commands() -> list[str]:
    """Those of the page's blocks, with the shell's variables put in."""
    found, line_of = [], ""
    blocks = "\n".join(PAGE.read_text(encoding="utf-8").split("```")[1::2])
    for line in blocks.splitlines():
        if line.startswith('L="'):
            line_of = line[3:-1]
        elif BEGINS.match(line):
            typed = line.replace("$L", line_of).replace("$(cat /tmp/budget)", "1000").partition(" > ")[0]
            found.append(typed.replace("$RETURN", "there").replace("$CARRY", "here"))
    return found


def test_the_page_holds_commands() -> None:
    assert len(commands()) > 30
    assert not any("…" in command or "$" in command for command in commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_is_understood(command: str) -> None:
    begin = BEGINS.match(command)
    assert begin
    typed = shlex.split(command[begin.end() :], comments=True)
    if begin[1].startswith("benchmarks"):
        assert detectors.parser().parse_args(typed).device == "cuda"
        return
    options = parser().parse_args(typed)
    if options.command not in NO_RECIPE:
        assert options.recipe in RECIPES
    if options.command == "table":
        gan, real = (str(folder or "") for folder in (options.gan_pictures, options.real_pictures))
        table = table_of(options.table, full=options.full, gan_pictures=gan, real_pictures=real)
        names = options.rows.split(",") if options.rows else [row.name for row in table.rows]
        assert len(table.only(tuple(names)).rows) >= len(names)
    if options.command == "train" and options.larger:
        assert options.larger.partition("=")[0] in RECIPES

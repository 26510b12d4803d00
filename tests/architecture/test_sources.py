"""House rules that no linter knows: sizes of files, forbidden calls, machine paths, secrets, versions."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

import surveil

ROOT = Path(__file__).resolve().parents[2]
CODE = ("surveil", "training", "tests", "benchmarks")
MAX_LINES = 400
TEXT = {".py", ".md", ".toml", ".json", ".jsonl", ".yaml", ".yml", ".txt", ".csv", ".sh", ""}
MACHINE_PATHS = re.compile(r"(?<![\w.~/])/(?:work|root|opt|mnt|home/\w+|Users/\w+)/|[A-Z]:\\\\?Users\\")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bglpat-\w{20}|\bxox[bp]-\w{10}"
)
UNSAFE_MODULES = {"pickle", "cPickle", "shelve", "marshal", "dill", "joblib", "cloudpickle"}
UNSAFE_CALLS = {"eval", "exec", "os.system", "os.popen", "torch.load", "yaml.load", "subprocess.getoutput"}


def files(*folders: str) -> list[str]:
    """The Python files of some folders, as paths in the checkout."""
    return [
        path.relative_to(ROOT).as_posix() for name in folders for path in sorted((ROOT / name).rglob("*.py"))
    ]


@cache
def tree(name: str) -> ast.Module:
    """A parsed file."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


@cache
def calls(name: str) -> tuple[tuple[str, ast.Call], ...]:
    """The dotted name and the node of each call of a file."""
    found = (node for node in ast.walk(tree(name)) if isinstance(node, ast.Call))
    return tuple((ast.unparse(node.func), node) for node in found)


def constants(node: ast.Call) -> dict[str | None, object]:
    """The keyword arguments that are written down as constants."""
    return {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}


def texts() -> Iterator[Path]:
    """What people read in a checkout, without what git ignores."""
    folders = [ROOT / name for name in (*CODE, "docs", "assets", ".ci")]
    paths = [path for folder in folders for path in sorted(folder.rglob("*"))] + sorted(ROOT.glob("*"))
    return (
        path
        for path in paths
        if path.suffix in TEXT
        and path.is_file()
        and "__pycache__" not in path.parts
        and path.name != ".git"  # of a worktree: says where its repository lies
    )


def test_no_file_is_longer_than_400_lines() -> None:
    names = [*files(*CODE), "launch.py"]
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in names}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_every_file_says_what_it_is_for() -> None:
    code = [name for name in files("surveil", "training", "benchmarks") if tree(name).body]
    assert [name for name in code if not ast.get_docstring(tree(name))] == []


def test_every_folder_of_the_packages_is_a_package() -> None:
    folders = {(ROOT / name).parent for name in files("surveil", "training")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_nothing_unpickles_evaluates_or_starts_a_shell() -> None:
    found = []
    for name in files("surveil"):
        found += [f"{name}:{node.lineno}: {call}" for call, node in calls(name) if call in UNSAFE_CALLS]
        found += [f"{name}:{node.lineno}: shell" for _, node in calls(name) if "shell" in constants(node)]
        for node in ast.walk(tree(name)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{name}: {module}" for module in modules if module.partition(".")[0] in UNSAFE_MODULES]
    assert found == []


def test_training_loads_weights_only() -> None:
    found = []
    for name in files("training"):
        for call, node in calls(name):
            safe = call == "torch.load" and constants(node).get("weights_only") is True
            if call in ("torch.load", "pickle.load", "pickle.loads") and not safe:
                found.append(f"{name}:{node.lineno}: {call}")
    assert found == []


def test_only_the_command_line_prints() -> None:
    rooms = [name for name in files("surveil") if not name.startswith("surveil/cli/")]
    assert [f"{name}:{node.lineno}" for name in rooms for call, node in calls(name) if call == "print"] == []


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, SECRETS], ids=["machine paths", "secrets"])
def test_texts_hold_no(pattern: re.Pattern[str]) -> None:
    found = []
    for path in texts():
        lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in lines
            if pattern.search(line)
        ]
    assert found == []


def test_the_version_is_one() -> None:
    newest = re.search(
        r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest is not None
    assert newest[1] == surveil.__version__


def test_what_is_installed_is_this_version() -> None:
    installed = [dist.version for dist in metadata.distributions(name="surveil")]
    if not installed:
        pytest.skip("surveil runs from the checkout, it is not installed")
    assert set(installed) == {surveil.__version__}


def test_the_project_file_names_what_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["license-files"], project["readme"]]
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert project["requires-python"] == ">=3.11"

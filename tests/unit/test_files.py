from __future__ import annotations

import os
from pathlib import Path

import pytest

from surveil.files import write_atomic


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"before")
    path.chmod(0o644)
    write_atomic(path, b"after")
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    write_atomic(path, b"open", mode=0o640)
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "f", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    write_atomic(link, b"x")
    assert link.is_symlink()
    assert target.read_bytes() == b"x"


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_after_a_failure_the_file_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"before")

    def fail(*arguments: object) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(Path if broken == "replace" else os, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"after")
    monkeypatch.undo()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "f", b"")

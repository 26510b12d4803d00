"""Where the shipped files are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveil import resources
from surveil.errors import UsageError


def test_a_wheel_carries_them_and_a_checkout_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "surveil" / "resources.py"))
    with pytest.raises(UsageError, match="install surveil again"):
        resources.assets_dir()
    (tmp_path / "assets").mkdir()
    assert resources.assets_dir() == tmp_path / "assets"
    (tmp_path / "surveil" / "_assets").mkdir(parents=True)
    assert resources.assets_dir() == tmp_path / "surveil" / "_assets"

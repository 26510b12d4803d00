"""What the operating system must bring."""

from __future__ import annotations

import sys

import pytest

from surveil import system


def test_only_libraries_that_cannot_be_loaded_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(system.ctypes, "CDLL", lambda name: _load(name, present={"libGL.so.1"}))
    assert system.missing_packages(system.BASE) == ("libglib2.0-0",)
    assert system.missing_packages(system.BASE, {"libEGL.so.1": "libegl1"}) == ("libglib2.0-0", "libegl1")


def _load(name: str, present: set[str]) -> object:
    if name not in present:
        raise OSError(f"{name}: cannot open shared object file")
    return object()


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_bring_their_own(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert system.missing_packages(system.BASE, system.QT, system.XCB) == ()


@pytest.mark.parametrize(
    ("qt", "wayland", "platform", "expected"),
    [
        ("offscreen", None, "linux", False),
        ("xcb", "wayland-0", "linux", True),
        ("", None, "linux", True),
        ("", "wayland-0", "linux", False),
        ("", None, "win32", False),
    ],
)
def test_which_windows_need_xcb(
    qt: str, wayland: str | None, platform: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("QT_QPA_PLATFORM", qt)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if wayland:
        monkeypatch.setenv("WAYLAND_DISPLAY", wayland)
    assert system.wants_xcb() is expected


def test_memory_is_given_back_where_the_system_can() -> None:
    system.give_memory_back()
    system.give_memory_back()

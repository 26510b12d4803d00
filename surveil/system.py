"""What the operating system must bring, and how to get it; and what is given back to it.

Standard library only: `launch.py` reads these tables before anything is installed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

BASE = {  # what `import cv2` and PyQt6 need on Linux: shared library -> Debian package
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
QT = {  # any Qt window, also offscreen
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
XCB = {  # Qt's window on an X11 screen
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
}


def missing_packages(*groups: dict[str, str]) -> tuple[str, ...]:
    """Debian packages of the shared libraries that cannot be loaded; empty outside Linux.

    Args:
        groups: tables from library to package: `BASE`, `QT`, `XCB`.
    """
    if not sys.platform.startswith("linux"):
        return ()
    return tuple(package for group in groups for library, package in group.items() if not _loads(library))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def give_memory_back() -> None:
    """Hand what was freed back to the system, where the C library keeps it (glibc on Linux).

    For after the end of a stream: its large buffers were freed by other threads than asked for them, and lie
    between small ones that stay, so that the library would never do it by itself.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def install_hint(packages: Iterable[str]) -> str:
    """The command that installs packages on Debian and Ubuntu; other systems name them a little differently.

    >>> install_hint(["libegl1"])
    'sudo apt-get install libegl1'
    """
    return "sudo apt-get install " + " ".join(packages)


def wants_xcb() -> bool:
    """True when a Qt window would open on an X11 screen of this machine."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform:
        return platform.startswith("xcb")
    return sys.platform.startswith("linux") and "WAYLAND_DISPLAY" not in os.environ

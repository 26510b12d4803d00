"""What must be put right before Qt opens its first window."""

from __future__ import annotations

import os

from surveil.errors import UsageError
from surveil.system import BASE, QT, XCB, install_hint, missing_packages, wants_xcb

# OpenCV's wheel points these at its own Qt plug-ins when it is imported; PyQt6 would load those and abort.
OPENCV_QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def prepare_environment() -> None:
    """Neutralise OpenCV's Qt variables and check that Qt can open a window.

    Raises:
        UsageError: system libraries are missing (Qt would abort the process), or PyQt6, or a screen.
    """
    import cv2  # noqa: F401  importing it sets the variables, so it comes first

    for name in OPENCV_QT_VARIABLES:
        os.environ.pop(name, None)
    groups = (BASE, QT, XCB) if wants_xcb() else (BASE, QT)
    missing = missing_packages(*groups)
    if missing:
        raise UsageError(
            f"the desktop needs system libraries that are not installed: {', '.join(missing)}. "
            f"Install them: {install_hint(missing)}"
        )
    try:
        import PyQt6.QtWidgets  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"the desktop needs PyQt6, which cannot be loaded here ({error}). Install it: pip install PyQt6. "
            "Everything but the desktop works without: `surveil run`, `surveil serve`"
        ) from error
    if wants_xcb() and os.name == "posix" and not os.environ.get("DISPLAY"):
        raise UsageError(
            "there is no screen to open a window on (DISPLAY is not set). "
            "Start surveil in a desktop session, or use `surveil run` without a window"
        )

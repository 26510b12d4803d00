"""Where the shipped files lie: `assets/` of a checkout, `surveil/_assets/` of an installed wheel."""

from __future__ import annotations

from pathlib import Path

from surveil.errors import UsageError


def assets_dir() -> Path:
    """The folder that holds `models/` and `clips/`.

    Raises:
        UsageError: neither place is there: the installation is not complete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_assets", package.parent / "assets"):
        if folder.is_dir():
            return folder
    raise UsageError(
        f"the folder of shipped models and clips is missing (looked for {package / '_assets'} and "
        f"{package.parent / 'assets'}): install surveil again"
    )


def demo_clip() -> Path:
    """The clip that the demo plays. Raises UsageError when it is missing."""
    clip = assets_dir() / "clips" / "street.mp4"
    if not clip.is_file():
        raise UsageError(f"the shipped clip {clip} is missing: install surveil again")
    return clip

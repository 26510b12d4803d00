"""A picture of a camera, with its overlay, in the camera's own size, as a file. No Qt here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from surveil.capture.spec import safe_name
from surveil.errors import OutputError
from surveil.files import write_atomic
from surveil.render.overlay import Overlay
from surveil.render.shapes import Shape
from surveil.render.style import OverlayStyle
from surveil.types import FrameResult


def pictures_folder() -> Path:
    """Where snapshots of this user go."""
    from platformdirs import user_pictures_path

    return user_pictures_path() / "surveil"


def save_snapshot(
    result: FrameResult, title: str, style: OverlayStyle, shapes: Sequence[Shape], folder: Path
) -> Path:
    """Write FOLDER/TITLE DATE TIME.png; the file. Raises OutputError."""
    import cv2

    image = result.frame.image.copy()
    overlay = Overlay(style)
    overlay.shapes = tuple(shapes)
    overlay.draw(image, result)
    made, data = cv2.imencode(".png", image)
    when = datetime.fromtimestamp(result.frame.wall_s).strftime("%Y-%m-%d %H-%M-%S")
    path = folder / f"{re.sub('-source$', '', safe_name(title))} {when}.png"
    path = next(
        p for p in (path, *(path.with_stem(f"{path.stem} {n}") for n in range(2, 999))) if not p.exists()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if made:
            write_atomic(path, data.tobytes(), mode=0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    if not made:
        raise OutputError(f"cannot write {path}: the picture could not be encoded")
    return path

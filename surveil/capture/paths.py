"""A first look at a file, before anything heavy is loaded for it."""

from __future__ import annotations

from pathlib import Path

from surveil.errors import SourceCause, SourceError


def check_file(path: Path) -> None:
    """Look whether a recording is there, can be read and holds anything; it is not decoded.

    Raises SourceError with cause and remedy.
    """
    try:
        if path.is_dir():
            raise SourceError(f"{path}: is a folder", SourceCause.NOT_VIDEO, "Give a file in it.")
        if not path.exists():
            raise SourceError(f"{path}: there is no such file", SourceCause.NOT_FOUND, "Check the path.")
        if not path.is_file():
            raise SourceError(f"{path}: is not an ordinary file", SourceCause.UNSUPPORTED, "Give a file.")
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceError(
                    f"{path}: the file is empty (0 bytes)", SourceCause.EMPTY, "Copy or record it again."
                )
    except PermissionError as error:
        raise SourceError(
            f"{path}: may not be read", SourceCause.REFUSED, "Give your user the right to read it."
        ) from error
    except (OSError, ValueError) as error:
        raise SourceError(f"{path!s}: {error}", SourceCause.NOT_FOUND, "Check the path.") from error

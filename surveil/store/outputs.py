"""Output paths: looked at before any work begins, so that no long run ends at a door that was shut."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable
from os import W_OK, access
from pathlib import Path

from surveil.errors import OutputError, UsageError

VIDEO_SUFFIX = ".mp4"
TRACKS_SUFFIX = ".txt"

_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "make room, or name a file on another disk"),
    errno.EDQUOT: ("the disk quota is used up", "make room, or name a file on another disk"),
    errno.EFBIG: ("the file grew beyond what its disk allows", "write shorter pieces, or name another disk"),
    errno.EACCES: ("permission denied", "name a place where you may write"),
    errno.EPERM: ("permission denied", "name a place where you may write"),
    errno.EROFS: ("the disk is read-only", "name a file on another disk"),
    errno.EISDIR: ("it is a folder", "name a file in it"),
    errno.ENOTDIR: ("a part of its path is a file, not a folder", "correct the path"),
    errno.EEXIST: ("a part of its path is a file, not a folder", "correct the path"),
    errno.ENAMETOOLONG: ("the name is too long", "name a shorter one"),
    errno.EPIPE: ("its reader has gone", "keep the reader running"),
    errno.EIO: ("the disk reports a fault", "look after the disk, and name a file on another"),
}


def output_error(path: Path | str, error: Exception, kept: Path | None = None) -> OutputError:
    """The `OutputError` that says which output failed, why, what to do, and where the part so far lies."""
    said = getattr(error, "strerror", None) or str(error)
    reason, remedy = _REASONS.get(getattr(error, "errno", None) or 0, (said, "name another output"))
    safe = f"; what was written so far is in {kept}" if kept is not None else ""
    return OutputError(f"cannot write {path}: {reason}: {remedy}{safe}")


def prepare_output(path: Path, *, only_files: bool = False) -> None:
    """Make the folder of an output and prove that it can be written, without touching what is there.

    Args:
        path: the file that will be written.
        only_files: refuse pipes and devices, which a finished file cannot replace.

    Raises:
        OutputError: the path is a folder, or the folder or file cannot be written.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if path.exists():
            if only_files and not path.is_file():
                raise OSError(errno.EINVAL, "it is a pipe or device, which cannot hold a video")
            if not access(path, W_OK):
                raise PermissionError(errno.EACCES, "may not be written")
            if not path.is_file():
                return
        folder = path.resolve().parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise output_error(path, error) from error


def check_video_name(path: Path) -> None:
    """Refuse a name that promises another kind of video than is written. Raises UsageError."""
    if path.suffix.lower() != VIDEO_SUFFIX:
        raise UsageError(
            f"the output {path}: videos are written as MP4: name a file that ends in {VIDEO_SUFFIX} "
            "(a folder is for several sources)"
        )


def check_folders(paths: Iterable[Path]) -> None:
    """Refuse a file's name where a folder is meant. Raises UsageError."""
    for path in paths:
        if path.suffix.lower() in (VIDEO_SUFFIX, TRACKS_SUFFIX):
            raise UsageError(
                f"the output {path}: with several sources it is a folder that gets a file for each: "
                f"name one, such as {path.with_suffix('')}"
            )


def check_distinct(outputs: Iterable[Path], inputs: Iterable[Path] = ()) -> None:
    """Refuse outputs that would overwrite each other or an input.

    Raises:
        UsageError: two outputs are one file, or an output is an input.
    """
    taken = {path.resolve(): f"the input {path}" for path in inputs}
    for path in outputs:
        place = path.resolve()
        if place.exists() and not place.is_file():
            continue  # a pipe or device may serve twice
        if place in taken:
            raise UsageError(f"the output {path} would overwrite {taken[place]}: name another file")
        taken[place] = f"the output {path}"

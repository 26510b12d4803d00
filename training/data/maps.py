"""Large arrays in files, whose space is taken when they are made.

A memory map of a sparse file takes its space page by page, when it is written to; where the disk is full by
then, the system ends the process with SIGBUS: no error, no message. So the space is looked for first, and
taken at once where the file system can (`posix_fallocate`); pictures are written as files are.
"""

import errno
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.errors import OutputError

HEAD = 4096  # bytes, at most, before the numbers of a `.npy` file
UNABLE = (
    errno.EOPNOTSUPP,
    errno.EINVAL,
    errno.ENODEV,
    errno.ENOSYS,
)  # of file systems that cannot take space


def check_space(folder: Path, needed: int, what: str, remedy: str) -> None:
    """Refuse what does not fit on a disk.

    Args:
        folder: Where it is to lie; it is there.
        needed: Bytes that are still to be written.
        what: That needs them.
        remedy: What a user can do, after "free some space".

    Raises:
        OutputError: Fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{folder}: {what} need {needed:,} bytes, {free:,} are free there: free some space, {remedy}"
        )


def take_space(files: Sequence[Path], what: str, remedy: str, share: float = 1.0) -> None:
    """Take the space of files of one folder that are perhaps sparse; arguments and errors: `check_space`.

    It costs nothing when they have it already. `share`: from their beginnings on; the rest stays as it is.
    """
    check_space(files[0].parent, sum(_missing(path, _wanted(path, share)) for path in files), what, remedy)
    if not hasattr(os, "posix_fallocate"):
        return
    for path in files:
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, _wanted(path, share))
            except OSError as error:
                if error.errno not in UNABLE:
                    raise OutputError(
                        f"{path}: no space for it ({error.strerror}); {what} need {path.stat().st_size:,} "
                        f"bytes in this file alone: free some space, {remedy}"
                    ) from error


def _wanted(path: Path, share: float) -> int:
    """Bytes of a share of a `.npy` file, whose head comes first."""
    size = path.stat().st_size
    return min(math.ceil(share * size) + HEAD, size)


def _missing(path: Path, wanted: int) -> int:
    """Bytes of those wanted that have no place on the disk yet; all, where the system does not tell."""
    return max(wanted - 512 * getattr(path.stat(), "st_blocks", 0), 0)


def new_maps(
    folder: Path,
    fields: Mapping[str, tuple[tuple[int, ...], Any]],
    what: str,
    remedy: str,
    share: float = 1.0,
) -> None:
    """Make `NAME.npy` of zeros for every field, shape and dtype; arguments and errors: `take_space`.

    Nothing is left where they cannot be made.
    """
    files = [folder / f"{name}.npy" for name in fields]
    with _whole_or_nothing(files, f"{folder}: {what} cannot be made", remedy):
        for path, (shape, dtype) in zip(files, fields.values(), strict=True):
            np.lib.format.open_memmap(path, "w+", dtype, shape)
        take_space(files, what, remedy, share)


@contextmanager
def _whole_or_nothing(files: Sequence[Path], trouble: str, remedy: str) -> Iterator[None]:
    """Remove the files where the block fails; what the system refuses becomes an OutputError."""
    try:
        yield
    except BaseException as error:
        for path in files:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(f"{trouble} ({error.strerror or error}): {remedy}") from error
        raise


class PictureFile:
    """A `.npy` file of pictures (N, side, side, 3) uint8, written picture by picture; see `picture_file`.

    Rows below a picture stay a hole of the file where it can have holes; they are read as black.
    """

    def __init__(self, path: Path, count: int, side: int) -> None:
        """Make it, black."""
        pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, side, side, 3))
        self.side, self._begin = side, int(pixels.offset)
        del pixels
        self._file = path.open("r+b")

    def write(self, k: int, picture: NDArray[np.uint8]) -> None:
        """Put a picture (H, W, 3) into the upper left corner of number k. Raises OSError on a full disk."""
        height, width = picture.shape[:2]
        rows = np.zeros((height, self.side, 3), np.uint8)
        rows[:, :width] = picture
        self._file.seek(self._begin + k * self.side * self.side * 3)
        self._file.write(rows.data)

    def close(self, *, sync: bool) -> None:
        """Close it; with `sync`, when all of it is on the disk. Raises OSError."""
        try:
            if sync:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()


@contextmanager
def picture_file(path: Path, heights: Sequence[int], side: int, remedy: str) -> Iterator[PictureFile]:
    """A file of pictures of these heights that appears under its name when all went well.

    Raises:
        OutputError: There is no space for them, at the beginning or later; nothing is left.
    """
    part = path.with_suffix(f".part{path.suffix}")
    check_space(path.parent, 3 * side * sum(heights), f"{len(heights)} decoded pictures", remedy)
    with _whole_or_nothing([part], f"{path}: cannot be written", f"free some space, {remedy}"):
        store = PictureFile(part, len(heights), side)
        try:
            yield store
        except BaseException:
            with suppress(OSError):
                store.close(sync=False)
            raise
        store.close(sync=True)
        part.replace(path)

"""Lines of text, written through at once: a reader can follow a run, and a crash loses nothing."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self, TextIO

from surveil.errors import OutputError
from surveil.store.outputs import output_error, prepare_output


class LineFile:
    """A text output of whole lines, in a file or on a stream.

    A file is written in place (no `.part`): every line is whole and useful by itself, also the last one on a
    full disk. The first `write`, be it an empty one, replaces what the file held before; until then it is
    not touched, and without one there is no file.
    """

    def __init__(self, target: Path | TextIO) -> None:
        """Look at the target.

        Args:
            target: a file; or a text stream such as standard output, which is flushed but never closed.

        Raises:
            OutputError: the file cannot be written.
        """
        self._name = str(target) if isinstance(target, Path) else getattr(target, "name", "the output stream")
        self._target = target
        self._file: FileIO | None = None
        self._closed = False
        if isinstance(target, Path):
            prepare_output(target)

    def write(self, lines: str) -> None:
        r"""Write text that ends with `\n` (or is empty), at once.

        Raises:
            OutputError: it could not be written, or the output is closed.
        """
        if self._closed:
            raise OutputError(f"cannot write {self._name}: it is closed already")
        try:
            if isinstance(self._target, Path):
                _append(self._opened(self._target), lines.encode())
            else:
                self._target.write(lines)
                self._target.flush()
        except OSError as error:
            self.close()
            raise output_error(self._name, error) from error

    def _opened(self, path: Path) -> FileIO:
        if self._file is None:
            self._file = path.open("wb", buffering=0)
        return self._file

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        self._closed = True
        if self._file is not None:
            # Every line went out when it was written: there is nothing left that could fail.
            with suppress(OSError):
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _append(file: FileIO, data: bytes) -> None:
    """Write all of `data`, or nothing where the file is an ordinary one."""
    rest = memoryview(data)
    try:
        while rest:  # a nearly full disk takes a piece, and refuses only the next
            rest = rest[file.write(rest) :]
    except OSError:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            with suppress(OSError):  # the failure above is the one to tell
                file.truncate(file.tell() - (len(data) - len(rest)))
        raise


class LineWriter:
    """The frame of a writer of lines: opening, finishing, giving up. `_lines` takes the text."""

    def __init__(self, target: Path | TextIO) -> None:
        """Open a file, or use a text stream that stays open. Raises OutputError if it cannot be written."""
        self._lines = LineFile(target)

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        self._lines.close()

    def abort(self) -> None:
        """Stop after a failure; what is written stays."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

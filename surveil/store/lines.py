"""Lines of text, written through at once: a reader can follow a run, and a crash loses nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self, TextIO

from surveil.errors import OutputError
from surveil.store.outputs import output_error, prepare_output


class LineFile:
    """A text output of whole lines, in a file or on a stream.

    A file is written in place (no `.part`): every line is whole and useful by itself. What it held before is
    cut off by the first line, or by `close` where no line came; not by opening, nor by `abort`.
    """

    def __init__(self, target: Path | TextIO) -> None:
        """Open the target.

        Args:
            target: a file; or a text stream such as standard output, which is flushed but never closed.

        Raises:
            OutputError: the file cannot be written.
        """
        self._name = str(target) if isinstance(target, Path) else getattr(target, "name", "the output stream")
        self._owned = isinstance(target, Path)
        self._stale = self._owned
        self._closed = False
        if not isinstance(target, Path):
            self._stream: TextIO = target
            return
        prepare_output(target)
        try:
            self._stream = target.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise output_error(target, error) from error
        self._stale = target.is_file()

    def write(self, lines: str) -> None:
        r"""Write text that ends with `\n` (or is empty), at once.

        Raises:
            OutputError: it could not be written, or the output is closed.
        """
        if self._closed:
            raise OutputError(f"cannot write {self._name}: it is closed already")
        try:
            self._drop_stale()
            self._stream.write(lines)
            self._stream.flush()
        except OSError as error:
            self.abort()
            raise output_error(self._name, error) from error

    def _drop_stale(self) -> None:
        if self._stale:
            os.truncate(self._stream.fileno(), 0)
            self._stale = False

    def close(self) -> None:
        """Finish the file; a second call does nothing.

        Raises:
            OutputError: the last bytes could not be written.
        """
        if self._closed:
            return
        try:
            self._drop_stale()
        except OSError as error:
            raise output_error(self._name, error) from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Stop, and keep what is there."""
        self._closed = True
        if self._owned:
            # Every line was flushed when written: only one that failed can fail again, and that is reported.
            with suppress(OSError):
                self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class LineWriter:
    """The frame of a writer of lines: opening, finishing, giving up. `_lines` takes the text."""

    def __init__(self, target: Path | TextIO) -> None:
        """Open a file, or use a text stream that stays open. Raises OutputError if it cannot be written."""
        self._lines = LineFile(target)

    def close(self) -> None:
        """Finish the file; a second call does nothing. Raises OutputError."""
        self._lines.close()

    def abort(self) -> None:
        """Stop after a failure; what is written stays."""
        self._lines.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._lines.__exit__(kind)

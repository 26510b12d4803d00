from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from surveil.errors import OutputError
from surveil.store.lines import LineFile


def test_every_line_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with LineFile(path) as lines:
        lines.write("one\n")
        assert path.read_bytes() == b"one\n"
        lines.write("two\n")
        assert path.read_bytes() == b"one\ntwo\n"


def test_what_was_there_goes_with_the_first_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("an older and longer text\n")
    lines = LineFile(path)
    assert path.read_text() == "an older and longer text\n"
    lines.write("new\n")
    lines.close()
    assert path.read_text() == "new\n"


def test_a_run_that_saw_nothing_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old\n")
    with LineFile(path) as lines:
        lines.write("")
    assert path.read_text() == ""


def test_a_run_without_a_frame_leaves_the_old_text_and_no_new_file(tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("old\n")
    for path in (old, new):
        LineFile(path).close()
    assert old.read_text() == "old\n"
    assert not new.exists()


def test_a_stream_is_flushed_and_stays_open() -> None:
    class Stream(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Stream()
    with LineFile(stream) as lines:
        lines.write("one\n")
        assert stream.flushed == 1
    assert not stream.closed
    assert stream.getvalue() == "one\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are those of POSIX")
def test_a_reader_that_has_gone_is_reported() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        lines = LineFile(stream)
        with pytest.raises(OutputError, match="its reader has gone") as caught:
            lines.write("one\n")
        assert isinstance(caught.value.__cause__, BrokenPipeError)
        with pytest.raises(BrokenPipeError):
            stream.close()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of POSIX")
def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    import resource
    import signal

    path, before = tmp_path / "a.txt", resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    lines = LineFile(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (250, before[1]))  # takes two lines and a half
        lines.write(("x" * 99 + "\n") * 2)
        with pytest.raises(OutputError, match="allows"):
            lines.write("x" * 99 + "\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_text() == ("x" * 99 + "\n") * 2


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are those of POSIX")
def test_a_named_pipe_can_be_followed(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with LineFile(path) as lines:
        lines.write("one\n")
        assert os.read(reader, 100) == b"one\n"
    os.close(reader)

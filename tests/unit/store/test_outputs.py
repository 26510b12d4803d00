from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from surveil.errors import OutputError, UsageError
from surveil.store.outputs import check_distinct, output_error, prepare_output

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and modes are those of POSIX")


def test_the_folder_is_made_and_nothing_else(tmp_path: Path) -> None:
    prepare_output(tmp_path / "a" / "b" / "out.mp4")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("precious")
    before = path.stat().st_mtime_ns
    prepare_output(path, only_files=True)
    assert (path.read_text(), path.stat().st_mtime_ns) == ("precious", before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is a folder: name a file in it"):
        prepare_output(tmp_path)


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="part of its path is a file"):
        prepare_output(tmp_path / "file" / "out.mp4")


def test_too_long_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"name is too long|No such file"):
        prepare_output(tmp_path / ("x" * 300 + ".mp4"))


@posix
def test_what_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("")
    path.chmod(0o444)
    if os.geteuid() == 0:  # root may write everything: take what another user would be told
        monkeypatch.setattr("surveil.store.outputs.access", lambda *_: False)
    with pytest.raises(OutputError, match="permission denied"):
        prepare_output(path)


def test_a_folder_without_room_for_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="the disk is read-only: name a file on another disk"):
        prepare_output(tmp_path / "out.mp4")


@posix
def test_a_pipe_takes_text_but_no_video(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    prepare_output(pipe)
    with pytest.raises(OutputError, match="cannot hold a video"):
        prepare_output(pipe, only_files=True)


def test_an_output_must_not_be_an_input(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("")
    (tmp_path / "sub").mkdir()
    with pytest.raises(UsageError, match="would overwrite the input"):
        check_distinct([tmp_path / "sub" / ".." / "clip.mp4"], [clip])


def test_outputs_must_differ(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would overwrite the output"):
        check_distinct([tmp_path / "a", tmp_path / "b", tmp_path / "a"])
    check_distinct([tmp_path / "a", tmp_path / "b"], [tmp_path / "c"])


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no such device here")
def test_a_device_may_serve_twice() -> None:
    check_distinct([Path("/dev/null"), Path("/dev/null")])


def test_a_failure_says_where_the_rest_is() -> None:
    error = output_error(Path("a.mp4"), OSError(errno.ENOSPC, "No space left"), Path("a.mp4.part"))
    assert "a.mp4: the disk is full" in str(error)
    assert str(error).endswith("what was written so far is in a.mp4.part")


def test_an_unknown_failure_is_given_in_its_own_words() -> None:
    assert "strange thing" in str(output_error("a", OSError(errno.EDOM, "strange thing")))
    assert "no such encoder" in str(output_error("a", ValueError("no such encoder")))

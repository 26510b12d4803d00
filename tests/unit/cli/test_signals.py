"""Ctrl-C, SIGTERM, and a reader that leaves: files are finished, the exit code tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.clips import write_clip
from tests.support.rtsp_camera import RtspCamera

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that its lines fill the pipe to a reader that waits."""
    return write_clip(tmp_path_factory.mktemp("long") / "long.mp4", frames=1500, gop=500)


def first_lines(process: subprocess.Popen[str], count: int) -> list[Any]:
    """The next lines, byte by byte: what a buffer read ahead would be lost to `communicate`."""
    assert process.stdout is not None
    return [json.loads(line(process.stdout.fileno())) for _ in range(count)]


def line(descriptor: int) -> bytes:
    """Up to the end of a line, or of the stream."""
    read = bytearray()
    while not read.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        read += byte
    return bytes(read)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signal_finishes_the_files(
    start: Start, model: Path, long_clip: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("run", long_clip, "--model", model, "--out", "o.mp4", "--jsonl", "-", "--mot", "o.txt")
    rows = first_lines(process, 20)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    rows += [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert [row["frame"] for row in rows] == list(range(len(rows)))
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(rows)
    assert not (tmp_path / "o.mp4.part").exists()


def test_reader_that_leaves_ends_the_run_quietly(
    start: Start, model: Path, long_clip: Path, tmp_path: Path
) -> None:
    process = start("run", long_clip, "--model", model, "--out", "o.mp4", "--jsonl", "-", "-q")
    first_lines(process, 3)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 3


def test_kill_leaves_a_part_that_plays(start: Start, model: Path, long_clip: Path, tmp_path: Path) -> None:
    process = start("run", long_clip, "--model", model, "--out", "o.mp4", "--jsonl", "-", "-q")
    rows = first_lines(process, 100)
    process.kill()
    out, _ = process.communicate(timeout=30)
    written_s = (len(rows) + len(out.splitlines()) - 1) / 10
    assert not (tmp_path / "o.mp4").exists()
    with av.open(str(tmp_path / "o.mp4.part"), format="mp4") as container:
        last_s = [frame.time for frame in container.decode(video=0)][-1]
    assert written_s - last_s <= 1.5


def test_camera_is_watched_for_some_seconds_or_until_a_signal(
    start: Start, model: Path, clip: Path, tmp_path: Path
) -> None:
    with RtspCamera(clip) as camera:
        process = start("run", camera.url, "--model", model, "--out", "o.mp4", "--jsonl", "-", "--end", 3)
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        rows = [json.loads(line) for line in out.splitlines()]
        assert len(rows) > 3
        assert sorted({row["frame"] for row in rows}) == [row["frame"] for row in rows]
        with av.open(str(tmp_path / "o.mp4")) as container:
            assert sum(1 for _ in container.decode(video=0)) == len(rows)

        process = start("run", camera.url, "--model", model, "--no-video", "--jsonl", "-")
        first_lines(process, 3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err


def test_camera_that_comes_back_goes_on(start: Start, model: Path, clip: Path) -> None:
    with RtspCamera(clip) as camera:
        process = start("run", camera.url, "--model", model, "--no-video", "--jsonl", "-")
        before = first_lines(process, 3)
        camera.kick()
        after = first_lines(process, 30)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    frames = [row["frame"] for row in before + after]
    assert frames == sorted(set(frames))
    stamps = [row["pts_s"] for row in before + after]
    assert stamps == sorted(set(stamps))

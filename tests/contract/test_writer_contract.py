"""What every writer of `store` promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from surveil.errors import OutputError
from surveil.store.jsonl import DetectionsJsonlWriter, TracksJsonlWriter
from surveil.store.mot import MotWriter
from surveil.store.video import VideoWriter
from surveil.types import FrameResult
from tests.support.results import A, result_of


class Writer(Protocol):
    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def __enter__(self) -> Any: ...

    def __exit__(self, *why: Any) -> None: ...


class OfResults(VideoWriter):
    """The video writer, fed with results as the others are."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, rate_hz=10)

    def write(self, result: FrameResult) -> None:  # type: ignore[override]
        super().write(result.frame.image, result.frame.pts_s)


Open = Callable[[Path], Writer]
WRITERS: dict[str, Open] = {
    "tracks": TracksJsonlWriter,
    "detections": DetectionsJsonlWriter,
    "mot": MotWriter,
    "video": OfResults,
}
SIZE = (64, 48)


@pytest.fixture(params=WRITERS.values(), ids=WRITERS.keys())
def make(request: pytest.FixtureRequest) -> Open:
    return request.param


def feed(writer: Writer, count: int = 3) -> None:
    for k in range(count):
        writer.write(result_of([A(1, (k, 0, k + 10, 20))], index=k, size=SIZE))


def test_the_folder_is_made_and_the_file_is_whole_after_close(make: Open, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "out"
    with make(path) as writer:
        feed(writer)
    assert path.stat().st_size > 0
    assert list(path.parent.iterdir()) == [path]


def test_the_same_results_give_the_same_bytes(make: Open, tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        with make(path) as writer:
            feed(writer)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_an_older_file_is_replaced_whole(make: Open, tmp_path: Path) -> None:
    fresh, reused = tmp_path / "fresh", tmp_path / "reused"
    reused.write_bytes(b"older " * 100_000)
    for path in (fresh, reused):
        with make(path) as writer:
            feed(writer)
    assert reused.read_bytes() == fresh.read_bytes()


def test_opening_alone_harms_nothing(make: Open, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("older")
    writer = make(path)
    assert path.read_text() == "older"
    writer.abort()
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("end", ["close", "abort"])
def test_it_ends_once_and_takes_nothing_after(make: Open, tmp_path: Path, end: str) -> None:
    writer = make(tmp_path / "out")
    feed(writer, 2)
    for _ in range(2):
        getattr(writer, end)()
    writer.close()
    with pytest.raises(OutputError, match=r"out: it is closed"):
        writer.write(result_of(index=9, size=SIZE))


def test_a_folder_is_refused_at_once(make: Open, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        make(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused_at_once(make: Open, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*file.out: a part of its path is a file"):
        make(tmp_path / "file" / "out")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_reported(make: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if make is OfResults:  # a video is no device: its part is led to the full one
        (tmp_path / "out.part").symlink_to("/dev/full")
    target = tmp_path / "out" if make is OfResults else Path("/dev/full")
    writer = make(target)
    with pytest.raises(OutputError, match="the disk is full: make room"):
        feed(writer, 40)
    writer.close()  # the failure was told once


def test_an_error_passes_through_unchanged(make: Open, tmp_path: Path) -> None:
    def run() -> None:
        with make(tmp_path / "out") as writer:
            feed(writer)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run()

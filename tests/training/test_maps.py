"""A full disk is an error when space is taken, never a death by SIGBUS later; nothing is left of it."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from surveil.errors import OutputError
from tests.training.tiny import CACHE, TinyData
from training.data.cache import FeatureCache
from training.data.decode import decode_images
from training.data.maps import PictureFile, new_maps, take_space
from training.errors import DataError

FIELDS = {"a": ((10, 100), np.float32), "b": ((10,), np.int8)}


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """A disk with so many free bytes."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """No file can be written beyond so many bytes: the kernel fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="blocks of files are counted as Linux does")
def test_new_maps_have_their_space(tmp_path: Path) -> None:
    new_maps(tmp_path, FIELDS, "numbers", "wait")
    for name, (shape, kind) in FIELDS.items():
        stat = (tmp_path / f"{name}.npy").stat()
        assert 512 * stat.st_blocks >= stat.st_size
        read = np.load(tmp_path / f"{name}.npy")
        assert (read.shape, read.dtype) == (shape, kind)
        assert not read.any()


def test_too_little_space_names_what_is_needed_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 1_000)
    wanted = r"numbers need [34],\d{3},\d{3} bytes, 1,000 are free there: free some space, wait"
    with pytest.raises(OutputError, match=wanted):
        new_maps(tmp_path, {"a": ((1000, 1000), np.float32)}, "numbers", "wait")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot take space")
def test_space_that_others_took_meanwhile_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        OutputError, match=r"a\.npy: no space for it \(No space left on device\); numbers need"
    ):
        new_maps(tmp_path, FIELDS, "numbers", "wait")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot take space")
def test_a_file_system_that_cannot_take_space_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    new_maps(tmp_path, FIELDS, "numbers", "wait")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_does_not_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 5_000)
    with pytest.raises(OutputError, match=r"feature cache need .* bytes, 5,000 are free there: .*--out"):
        FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 1})
    assert list((tmp_path / "c").iterdir()) == []


def test_space_is_taken_for_the_views_that_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(CACHE, views=1000)
    with_free(monkeypatch, 5_000_000)
    FeatureCache.create(tmp_path, replace(large, used=24), 4, {})
    with pytest.raises(OutputError, match=r"feature cache need .* bytes, 5,000,000 are free there"):
        FeatureCache.create(tmp_path, large, 4, {})
    assert FeatureCache.create(tmp_path, replace(large, used=24), 4, {}).missing == 24  # what was there stays


def test_a_cache_that_is_gone_on_with_needs_no_more_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 1})
    with_free(monkeypatch, 0)
    assert FeatureCache.create(tmp_path / "c", CACHE, 4, {"a": 1}).missing == CACHE.views
    file = tmp_path / "c" / "tap8.npy"
    whole = file.stat().st_size
    file.unlink()
    with file.open("wb") as sparse:  # as it was made before space was taken
        sparse.truncate(whole)
    with pytest.raises(OutputError, match=r"bytes, 0 are free there"):
        take_space([file], "views", "wait")


def test_pictures_that_do_not_fit_are_not_begun(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 6 * 64 * 96 * 3 - 1)
    with pytest.raises(
        OutputError, match=r"6 decoded pictures need 110,592 bytes, 110,591 are .*--images DIR"
    ):
        decode_images(tiny.records, [tiny.folder / "train"], tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []
    with_free(monkeypatch, 6 * 64 * 96 * 3)
    assert np.array_equal(
        decode_images(tiny.records, [tiny.folder / "train"], tmp_path / "a.npy"), tiny.images
    )


def test_a_disk_that_is_full_at_once_leaves_nothing(tiny: TinyData, tmp_path: Path) -> None:
    wanted = r"a\.npy: cannot be written \(File too large\): free some space, decode into another disk"
    with pytest.raises(OutputError, match=wanted), no_file_beyond(100_000):
        decode_images(tiny.records, [tiny.folder / "train"], tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_pictures_are_written_leaves_nothing(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = PictureFile.write, []

    def until_full(self: PictureFile, k: int, picture: np.ndarray) -> None:
        written.append(k)
        if len(written) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, k, picture)

    monkeypatch.setattr(PictureFile, "write", until_full)
    with pytest.raises(OutputError, match=r"a\.npy: cannot be written \(No space left on device\)"):
        decode_images(tiny.records, [tiny.folder / "train"], tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_in_the_upper_left_corner(tmp_path: Path) -> None:
    store = PictureFile(tmp_path / "a.npy", 3, 8)
    store.write(2, np.full((4, 5, 3), 9, np.uint8))
    store.close(sync=True)
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.shape == (3, 8, 8, 3)
    assert (read[2, :4, :5] == 9).all()
    assert int(read.astype(int).sum()) == 9 * 4 * 5 * 3


def test_a_decoder_that_is_interrupted_leaves_nothing(tiny: TinyData, tmp_path: Path) -> None:
    records = [replace(record, file_name=f"other-{k}.png") for k, record in enumerate(tiny.records)]
    with pytest.raises(DataError, match="cannot be used"):
        decode_images(records, [tiny.folder / "train"], tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from surveil.errors import DataError, OutputError, UsageError
from surveil.store.video import VideoConfig, VideoWriter, _fit

SIZE = (96, 64)


def picture(k: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A soft pattern that moves, with a bright square; (H, W, 3) uint8 BGR."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    image = np.stack([128 + 60 * np.sin((x + 2 * k) / 9), 128 + 60 * np.cos(y / 7), 0 * x + 90], axis=2)
    top, left = height // 8 * 2, width // 8 * 2  # even, so that no chroma bleeds over the square's edge
    image[top : 2 * top, left : 2 * left] = (40, 200, 250)
    return image.astype(np.uint8)


def write(
    path: Path, count: int = 25, *, rate: float = 10.0, size: tuple[int, int] = SIZE, **config: Any
) -> Path:
    with VideoWriter(path, rate_hz=rate, config=VideoConfig(**config)) as writer:
        for k in range(count):
            writer.write(picture(k, size), k / rate)
    return path


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="bgr24") for frame in frames], [frame.time for frame in frames]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    images, times = read(path)
    assert len(images) == 25
    assert times == pytest.approx([k / 10 for k in range(25)], abs=1e-4)
    assert min(psnr(image, picture(k)) for k, image in enumerate(images)) > 30
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_h264_in_fragmented_mp4_and_says_its_colours(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        assert (container.format.name.split(",")[0], codec.name, codec.pix_fmt) == ("mov", "h264", "yuv420p")
        assert (codec.color_range, codec.colorspace) == (1, 6)
        assert float(container.streams.video[0].guessed_rate) == pytest.approx(10)
    data = path.read_bytes()
    assert data.count(b"moof") >= 3
    assert data.index(b"moov") < data.index(b"moof")


def test_colours_are_kept(tmp_path: Path) -> None:
    flat = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
    with VideoWriter(tmp_path / "a.mp4", rate_hz=1) as writer:
        for k, colour in enumerate(flat):
            writer.write(np.full((64, 64, 3), colour, np.uint8), k)
    for image, colour in zip(read(tmp_path / "a.mp4")[0], flat, strict=True):
        assert np.abs(image.mean(axis=(0, 1)) - colour).max() < 4, colour


def test_times_of_a_variable_rate_are_kept_and_begin_at_zero(tmp_path: Path) -> None:
    times = [7.0, 7.04, 7.5, 9.123, 9.124, 30.0]
    with VideoWriter(tmp_path / "a.mp4", rate_hz=25) as writer:
        for k, pts_s in enumerate(times):
            writer.write(picture(k), pts_s)
    assert read(tmp_path / "a.mp4")[1] == pytest.approx([t - 7 for t in times], abs=2e-5)


@pytest.mark.parametrize("rate", [0.5, 4.0, 30.0])
def test_key_frames_come_every_second_of_media(tmp_path: Path, rate: float) -> None:
    write(tmp_path / "a.mp4", round(5 * rate), rate=rate)
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [frame.time for frame in container.decode(video=0) if frame.key_frame]
    assert all(later - earlier <= max(1.0, 1 / rate) + 1e-3 for earlier, later in pairwise(keys))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, threads: int) -> None:
    first, second = (write(tmp_path / name, threads=threads) for name in ("a.mp4", "b.mp4"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "size", [(1, 1), (3, 5), (33, 17), (65, 64), (64, 63), (66, 70), (96, 62), (426, 240)]
)
def test_any_size_is_written_and_odd_ones_grow_by_a_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    images, _ = read(write(tmp_path / "a.mp4", 3, size=size, crf=10))
    width, height = size
    assert images[0].shape == (height + height % 2, width + width % 2, 3)
    if min(size) > 16:
        assert psnr(images[0][:height, :width], picture(0, size)) > 30


def test_a_change_of_size_is_fitted_into_the_first(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", rate_hz=10) as writer:
        writer.write(np.full((64, 96, 3), 200, np.uint8), 0.0)
        writer.write(np.full((200, 100, 3), 200, np.uint8), 0.1)
        writer.write(np.full((10, 30, 3), 200, np.uint8), 0.2)
    whole, tall, wide = read(tmp_path / "a.mp4")[0]
    assert whole.min() > 190
    assert tall.shape == wide.shape == (64, 96, 3)
    assert tall[:, 34:62].min() > 170
    assert tall[:, :28].max() < 30
    assert wide[20:44].min() > 170
    assert wide[:12].max() < 30


def test_fit_leaves_a_picture_of_the_right_size_alone() -> None:
    image = picture(0)
    assert _fit(image, SIZE) is image


def test_an_older_file_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    writer = VideoWriter(path, rate_hz=10)
    for k in range(15):
        writer.write(picture(k), k / 10)
        assert path.read_text() == "old"
    writer.close()
    assert len(read(path)[0]) == 15


def test_a_failure_leaves_the_part_and_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")

    def run() -> None:
        with VideoWriter(path, rate_hz=10) as writer:
            for k in range(15):
                writer.write(picture(k), k / 10)
            raise RuntimeError("the detector broke")

    with pytest.raises(RuntimeError):
        run()
    assert path.read_text() == "old"
    assert len(read(tmp_path / "a.mp4.part")[0]) == 15


@pytest.mark.parametrize("end", ["close", "abort"])
def test_without_a_frame_nothing_is_left(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    getattr(VideoWriter(path, rate_hz=10), end)()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.mp4"
    try:
        link.symlink_to(tmp_path / "real" / "a.mp4")
    except OSError:
        pytest.skip("this system makes no links")
    write(link, 3)
    assert link.is_symlink()
    assert len(read(tmp_path / "real" / "a.mp4")[0]) == 3


@pytest.mark.parametrize("name", ["rtsp:__x.mp4", "-o.mp4", "ü 入口 %03d.mp4", "no-ending", "pipe:1"])
def test_a_name_is_a_name_and_no_protocol(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and ":" in name:
        pytest.skip("no such names on Windows")
    write(tmp_path / name, 2)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_times_must_rise(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", rate_hz=10) as writer:
        writer.write(picture(0), 1.0)
        writer.write(picture(1), 1.0 + 1e-7)  # within a tick of the one before: still two frames
        for pts_s in (1.0, 0.5, float("nan")):
            with pytest.raises(DataError, match="expected a time after"):
                writer.write(picture(2), pts_s)
    assert len(read(tmp_path / "a.mp4")[0]) == 2


@pytest.mark.parametrize("shape", [(64, 96), (64, 96, 4), (64, 96, 1)])
def test_only_colour_pictures_are_taken(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with VideoWriter(tmp_path / "a.mp4", rate_hz=10) as writer, pytest.raises(DataError, match="uint8"):
        writer.write(np.zeros(shape, np.uint8), 0.0)


@pytest.mark.parametrize("config", [{"crf": 60}, {"threads": 0}, {"fragment_s": 0.0}])
def test_a_config_that_cannot_work_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(config))):
        VideoConfig(**config)


def test_an_unknown_preset_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.mp4"):
        write(tmp_path / "a.mp4", preset="warp")


def test_a_full_disk_is_reported_and_what_is_there_plays(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    writer = VideoWriter(path, rate_hz=10)
    real, room = writer._file._file, 100_000

    class NearlyFull:
        def write(self, data: memoryview) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = real.write(data[:room])  # a disk takes what still fits, first
            room -= taken
            return taken

        def truncate(self, size: int) -> None:
            real.truncate(size)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            real.close()

    writer._file._file = NearlyFull()  # type: ignore[assignment]
    noise = np.random.default_rng(1)

    def run() -> None:
        for k in range(200):
            writer.write(noise.integers(0, 255, (64, 96, 3), np.uint8), k / 10)

    with pytest.raises(OutputError, match=r"a\.mp4: the disk is full: make room.*a\.mp4\.part$"):
        run()
    with pytest.raises(OutputError, match="closed"):
        writer.write(picture(0), 99.0)
    writer.close()
    assert not path.exists()
    assert len(read(tmp_path / "a.mp4.part")[0]) >= 10
    assert real.closed


def write_noise(path: Path) -> None:
    noise = np.random.default_rng(1)
    with VideoWriter(path, rate_hz=10) as writer:
        for k in range(200):
            writer.write(noise.integers(0, 255, (64, 96, 3), np.uint8), k / 10)


@pytest.mark.skipif(not Path("/proc/mounts").exists() or os.geteuid() != 0, reason="needs root on Linux")
def test_a_truly_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            write_noise(disk / "a.mp4")
        assert [path.name for path in disk.iterdir()] == ["a.mp4.part"]
        assert len(read(disk / "a.mp4.part")[0]) >= 10
    finally:
        subprocess.run(["umount", str(disk)], check=True)


KILLED = """
import json, os, signal, sys
import numpy as np
from pathlib import Path
from surveil.store.video import VideoWriter

image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
for path, rate, count in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        writer = VideoWriter(Path(path), rate_hz=rate)
        for k in range(count):
            writer.write(np.roll(image, k, axis=1), k / rate)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is POSIX")
def test_kill_9_loses_at_most_a_second_and_a_half(root: Path, tmp_path: Path) -> None:
    films = [(30.0, 100), (30.0, 119), (10.0, 38), (2.0, 9), (25.0, 27)]
    jobs = [(str(tmp_path / f"{rate}-{count}.mp4"), rate, count) for rate, count in films]
    subprocess.run([sys.executable, "-c", KILLED, json.dumps(jobs)], cwd=root, timeout=100, check=True)
    for path, rate, count in jobs:
        assert not Path(path).exists()
        images, times = read(Path(path + ".part"))
        assert times[0] == 0
        assert count / rate - (times[-1] + 1 / rate) <= 1.5, (rate, count)
        assert images[-1].std() > 20

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from surveil.capture.images import ImagesConfig, ImagesSource
from surveil.capture.order import natural_key
from surveil.capture.span import Span
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.types import Frame


def write(folder: Path, *names: str) -> list[Path]:
    """Pictures whose grey value is their place in `names`."""
    for grey, name in enumerate(names):
        data = cv2.imencode(Path(name).suffix, np.full((6, 8, 3), grey, np.uint8))[1]
        (folder / name).write_bytes(data.tobytes())
    return [folder / name for name in names]


def play(paths: Sequence[Path], config: ImagesConfig | None = None) -> tuple[list[Frame], dict[str, int]]:
    with ImagesSource(paths, camera_id="shots", clock=SystemClock(), config=config) as source:
        return list(source.frames(threading.Event())), dict(source.counters)


def test_natural_order_and_ten_a_second(tmp_path: Path) -> None:
    frames, counters = play(write(tmp_path, "10.png", "9.png", "b.png"))
    assert [int(f.image[0, 0, 0]) for f in frames] == [1, 0, 2]
    assert [f.pts_s for f in frames] == pytest.approx([0, 0.1, 0.2])
    assert counters == {"unreadable_images": 0}


def test_unreadable_images_are_left_out_and_their_time_stays_free(tmp_path: Path) -> None:
    paths = write(tmp_path, "1.png", "2.png", "3.png", "4.png")
    paths[0].write_bytes(b"no picture")
    paths[2].unlink()
    frames, counters = play(paths)
    assert [(f.index, round(f.pts_s, 3)) for f in frames] == [(0, 0.1), (1, 0.3)]
    assert counters == {"unreadable_images": 2}


def test_a_span_and_another_rate(tmp_path: Path) -> None:
    paths = write(tmp_path, *(f"{k}.png" for k in range(10)))
    frames, _ = play(paths, ImagesConfig(rate_hz=2, span=Span(start_s=1, end_s=2)))
    assert [(f.index, f.pts_s) for f in frames] == [(2, 1.0), (3, 1.5)]
    with pytest.raises(UsageError, match="10 frames"):
        play(paths, ImagesConfig(rate_hz=2, span=Span(start_s=9)))


def test_what_is_known_of_it(tmp_path: Path) -> None:
    with ImagesSource(write(tmp_path, "a.jpg", "b.jpg"), camera_id="shots", clock=SystemClock()) as source:
        info = source.info
    assert (info.size, info.rate_hz, info.duration_s, info.frame_count, info.live) == (
        (8, 6),
        10,
        0.2,
        2,
        False,
    )


def test_unicode_paths_and_grey_or_transparent_pictures(tmp_path: Path) -> None:
    path = tmp_path / "straße.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((6, 8, 4), np.uint8))[1].tobytes())
    grey = tmp_path / "الصورة.png"
    grey.write_bytes(cv2.imencode(".png", np.zeros((6, 8), np.uint8))[1].tobytes())
    frames, _ = play([path, grey])
    assert [f.image.shape for f in frames] == [(6, 8, 3)] * 2


def test_nothing_to_play(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"junk")
    for paths, cause in (([], SourceCause.EMPTY), ([tmp_path / "a.png"], SourceCause.DAMAGED)):
        with pytest.raises(SourceError) as caught:
            play(paths)
        assert caught.value.cause is cause
        assert caught.value.remedy


def test_a_rate_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="rate"):
        ImagesConfig(rate_hz=0)


def test_numbers_anywhere_in_a_name_are_counted() -> None:
    names = ["a2b10.png", "a2b9.png", "a10.png", "A1.png"]
    assert [p.name for p in sorted(map(Path, names), key=natural_key)] == [
        "A1.png",
        "a2b9.png",
        "a2b10.png",
        "a10.png",
    ]

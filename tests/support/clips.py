"""Small clips, made on the fly: a bright square that moves over a grey ground."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def picture(k: int, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """Picture `k`: (H, W, 3) uint8 BGR; the square moves two pixels a frame."""
    width, height = size
    image = np.full((height, width, 3), 96, np.uint8)
    left = (2 * k) % max(1, width - 12)
    image[height // 3 : height // 3 + 12, left : left + 12] = (40, 200, 250)
    return image


def write_clip(
    path: Path,
    *,
    frames: int = 20,
    size: tuple[int, int] = (64, 48),
    rate: int = 10,
    codec: str = "libx264",
    stamps: Iterable[int] | None = None,
    rotation: int = 0,
    gop: int = 10,
    b_frames: int = 0,
    index_first: bool = False,
) -> Path:
    """Encodes a clip; `stamps` are in units of 1 / (100 rate) s; `index_first`: for MP4."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = gop
        stream.codec_context.time_base = Fraction(1, 100 * rate)
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "bf": str(b_frames)}
        if rotation:
            stream.set_display_rotation(rotation)
        for k, stamp in zip(range(frames), stamps or range(0, 100 * frames, 100), strict=False):
            frame = av.VideoFrame.from_ndarray(picture(k, size), format="bgr24")
            frame.pts, frame.time_base = stamp, Fraction(1, 100 * rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """A second of silence without any picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for k in range(16):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, 1024 * k, Fraction(1, 16000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def damage(path: Path, place: float, length: int) -> Path:
    """Overwrites `length` bytes at the fraction `place` of a file with noise."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * place)
    data[start : start + length] = np.random.default_rng(1).bytes(length)
    path.write_bytes(data)
    return path

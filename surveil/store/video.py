"""Annotated video: H.264 in fragmented MP4, written to `NAME.part` and renamed when it is finished.

Whatever ends the process, the `.part` plays up to its last fragment; a fragment is a second of media.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.errors import DataError, OutputError, UsageError
from surveil.store.outputs import output_error, prepare_output

TICKS_PER_S = 90_000  # the time base of MPEG systems: fine enough for every frame rate in use
_BUFFER_BYTES = 1 << 20  # a fragment reaches the system in one piece, or in few
_LIMITED_RANGE, _BT601 = 1, 6  # as ITU-T H.273 numbers what OpenCV's conversion makes
_CONTAINER = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
_FAILURES = (OSError, ValueError, av.FFmpegError)  # ValueError: an encoder that this PyAV lacks


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoConfig:
    """How the video is encoded.

    Attributes:
        preset: of x264; `superfast` takes about a third less CPU than `veryfast`.
        crf: x264's quality, 0 (lossless) to 51.
        threads: of the encoder; the bytes depend on it, but are the same on every run.
        fragment_s: seconds of media in a fragment, and between two key frames.
    """

    preset: str = "superfast"
    crf: int = 28
    threads: int = 1
    fragment_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 51:
            raise UsageError(f"VideoConfig.crf: expected 0 to 51, got {self.crf}")
        if self.threads < 1:
            raise UsageError(f"VideoConfig.threads: expected 1 or more, got {self.threads}")
        if not self.fragment_s > 0:
            raise UsageError(f"VideoConfig.fragment_s: expected seconds above 0, got {self.fragment_s}")


class VideoWriter:
    """Writes one video; not safe for threads.

    The first frame gives the size; later ones of another size are fitted into it, with black bars. Odd sizes
    grow by a pixel, because H.264 in yuv420p knows even ones only.

    Attributes:
        path: the finished file.
        part: the file that is written until `close`.
    """

    def __init__(self, path: Path, *, rate_hz: float, config: VideoConfig | None = None) -> None:
        """Open the `.part`; an older file of the same name stays until `close`.

        Args:
            path: the finished file.
            rate_hz: the source's nominal rate, for players; the true time of every frame comes with it.
            config: how to encode.

        Raises:
            OutputError: the file cannot be written.
        """
        prepare_output(path, only_files=True)
        self.path = path
        self._config = config or VideoConfig()
        self._rate = Fraction(rate_hz if rate_hz > 0 else 25).limit_denominator(1001)
        self._final = path.resolve()  # a link stays a link, to the new file
        self.part = self._final.with_name(self._final.name + ".part")
        try:
            self._file = _Sink(self.part)
        except OSError as error:
            raise output_error(path, error) from error
        self._container: Any = None
        self._stream: Any = None
        self._size = (0, 0)
        self._first_s, self._last_s = 0.0, float("-inf")
        self._tick = self._key_tick = -1
        self._open = True

    def write(self, image: NDArray[np.uint8], pts_s: float) -> None:
        """Encode a frame.

        Args:
            image: (H, W, 3) uint8 BGR; not kept.
            pts_s: its media time in seconds, later than the one before; the first becomes 0 in the file.

        Raises:
            DataError: the image is of another kind, or its time is not later than the one before.
            OutputError: it could not be written; the `.part` stays.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise DataError(f"VideoWriter.write: expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
        if not pts_s > self._last_s:
            raise DataError(f"VideoWriter.write: expected a time after {self._last_s} s, got {pts_s} s")
        if not self._open:
            raise OutputError(f"cannot write {self.path}: it is closed already")
        try:
            if self._stream is None:
                self._begin(image, pts_s)
            self._last_s = pts_s
            self._mux(self._frame(image))
        except _FAILURES as error:
            self.abort()
            raise output_error(self.path, error, self.part) from error

    def _begin(self, image: NDArray[np.uint8], pts_s: float) -> None:
        height, width = image.shape[:2]
        self._size, self._first_s = (width + width % 2, height + height % 2), pts_s
        container = av.open(self._file, "w", "mp4", options=_CONTAINER, buffer_size=_BUFFER_BYTES)
        self._container = container
        # Without B-frames x264 holds nothing back: times start at 0, and a quarter of the CPU is saved for
        # some 10 % more bytes at equal quality. Key frames are set by media time, as the rate may vary.
        options = {"preset": self._config.preset, "crf": str(self._config.crf), "bf": "0", "forced-idr": "1"}
        self._stream = container.add_stream("libx264", rate=self._rate, options=options)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        codec = self._stream.codec_context
        codec.time_base = Fraction(1, TICKS_PER_S)
        codec.thread_count = self._config.threads
        codec.gop_size = 1 << 16
        codec.color_range, codec.colorspace = _LIMITED_RANGE, _BT601

    def _frame(self, image: NDArray[np.uint8]) -> Any:
        planes: NDArray[Any] = cv2.cvtColor(_fit(image, self._size), cv2.COLOR_BGR2YUV_I420)
        # PyAV 18.1 rounds the height of a wrapped buffer down to a multiple of 4: other heights are copied.
        wrap = av.VideoFrame.from_ndarray if self._size[1] % 4 else av.VideoFrame.from_numpy_buffer
        frame = wrap(planes, format="yuv420p")
        # Two frames within a tick (11 us) still need an order.
        self._tick = max(round((self._last_s - self._first_s) * TICKS_PER_S), self._tick + 1)
        frame.pts, frame.time_base = self._tick, Fraction(1, TICKS_PER_S)
        due = self._key_tick + self._config.fragment_s * TICKS_PER_S
        if self._key_tick < 0 or self._tick >= due:
            frame.pict_type = av.video.frame.PictureType.I
            self._key_tick = self._tick
        return frame

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
            self._file.mark()

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing.

        Where no frame came, the `.part` goes and an older file stays.

        Raises:
            OutputError: it could not be finished; the `.part` stays.
        """
        if not self._open:
            return
        self._open = False
        try:
            if self._container is not None:
                self._mux(None)
                self._container.close()
            self._file.sync()
            self._file.close()
            if self._container is None:
                self.part.unlink()
                return
            self.part.replace(self._final)
            _sync_folder(self._final.parent)
        except _FAILURES as error:
            self._give_up()
            raise output_error(self.path, error, self.part) from error

    def abort(self) -> None:
        """Stop after a failure: the `.part` stays with all that could be written; so does an older file."""
        if self._open:
            self._open = False
            self._give_up()

    def _give_up(self) -> None:
        # The failure itself is reported by the caller; here as much as still can be is brought to the disk.
        if self._container is not None:
            if not self._file.broken:  # FFmpeg crashes on packets for a container whose header failed
                with suppress(*_FAILURES):
                    self._mux(None)
            with suppress(*_FAILURES):
                self._container.close()
        with suppress(OSError):
            self._file.close()
            if self._container is None:
                self.part.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class _Sink:
    """The `.part` as PyAV writes it: handed to the system at once, never sought, whole up to the last mark.

    Attributes:
        broken: the system refused some bytes; no more are taken, and `close` cuts off what follows the mark.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.broken = False
        self._file = path.open("wb", buffering=0)
        self._written = self._marked = 0

    def write(self, data: bytes) -> int:
        if self.broken:
            raise OSError(f"{self.name}: an earlier part could not be written")
        rest = memoryview(data)
        try:
            while rest:  # a nearly full disk takes a piece, and refuses only the next
                taken = self._file.write(rest)
                rest = rest[taken:]
                self._written += taken
        except OSError:
            self.broken = True
            raise
        return len(data)

    def mark(self) -> None:
        self._marked = self._written

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        with self._file:
            if self.broken:
                self._file.truncate(self._marked)


def _fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image in exactly `size` (width, height): as it is, or with its edge doubled, or scaled."""
    (width, height), (rows, columns) = size, image.shape[:2]
    if (columns, rows) == size:
        return image
    if (columns + columns % 2, rows + rows % 2) == size:
        return np.pad(image, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
    scale = min(width / columns, height / rows)
    inner_width, inner_height = max(1, round(columns * scale)), max(1, round(rows * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((height, width, 3), np.uint8)
    inside = canvas[top : top + inner_height, left : left + inner_width]
    inside[:] = cv2.resize(image, (inner_width, inner_height), interpolation=method)
    return canvas


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk as well, where the system can (not on Windows)."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

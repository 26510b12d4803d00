"""What a service writes, in a thread of its own: annotated video and tracks, in pieces.

The cameras never wait for a disk: what the queue cannot take is counted as a drop, `outputs` or `video`. A
file that cannot be written is said and tried again later; the others go on.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from surveil.clock import Clock, utc_text
from surveil.errors import DataError, OutputError, SurveilError
from surveil.pipeline.channel import Channel, Closed
from surveil.pipeline.outlet import FileOutlet, Picture, reader_left
from surveil.pipeline.worker import Worker
from surveil.render.hud import Hud
from surveil.render.overlay import Overlay
from surveil.render.style import OverlayStyle
from surveil.store.jsonl import TracksJsonlWriter
from surveil.store.video import VideoWriter
from surveil.types import FrameResult

if TYPE_CHECKING:
    from surveil.pipeline.outlet import ResultWriter
    from surveil.render.shapes import Shape

log = logging.getLogger(__name__)

QUEUE, QUEUE_BYTES = 64, 256 * 2**20  # results of all cameras together, and their pictures
RETRY_S = 10.0
LOOK_S = 0.5
TRACKS = "tracks"  # folder and name of the lines of all cameras
RATE_HZ = 25.0  # said to the encoder; the true times come with every frame


@dataclass(frozen=True, kw_only=True, slots=True)
class RecorderConfig:
    """What is written.

    Attributes:
        folder: where.
        annotated: video of each camera with its boxes.
        jsonl: tracks of all cameras.
        all_states: also tentative, lost and coasting tracks in them.
        piece_s: a new file after so many seconds.
        style: what is drawn.
    """

    folder: Path
    annotated: bool = False
    jsonl: Literal["off", "files", "stdout"] = "off"
    all_states: bool = False
    piece_s: float = 3600.0
    style: OverlayStyle = field(default_factory=OverlayStyle)


@dataclass(kw_only=True, slots=True)
class _Piece:
    """A file that grows; `outlet` is None after a fault, until it is time for the next."""

    outlet: FileOutlet | ResultWriter | None
    ends_s: float
    last_pts_s: float = float("-inf")


class Recorder:
    """Takes results from any thread and writes them in its own.

    Attributes:
        trouble: what could not be written last, by its name; empty while all is well.
        reader_left: whether the reader of standard output has gone.
    """

    def __init__(self, config: RecorderConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._used = config
        self._shapes: Mapping[str, tuple[Shape, ...]] = {}
        self._queue: Channel[tuple[FrameResult, bool]] = Channel(QUEUE)  # and whether it is for the video
        self._pieces: dict[str, _Piece] = {}
        self._worker = Worker("outputs", self._run)
        self._ends_s = float("inf")
        self.trouble: dict[str, str] = {}
        self.reader_left = False

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def use(self, config: RecorderConfig, shapes: Mapping[str, tuple[Shape, ...]]) -> None:
        """Write otherwise from the next result on; `shapes`: areas and lines, by the camera's id."""
        self._config, self._shapes = config, shapes

    def offer(self, result: FrameResult) -> bool:
        """Take a result for the tracks without waiting; False when it was lost. Any thread."""
        return self._config.jsonl == "off" or self._queue.offer((result, False))

    def offer_picture(self, result: FrameResult) -> bool:
        """Take a result for the camera's video, as `offer`; it may be one on a larger stream."""
        if not self._config.annotated:
            return True
        full = len(self._queue) * result.frame.image.nbytes >= QUEUE_BYTES
        return not full and self._queue.offer((result, True))

    def stop(self, timeout_s: float) -> None:
        """Write what is queued, in half that time, finish the files, end the thread.

        Raises StuckThreadError.
        """
        self._ends_s = self._clock.monotonic() + timeout_s / 2
        self._queue.close()
        self._worker.join(timeout_s)

    def _run(self) -> None:
        try:
            while self._clock.monotonic() < self._ends_s:
                with suppress(TimeoutError):
                    self._take(*self._queue.get(LOOK_S))
                self._end_pieces()
            log.warning("outputs: stopped with %d results unwritten", len(self._queue))
        except Closed:
            pass
        finally:
            for name in list(self._pieces):
                self._end(name)

    def _take(self, result: FrameResult, for_video: bool) -> None:
        if self._config != self._used:
            for name in list(self._pieces):
                self._end(name)
            self._used = self._config
        camera_id = result.frame.camera_id
        if for_video and self._used.annotated:
            self._write(camera_id, result, lambda: self._video(camera_id))
        elif not for_video and self._used.jsonl != "off":
            self._write(f"{TRACKS}:", result, self._lines)  # no camera's id holds a colon

    def _write(self, name: str, result: FrameResult, begin: Callable[[], FileOutlet | ResultWriter]) -> None:
        piece = self._pieces.get(name)
        if piece is not None and not name.endswith(":") and result.frame.pts_s <= piece.last_pts_s:
            self._end(name)  # the camera was opened anew, and its time begins again
            piece = None
        try:
            if piece is None:
                piece = self._begin(name, begin)
            piece.last_pts_s = result.frame.pts_s
            if isinstance(piece.outlet, FileOutlet):
                piece.outlet.write(result, piece.outlet.draw(result))
            elif piece.outlet is not None:
                piece.outlet.write(result)
        except (OutputError, DataError) as error:
            self._failed(name, error)

    def _begin(self, name: str, begin: Callable[[], FileOutlet | ResultWriter]) -> _Piece:
        now_s = self._clock.monotonic()
        piece = self._pieces[name] = _Piece(outlet=None, ends_s=now_s + RETRY_S)
        piece.outlet = begin()
        endless = name.endswith(":") and self._used.jsonl == "stdout"
        piece.ends_s = float("inf") if endless else now_s + self._used.piece_s
        self.trouble.pop(name, None)
        return piece

    def _failed(self, name: str, error: SurveilError) -> None:
        self.reader_left = self.reader_left or reader_left(error)
        piece = self._pieces[name]
        if piece.outlet is not None:
            piece.outlet.abort()
        piece.outlet, piece.ends_s = None, self._clock.monotonic() + RETRY_S
        if name not in self.trouble:
            log.error("%s", error)
        self.trouble[name] = str(error)

    def _end_pieces(self) -> None:
        now_s = self._clock.monotonic()
        for name, piece in list(self._pieces.items()):
            if now_s >= piece.ends_s:
                self._end(name)

    def _end(self, name: str) -> None:
        piece = self._pieces.pop(name)
        if piece.outlet is None:
            return
        try:
            piece.outlet.close()
        except OutputError as error:
            self.trouble[name] = str(error)
            log.error("%s", error)  # noqa: TRY400 - the others go on

    def _video(self, camera_id: str) -> FileOutlet:
        path = self._place(camera_id, ".mp4")

        def hud(result: FrameResult) -> Hud:
            return Hud(name=camera_id, time=utc_text(result.frame.wall_s))

        picture = Picture(
            overlay=Overlay(self._used.style),
            hud=hud,
            open_video=lambda: VideoWriter(path, rate_hz=RATE_HZ),
            shapes=lambda: self._shapes.get(camera_id, ()),
        )
        return FileOutlet(picture)

    def _lines(self) -> ResultWriter:
        target = sys.stdout if self._used.jsonl == "stdout" else self._place(TRACKS, ".jsonl")
        return TracksJsonlWriter(target, all_states=self._used.all_states)

    def _place(self, folder: str, suffix: str) -> Path:
        """A new file, named after this moment; nothing that is there is written over.

        A folder that is not there yet is made for its user alone.
        """
        with suppress(OSError):  # whoever writes into it says what is wrong
            self._used.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        start = utc_text(self._clock.wall()).replace(":", "-")
        path = self._used.folder / folder / f"{start}{suffix}"
        number = 2
        while path.exists() or path.with_name(f"{path.name}.part").exists():
            path = path.with_name(f"{start}-{number}{suffix}")
            number += 1
        return path

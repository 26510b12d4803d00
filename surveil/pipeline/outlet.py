"""Where the results of one recording or camera go: pictures are drawn, files are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.errors import OutputError, SourceError, UsageError
from surveil.types import FrameResult

if TYPE_CHECKING:
    from surveil.render.hud import Hud
    from surveil.render.overlay import Overlay
    from surveil.render.shapes import Shape
    from surveil.store.video import VideoWriter

Drawn = NDArray[np.uint8] | None
"""(H, W, 3) uint8 BGR with the overlay, or None where no picture is wanted."""


class Outlet(Protocol):
    """The end of a layout. `draw` and `write` may run in two threads, each in the order of the frames."""

    def draw(self, result: FrameResult) -> Drawn:
        """The picture that `write` will get for this result."""

    def write(self, result: FrameResult, drawn: Drawn) -> None:
        """Put one result into the files. Raises OutputError."""


class ResultWriter(Protocol):
    """A file that takes results in order; every writer of `store` is one."""

    def write(self, result: FrameResult) -> None:
        """Append one frame. Raises OutputError."""

    def close(self) -> None:
        """Finish the file; may be called twice. Raises OutputError."""

    def abort(self) -> None:
        """Stop after a failure; what is written stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What makes the annotated video.

    Attributes:
        overlay: draws on a copy of the frame.
        hud: the line of facts of one frame.
        open_video: makes the writer; called when the first picture is there.
        shapes: areas and lines of the camera, as they are now; None: those of the overlay stay.
    """

    overlay: Overlay
    hud: Callable[[FrameResult], Hud]
    open_video: Callable[[], VideoWriter]
    shapes: Callable[[], tuple[Shape, ...]] | None = None


class FileOutlet:
    """An annotated video, or none, and text files."""

    def __init__(
        self, picture: Picture | None, own: Sequence[ResultWriter] = (), shared: Sequence[ResultWriter] = ()
    ) -> None:
        """`own` writers end with this source; `shared` ones go on and are somebody else's to close."""
        self._picture, self._own, self._shared = picture, tuple(own), tuple(shared)
        self._video: VideoWriter | None = None

    def draw(self, result: FrameResult) -> Drawn:
        """See `Outlet`."""
        if self._picture is None:
            return None
        image = result.frame.image.copy()
        if self._picture.shapes is not None:
            self._picture.overlay.shapes = self._picture.shapes()
        self._picture.overlay.draw(image, result, scale=1.0, hud=self._picture.hud(result))
        return image

    def write(self, result: FrameResult, drawn: Drawn) -> None:
        """See `Outlet`."""
        if drawn is not None and self._picture is not None:
            if self._video is None:
                self._video = self._picture.open_video()
            self._video.write(drawn, result.frame.pts_s)
        for writer in (*self._own, *self._shared):
            writer.write(result)

    def close(self) -> None:
        """Finish the files of this source, all of them even when one fails. Raises OutputError."""
        close_all([*([] if self._video is None else [self._video]), *self._own])

    def abort(self) -> None:
        """Stop after a failure: the video stays as `.part`; text files hold whole lines anyway."""
        for writer in (self._video, *self._own):
            if writer is not None:
                writer.abort()


class Finishable(Protocol):
    """A writer, or several in one."""

    def close(self) -> None:
        """Finish."""

    def abort(self) -> None:
        """Stop after a failure; what is written stays."""


@contextmanager
def finishing(outputs: Sequence[Finishable]) -> Iterator[None]:
    """Close all outputs at the end of the block.

    Also when the caller leaves it or a source breaks off: what is there is whole then. After any other error
    they are aborted, so that a video that lacks its end is still called `.part`.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, SourceError | UsageError | GeneratorExit | KeyboardInterrupt) or reader_left(
            error
        ):
            close_all(outputs)
        else:
            for output in outputs:
                output.abort()
        raise
    close_all(outputs)


def close_all(outputs: Sequence[Finishable]) -> None:
    """Close all, even when one of them fails; then raise the first failure."""
    errors: list[Exception] = []
    for output in outputs:
        try:
            output.close()
        except Exception as error:  # noqa: BLE001 - raised below, when the others are closed
            errors.append(error)
    if errors:
        raise errors[0]


def reader_left(error: BaseException) -> bool:
    """Whether an output failed because its reader had enough (`surveil run … --jsonl - | head`)."""
    return isinstance(error, OutputError) and isinstance(error.__cause__, BrokenPipeError)

"""Where the results of one recording or camera go: pictures are drawn, files are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.types import FrameResult

if TYPE_CHECKING:
    from surveil.render.overlay import Overlay
    from surveil.store.video import VideoWriter

Drawn = NDArray[np.uint8] | None
"""(H, W, 3) uint8 BGR with the overlay, or None where no picture is wanted."""


class ResultWriter(Protocol):
    """A file that takes results in order."""

    def write(self, result: FrameResult) -> None:
        """Append one frame. Raises OutputError."""

    def close(self) -> None:
        """Finish the file; may be called twice. Raises OutputError."""


class Outlet(Protocol):
    """The end of a layout. `draw` and `write` may run in two threads, each in the order of the frames."""

    def draw(self, result: FrameResult) -> Drawn:
        """The picture that `write` will get for this result."""

    def write(self, result: FrameResult, drawn: Drawn) -> None:
        """Put one result into the files. Raises OutputError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Makes the annotated video.

    Attributes:
        overlay: draws on a copy of the frame.
        open_video: makes the writer when the first picture, and with it the size (width, height), is there.
    """

    overlay: Overlay
    open_video: VideoOpener


class VideoOpener(Protocol):
    """Makes the video writer."""

    def __call__(self, size: tuple[int, int]) -> VideoWriter:
        """A writer of pictures of this size (width, height). Raises OutputError."""


class FileOutlet:
    """An annotated video and text files of one source.

    Attributes:
        own: writers that end with this source.
        shared: writers that go on with the next source; somebody else closes them.
    """

    def __init__(
        self, picture: Picture | None, own: Sequence[ResultWriter] = (), shared: Sequence[ResultWriter] = ()
    ) -> None:
        self._picture, self._own, self._shared = picture, tuple(own), tuple(shared)
        self._video: VideoWriter | None = None
        self._size: tuple[int, int] | None = None

    def draw(self, result: FrameResult) -> Drawn:
        """See `Outlet`."""
        if self._picture is None:
            return None
        image = result.frame.image.copy()
        self._picture.overlay.draw(image, result, scale=1.0, hud=None)
        return image

    def write(self, result: FrameResult, drawn: Drawn) -> None:
        """See `Outlet`."""
        if drawn is not None and self._picture is not None:
            if self._video is None:
                self._size = result.frame.size
                self._video = self._picture.open_video(self._size)
            self._video.write(fit(drawn, self._size), result.frame.pts_s)
        for writer in (*self._own, *self._shared):
            writer.write(result)

    def close(self) -> None:
        """Finish the files of this source. Raises OutputError after all were tried."""
        finish([*([] if self._video is None else [self._video]), *self._own])

    def abort(self) -> None:
        """Leave the video as `.part` (its last frames may be missing); text files hold whole lines anyway."""
        if self._video is not None:
            self._video.abort()
        finish(self._own)


class Closable(Protocol):
    """Anything that must be closed."""

    def close(self) -> None:
        """Finish."""


def finish(closables: Sequence[Closable]) -> None:
    """Close all, even when one of them fails; then raise the first failure."""
    errors: list[Exception] = []
    for closable in closables:
        try:
            closable.close()
        except Exception as error:  # noqa: BLE001 - raised below, when the others are closed
            errors.append(error)
    if errors:
        raise errors[0]


def fit(image: NDArray[np.uint8], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """`image` (H, W, 3) inside `size` (width, height), on black: a video keeps the size it began with."""
    height, width = image.shape[:2]
    if size is None or (width, height) == size:
        return image
    import cv2

    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner)
    return canvas

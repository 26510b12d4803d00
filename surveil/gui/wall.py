"""What one window shows: which tiles, how large, and which part of their frames. No Qt here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from surveil.errors import UsageError
from surveil.gui.board import Board
from surveil.gui.zoom import panned, zoomed
from surveil.pipeline.present import WHOLE, Preview, Region
from surveil.pipeline.session import Session
from surveil.render.style import OverlayStyle


class Wall:
    """The pictures of one window; those of others are made apart from them, at sizes of their own.

    Attributes:
        board: which tiles are on screen, and where.
        name: tells this window from the others; the main one has none.
    """

    def __init__(self, session: Session, style: Callable[[str], OverlayStyle], name: str = "") -> None:
        """`style`: what is drawn on a camera's pictures."""
        self.board, self.name = Board(), name
        self._session, self._style = session, style
        self._shown: dict[str, tuple[int, int]] = {}
        self._regions: dict[str, Region] = {}

    def use(self, ids: Iterable[str]) -> None:
        """Show these cameras, and forget what was looked at of others."""
        self.board.use(tuple(ids))
        for kept in (self._shown, self._regions):
            for gone in kept.keys() - set(self.board.ids):
                del kept[gone]

    def show(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Make pictures of these cameras, each for a tile of so many device pixels, and of no others."""
        for camera_id in self._shown.keys() - sizes.keys():
            self._session.hide(camera_id, self.name)
        before, self._shown = self._shown, dict(sizes)
        for camera_id, size in sizes.items():
            if before.get(camera_id) != size:
                self._show(camera_id)

    def again(self) -> None:
        """Make the pictures as they are wanted now; costs nothing where nothing is otherwise."""
        for camera_id in self._shown:
            self._show(camera_id)

    def has_news(self, camera_id: str, shown: object) -> bool:
        """Whether there is a newer picture than the one that is `shown`."""
        preview = self.preview(camera_id)
        return preview is not None and preview.image is not shown

    def preview(self, camera_id: str) -> Preview | None:
        """The newest picture of a camera that is shown; None before the first."""
        return self._session.preview(camera_id, self.name)

    # ---- a part of the frame

    def zoom(self, camera_id: str, factor: float, at: tuple[float, float]) -> None:
        """Go into a picture by `factor` around the place `at` (0-1 of what is seen)."""
        self._look_at(camera_id, zoomed(self.region(camera_id), factor, at))

    def pan(self, camera_id: str, by: tuple[float, float]) -> None:
        """Drag a picture that was gone into by so much (0-1 of what is seen)."""
        self._look_at(camera_id, panned(self.region(camera_id), by))

    def whole(self, camera_id: str) -> None:
        """Show all of a picture again."""
        self._look_at(camera_id, WHOLE)

    def region(self, camera_id: str) -> Region:
        """The part of its frames that is seen."""
        return self._regions.get(camera_id, WHOLE)

    def _look_at(self, camera_id: str, region: Region) -> None:
        self._regions[camera_id] = region
        if region == WHOLE:
            del self._regions[camera_id]
        self._show(camera_id)

    def _show(self, camera_id: str) -> None:
        if camera_id in self._shown:
            # The file may have taken the camera away a moment ago; then its tile goes, too.
            with suppress(UsageError):
                size, style = self._shown[camera_id], self._style(camera_id)
                self._session.show(camera_id, size, style, self.region(camera_id), self.name)

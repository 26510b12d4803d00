"""Pictures for the screen: the newest result of every visible tile, at the tile's size, overlay drawn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from surveil.clock import Clock
from surveil.pipeline.channel import Closed
from surveil.pipeline.live import Lane, coasted
from surveil.pipeline.slot import Slot
from surveil.pipeline.stats import Rate
from surveil.types import Detections, FrameResult, Tracks

if TYPE_CHECKING:
    from surveil.labels import LabelMap
    from surveil.pipeline.views import View
    from surveil.render.overlay import Overlay
    from surveil.render.shapes import Shape
    from surveil.render.style import OverlayStyle


Region = tuple[float, float, float, float]
"""A part of a frame: left, top, right, bottom in 0-1 of its width and height."""
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
PATIENCE_S = 0.018  # so long a live picture waits for its own boxes; then it takes the last ones, moved on
LARGER = 1.25  # so much may a picture be stretched before another stream is opened for it


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Preview:
    """One picture for one tile.

    Attributes:
        image: (h, w, 4) uint8 BGRA, the part of the frame that was asked for, scaled to fit the tile,
            overlay drawn; read-only.
        result: what is shown.
        seq: counts the tile's pictures from 1: a reader sees by it that nothing is new.
        age_ms: from the frame's arrival to the end of drawing.
        fps_shown: pictures made for this tile a second.
    """

    image: NDArray[np.uint8]
    result: FrameResult
    seq: int
    age_ms: float
    fps_shown: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What the reader wants to see: `region` of the frame, fitted into `size` (width, height) px."""

    size: tuple[int, int]
    style: OverlayStyle
    region: Region = WHOLE


class _Tile:
    """One visible camera of a wall. `wish` is the reader's, the rest is the present thread's."""

    def __init__(self, lane: Lane, wish: Wish, overlay: Overlay) -> None:
        self.lane, self.wish, self.overlay = lane, wish, overlay
        self.view: View | None = None
        self.drawn: tuple[bool, tuple[int, int]] | None = None  # from the view? and the frame's size
        self.slot: Slot[Preview] = Slot()
        self.shown: tuple[int, Wish, tuple[Shape, ...]] | None = None
        self.due_s: float | None = None  # when its newest frame has waited long enough
        self.seq = 0
        self.rate = Rate()


class Presenter:
    """The thread that draws.

    `show`, `hide` and `preview` are for the reader's thread and never wait for drawing. Each wall (a window,
    known by its name) has its own picture of a camera.

    Attributes:
        most_hz: how often every tile is drawn at most; None: at every news. Any thread.
    """

    def __init__(
        self, clock: Clock, labels: Callable[[], LabelMap], new_overlay: Callable[[OverlayStyle], Overlay]
    ) -> None:
        self._clock, self._labels, self._new_overlay = clock, labels, new_overlay
        self._changed = threading.Condition()
        self._tiles: dict[tuple[str, str], _Tile] = {}  # by wall and camera
        self._news: set[str] = set()
        self._over = threading.Event()
        self.most_hz: float | None = None

    def show(self, lane: Lane, wish: Wish, view: View | None = None, wall: str = "") -> None:
        """Make pictures of a camera for a wall as they are wished for, until `hide`.

        `view`: a further stream of the camera, shown whenever it has a fresh picture.
        """
        key = wall, lane.camera_id
        with self._changed:
            tile = self._tiles.get(key)
            if tile is None or tile.lane is not lane:
                tile = self._tiles[key] = _Tile(lane, wish, self._new_overlay(wish.style))
            elif (tile.wish, tile.view) == (wish, view):
                return
            tile.wish, tile.view = wish, view
            self._news.add(lane.camera_id)  # a held picture is drawn anew
            self._changed.notify_all()

    def hide(self, camera_id: str, wall: str = "") -> None:
        """Make no more pictures of a camera for a wall."""
        with self._changed:
            self._tiles.pop((wall, camera_id), None)

    def forget(self, camera_id: str) -> None:
        """Make no more pictures of a camera at all."""
        with self._changed:
            self._tiles = {key: tile for key, tile in self._tiles.items() if key[1] != camera_id}

    def preview(self, camera_id: str, wall: str = "") -> Preview | None:
        """The newest picture of a camera that is shown; None before the first."""
        with self._changed:
            tile = self._tiles.get((wall, camera_id))
        return None if tile is None else tile.slot.latest()

    def news(self, camera_id: str) -> None:
        """A camera has a new frame or result."""
        with self._changed:
            if any(shown == camera_id for _, shown in self._tiles):
                self._news.add(camera_id)
                self._changed.notify_all()

    def abort(self) -> None:
        """End the thread."""
        with self._changed:
            self._over.set()
            self._changed.notify_all()

    def run(self) -> None:
        """Draw until `abort`."""
        while True:
            for tile in self._wait():
                self._draw(tile)
            if (most_hz := self.most_hz) is not None:
                self._clock.wait(self._over, 1 / most_hz)

    def _wait(self) -> list[_Tile]:
        with self._changed:
            while not self._over.is_set():
                now_s = self._clock.monotonic()
                tiles = [
                    tile
                    for (_, camera_id), tile in sorted(self._tiles.items(), key=itemgetter(0))
                    if camera_id in self._news or (tile.due_s is not None and tile.due_s <= now_s)
                ]
                self._news.clear()
                if tiles:
                    return tiles
                due = [tile.due_s for tile in self._tiles.values() if tile.due_s is not None]
                self._changed.wait(min(due) - now_s if due else None)
            raise Closed

    def _draw(self, tile: _Tile) -> None:
        wish, view, tile.due_s = tile.wish, tile.view, None
        large = None if view is None else view.latest(self._clock.monotonic())
        result = large or self._choose(tile)
        if result is None:
            return
        drawn = (large is not None, result.frame.size)
        if tile.drawn not in (None, drawn):  # its frames are counted, and its trails lie, otherwise
            tile.overlay, tile.shown = self._new_overlay(wish.style), None
        tile.drawn = drawn
        shapes = tile.lane.shapes
        showing = (result.frame.index, wish, shapes)
        if tile.shown is not None and (showing == tile.shown or showing[0] < tile.shown[0]):
            return
        tile.shown = showing
        tile.overlay.style, tile.overlay.shapes = wish.style, shapes
        image = render(result, wish.size, tile.overlay, wish.region)
        now_s = self._clock.monotonic()
        tile.seq += 1
        tile.rate.tick(now_s)
        age_ms = (now_s - result.frame.arrived_s) * 1000
        tile.slot.put(
            Preview(image=image, result=result, seq=tile.seq, age_ms=age_ms, fps_shown=tile.rate.hz(now_s))
        )

    def _choose(self, tile: _Tile) -> FrameResult | None:
        """The newest result; where detection lags behind, the newest frame with its boxes moved on."""
        lane = tile.lane
        frame, result = lane.newest.latest(), lane.result.latest()
        if frame is None:
            return result
        if result is None:
            labels = self._labels()
            nothing = Detections.empty(frame.size, labels)
            tracks = Tracks.empty(frame.size, labels)
            return FrameResult(frame=frame, detections=nothing, tracks=tracks, detected=False)
        behind = frame.index - result.frame.index
        if behind <= 0 or (behind == 1 and not lane.live):
            return result
        if behind == 1 and self._clock.monotonic() < frame.arrived_s + PATIENCE_S:
            tile.due_s = frame.arrived_s + PATIENCE_S
            return result
        return coasted(result, frame)


def too_small(lane: Lane, size: tuple[int, int], region: Region) -> bool:
    """Whether a camera's frames have fewer pixels than a part of them is to be shown with."""
    frame = lane.newest.latest()
    if frame is None:
        return False
    width, height = frame.size[0] * (region[2] - region[0]), frame.size[1] * (region[3] - region[1])
    return min(size[0] / width, size[1] / height) > LARGER


def render(
    result: FrameResult, size: tuple[int, int], overlay: Overlay, region: Region = WHOLE
) -> NDArray[np.uint8]:
    """A part of the frame with its overlay, fitted into `size` (width, height) px.

    Returns:
        (h, w, 4) uint8 BGRA, read-only.
    """
    import cv2

    width, height = result.frame.size
    left, top = min(round(region[0] * width), width - 1), min(round(region[1] * height), height - 1)
    right, bottom = max(left + 1, round(region[2] * width)), max(top + 1, round(region[3] * height))
    part = result.frame.image[top:bottom, left:right]
    scale = min(size[0] / part.shape[1], size[1] / part.shape[0])
    fitted = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    if fitted == part.shape[1::-1]:
        image = part.copy()
    else:
        image = np.asarray(cv2.resize(part, fitted, interpolation=cv2.INTER_LINEAR), np.uint8)
    overlay.draw(image, result, scale=scale, origin=(left * scale, top * scale), hud=None)
    picture = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
    picture.flags.writeable = False
    return picture

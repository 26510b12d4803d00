"""Tracks drawn on a picture: boxes, plates, trails and the line of facts.

Everything follows from the frames drawn before and from media time: the same file gives the same pixels.
Lines are LINE_8: twenty boxes with plates and trails on 1080p in about a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.errors import DataError
from surveil.render.hud import Hud
from surveil.render.palette import BLACK, Colour, colour_of, pale
from surveil.render.shapes import Shape, Window, draw_names, draw_shapes, with_counts
from surveil.render.style import OverlayStyle, Sizes, sizes_for
from surveil.render.text import TextRenderer
from surveil.render.trails import Trails
from surveil.types import FrameResult, Tracks, TrackState

Corners = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mark:
    """A track as it is drawn: corners in whole pixels of the image; `firm` boxes are solid, others dashed."""

    track_id: int
    corners: Corners
    colour: Colour
    firm: bool
    title: str
    score: str


class Overlay:
    """Draws the results of one camera. One instance per camera and picture size; not safe for threads.

    Attributes:
        style: the switches; may be replaced between two frames, as may `shapes`.
        shapes: areas and lines of the camera.
    """

    def __init__(self, style: OverlayStyle | None = None) -> None:
        self.style = style or OverlayStyle()
        self.shapes: tuple[Shape, ...] = ()
        self._trails = Trails()
        self._text = TextRenderer()

    def draw(
        self,
        image: NDArray[np.uint8],
        result: FrameResult,
        *,
        scale: float = 1.0,
        origin: tuple[float, float] = (0.0, 0.0),
        hud: Hud | None = None,
    ) -> None:
        """Draw `result` into `image`, in place.

        Args:
            image: (H, W, 3) uint8 BGR, writable and contiguous; the frame, or a resized copy or part of it.
            result: what is known of the frame; its boxes are in pixels of the frame.
            scale: pixels of `image` per pixel of the frame.
            origin: where a part of the frame begins (x, y), in pixels of `image`.
            hud: the facts for the line at the top left; none without it.

        Raises:
            DataError: `image` is of another kind.
        """
        _check(image)
        style, sizes, tracks = self.style, sizes_for(image.shape[0]), result.tracks
        self._trails.update(tracks, result.frame.pts_s, style.trail_s)
        window = Window(scale=scale, origin=origin)
        shapes = self.shapes if style.zones else ()
        draw_shapes(image, shapes, result.frame.size, sizes, window)
        marks = self._marks(tracks.select(_drawing_order(tracks, style)), image, window)
        if style.trails:
            for mark in marks:
                self._draw_trail(image, mark.track_id, window, sizes)
        if style.boxes:
            for mark in marks:
                _draw_box(image, mark, sizes)
        named = with_counts(shapes, tracks, result.frame.size)
        draw_names(image, named, result.frame.size, sizes, window, self._text)
        if style.labels:  # after all boxes, so that no line crosses a text
            for mark in marks:
                self._draw_plate(image, mark, sizes)
        if hud is not None and style.hud:
            self._text.line(image, hud.text, sizes.text, sizes.pad)

    def _marks(self, tracks: Tracks, image: NDArray[np.uint8], window: Window) -> list[_Mark]:
        style, marks = self.style, []
        corners = _corners(tracks.smoothed_boxes if style.smoothed else tracks.boxes, window, image)
        rows = zip(tracks.ids.tolist(), tracks.class_ids.tolist(), tracks.scores.tolist(), strict=True)
        # Between two runs of the detector all boxes are predictions. What the last run matched is firm: a
        # confirmed track that it did not match is lost from then on.
        firm_rows = ((tracks.states == TrackState.CONFIRMED) | ~tracks.coasting).tolist()
        for row, (track_id, class_id, score) in enumerate(rows):
            firm = firm_rows[row]
            colour, label = colour_of(track_id), tracks.labels[class_id]
            marks.append(
                _Mark(
                    track_id=track_id,
                    corners=corners[row],
                    colour=colour if firm else pale(colour),
                    firm=firm,
                    title=f"{label}  {track_id}" if style.ids else label,
                    score=f"{score:.2f}" if style.scores and firm else "",
                )
            )
        return marks

    def _draw_plate(self, image: NDArray[np.uint8], mark: _Mark, sizes: Sizes) -> None:
        # The score is a plate of its own: titles and scores come again, their pairs hardly ever.
        texts = [mark.title, mark.score] if mark.score else [mark.title]
        plates = [self._text.plate(text, sizes.text, sizes.pad, mark.colour) for text in texts]
        width = sum(plate.shape[1] - sizes.pad for plate in plates) + sizes.pad
        left, top = _plate_place(mark.corners, (width, plates[0].shape[0]), image, sizes.line)
        for plate in plates:
            _paste(image, plate, left, top)
            left += plate.shape[1] - sizes.pad

    def _draw_trail(self, image: NDArray[np.uint8], track_id: int, window: Window, sizes: Sizes) -> None:
        way = self._trails.way_of(track_id)
        if len(way) < 2:
            return
        points = np.rint(way * window.scale - np.asarray(window.origin, np.float32)).astype(np.int32)
        middle, colour = len(points) // 2, colour_of(track_id)
        cv2.polylines(image, [points[: middle + 1]], False, colour, 1, cv2.LINE_8)
        cv2.polylines(image, [points[middle:]], False, colour, sizes.line, cv2.LINE_8)


def _check(image: NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DataError(f"Overlay.draw: expected an image (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if not (image.flags.writeable and image.flags.c_contiguous):
        raise DataError("Overlay.draw: expected a writable, contiguous image: draw on a copy of the frame")


def _drawing_order(tracks: Tracks, style: OverlayStyle) -> NDArray[np.int64]:
    """Rows to draw, those that stand nearer (lower in the picture) last."""
    wanted = tracks.states == TrackState.CONFIRMED
    if style.tentative:
        wanted |= tracks.states == TrackState.TENTATIVE
    if style.lost:
        wanted |= tracks.states == TrackState.LOST
    order = np.argsort(tracks.smoothed_boxes[:, 3], kind="stable")
    return np.asarray(order[wanted[order]])


def _corners(boxes: NDArray[np.float32], window: Window, image: NDArray[np.uint8]) -> list[Corners]:
    """Boxes in whole pixels of the image, cut a little outside its edges, so that lines vanish there."""
    height, width = image.shape[:2]
    margin = 16
    limit = np.array([width, height, width, height], np.float32) + margin
    placed = boxes * window.scale - np.asarray(window.origin * 2, np.float32)
    whole = np.rint(np.clip(placed, -margin, limit)).astype(int)
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in whole.tolist()]


def _draw_box(image: NDArray[np.uint8], mark: _Mark, sizes: Sizes) -> None:
    x1, y1, x2, y2 = mark.corners
    if not mark.firm:
        dashes = _dashes(mark.corners, sizes.dash)
        cv2.polylines(image, dashes, False, BLACK, sizes.line + 2, cv2.LINE_8)
        cv2.polylines(image, dashes, False, mark.colour, sizes.line, cv2.LINE_8)
        return
    # Nested rectangles of one pixel are drawn three times as fast as thick lines, and have sharp corners. The
    # dark rim keeps a box visible on ground of its own colour.
    outer = sizes.line // 2 + 1
    for step in range(sizes.line + 2):
        inset = step - outer
        colour = BLACK if step in (0, sizes.line + 1) else mark.colour
        cv2.rectangle(image, (x1 + inset, y1 + inset), (x2 - inset, y2 - inset), colour, 1, cv2.LINE_8)


def _dashes(corners: Corners, dash: int) -> list[NDArray[np.int32]]:
    """Lines (2, 2) int32 along the four sides; every side begins and ends with a dash."""
    x1, y1, x2, y2 = corners
    xs, ys = _stops(x1, x2, dash), _stops(y1, y2, dash)
    lines: list[NDArray[np.int32]] = []
    for side in (y1, y2):
        lines += list(np.stack([xs, np.full_like(xs, side)], axis=2))
    for side in (x1, x2):
        lines += list(np.stack([np.full_like(ys, side), ys], axis=2))
    return lines


def _stops(begin: int, end: int, dash: int) -> NDArray[np.int32]:
    """Where dashes begin and end (N, 2) between two places on a line."""
    dashes = max(1, abs(end - begin) // (2 * dash))
    return np.rint(np.linspace(begin, end, 2 * dashes)).astype(np.int32).reshape(-1, 2)


def _plate_place(
    corners: Corners, size: tuple[int, int], image: NDArray[np.uint8], line: int
) -> tuple[int, int]:
    """Left and top of a plate: above the box, or inside it where there is no room; always in the picture."""
    x1, y1, _, _ = corners
    width, height = size
    rim = line // 2 + 1
    above = y1 - rim - height
    top = above if above >= 0 else max(0, y1 + rim)
    return max(0, min(x1 - rim, image.shape[1] - width)), min(top, image.shape[0] - height)


def _paste(image: NDArray[np.uint8], plate: NDArray[np.uint8], left: int, top: int) -> None:
    if top >= 0:  # a picture lower than a plate has no room for one
        target = image[top : top + plate.shape[0], left : left + plate.shape[1]]
        target[:] = plate[: target.shape[0], : target.shape[1]]

"""How the camera moved between two pictures: corners, and the motion that most of them share.

Sparse optical flow (Lucas-Kanade) on small grey pictures, then RANSAC for a shift, turn and zoom. Corners are
sought in a reference picture, beside the known objects (a bus that fills half the picture would be taken for
the world), and followed from there into every later picture until too few are left. A camera that rests pays
for a look at its corners' brightness alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.geometry import Boxes

Affine = NDArray[np.float64]
Image = NDArray[np.uint8]

AT_REST = np.eye(3)
_QUALITY = 0.02  # of a corner, beside the best one
_SPACING = 7  # between corners, pixels of the small picture
_WINDOW = (9, 9)  # round a corner, in which it is sought again
_LEVELS = 3  # of the pyramid: corners are found again up to 40 pixels away
_PATCH = np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), axis=-1).reshape(1, 9, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class MotionConfig:
    """Constants of `MotionEstimator`; pixels are those of the small picture.

    Attributes:
        width: of the small picture, roughly; larger pictures are thinned to it.
        corners: how many are followed at most.
        fewest: how many must agree for a motion to be believed.
        agree_px: how far a corner may be from the common motion.
        agree_share: the share of the followed corners that must agree.
        rest_px: a camera whose picture moved less rests.
        rest_contrast: it also rests while the brightness at its corners differs by less than this share of
            their contrast; the noise of a camera by night makes 0.15.
        renew_s: how long corners are followed before new ones are sought.
        renew_px: how far: a turning camera moves its picture like an affine only over short ways.
    """

    width: int = 320
    corners: int = 120
    fewest: int = 12
    agree_px: float = 0.75
    agree_share: float = 0.4
    rest_px: float = 0.15
    rest_contrast: float = 0.2
    renew_s: float = 2.0
    renew_px: float = 6.0


class _Reference:
    """A picture whose corners are followed into later ones."""

    def __init__(self, image: Image, pts_s: float, boxes: Boxes, config: MotionConfig) -> None:
        self.size, self.pts_s = image.shape[1::-1], pts_s
        self.step = max(1, round(image.shape[1] / config.width))
        self._config = config
        self._grey = _small(image, self.step)
        free = np.full(self._grey.shape, 255, np.uint8)
        for x1, y1, x2, y2 in (np.maximum(boxes, 0) // self.step).astype(int):
            free[y1 : y2 + 1, x1 : x2 + 1] = 0
        found = cv2.goodFeaturesToTrack(self._grey, config.corners, _QUALITY, _SPACING, mask=free)
        self._corners = np.zeros((0, 1, 2), np.float32) if found is None else found
        places = np.clip(self._corners.astype(np.intp) + _PATCH, 0, np.array(self._grey.shape[::-1]) - 1)
        self._x, self._y = places[..., 0], places[..., 1]
        self._light = self._grey[self._y, self._x].astype(np.int16)
        self._contrast = np.abs(self._light - self._light.mean(axis=1, keepdims=True)).mean(axis=1) + 1

    def rests(self, image: Image) -> bool:
        """Whether the corners are as bright as they were: the cheapest look there is."""
        if len(self._corners) < self._config.fewest:
            return False
        light = image[self._y * self.step, self._x * self.step, 1]
        change = np.abs(light - self._light).mean(axis=1) / self._contrast
        return float(np.median(change)) < self._config.rest_contrast

    def motion_to(self, image: Image) -> Affine | None:
        """The (3, 3) affine from this picture to `image`, in pixels of the small pictures; None: unknown."""
        config = self._config
        if len(self._corners) < config.fewest:
            return None
        there, followed, _ = cv2.calcOpticalFlowPyrLK(
            self._grey,
            _small(image, self.step),
            self._corners,
            self._corners.copy(),  # filled with the result
            winSize=_WINDOW,
            maxLevel=_LEVELS,
        )
        seen = followed.ravel() == 1
        if seen.sum() < config.fewest:
            return None
        affine, agree = cv2.estimateAffinePartial2D(
            self._corners[seen], there[seen], method=cv2.RANSAC, ransacReprojThreshold=config.agree_px
        )
        if affine is None or agree.sum() < max(config.fewest, config.agree_share * len(self._corners)):
            return None
        motion = np.concatenate([affine, [[0.0, 0.0, 1.0]]])
        return AT_REST if self.shift(motion) < config.rest_px else motion

    def shift(self, motion: Affine) -> float:
        """How far a motion (3, 3) takes a corner of the small picture at most."""
        height, width = self._grey.shape
        edge = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        return float(np.abs(edge @ motion.T - edge).max())


class MotionEstimator:
    """Follows one camera, picture by picture; called from one thread."""

    def __init__(self, config: MotionConfig | None = None) -> None:
        self._config = config or MotionConfig()
        self._reference: _Reference | None = None
        self._marked = self._now = AT_REST  # from the reference to the marked picture, and to the last one

    def look(self, image: Image, pts_s: float, boxes: Boxes) -> Affine | None:
        """The camera's motion from the marked picture to this one.

        Args:
            image: (H, W, 3) uint8 BGR.
            pts_s: its media time.
            boxes: (N, 4) objects in it, or what is known of them: no corners are sought there.

        Returns:
            (2, 3) affine that maps pixels of the marked picture to pixels of `image`. None: the camera rests,
            or nothing can be said: nothing was marked yet, the size changed, or too little agrees.
        """
        reference = self._reference
        if reference is None or reference.size != image.shape[1::-1]:
            self._begin(image, pts_s, boxes)
            return None
        now = AT_REST if reference.rests(image) else reference.motion_to(image)
        if now is None:
            self._begin(image, pts_s, boxes)
            return None
        motion = now @ np.linalg.inv(self._marked)
        self._now = now
        old = pts_s - reference.pts_s > self._config.renew_s
        if old or reference.shift(now) > self._config.renew_px:
            self._renew(image, pts_s, boxes)
        if now is AT_REST and self._marked is AT_REST:
            return None
        motion[:2, 2] *= reference.step
        return motion[:2]

    def mark(self) -> None:
        """Motions are told from the picture that was looked at last, from now on."""
        self._marked = self._now

    def _begin(self, image: Image, pts_s: float, boxes: Boxes) -> None:
        """Know nothing of what was before."""
        self._reference = _Reference(image, pts_s, boxes, self._config)
        self._marked = self._now = AT_REST

    def _renew(self, image: Image, pts_s: float, boxes: Boxes) -> None:
        """Follow the corners of this picture from now on."""
        self._reference = _Reference(image, pts_s, boxes, self._config)
        if self._now is not AT_REST or self._marked is not AT_REST:
            self._marked = self._marked @ np.linalg.inv(self._now)
        self._now = AT_REST


def _small(image: Image, step: int) -> Image:
    """Every step-th pixel of the green channel: blurred enough by lens and sensor, and free of cost."""
    return np.ascontiguousarray(image[::step, ::step, 1])

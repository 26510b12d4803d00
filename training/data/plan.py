"""What a training view is made of, drawn as numbers before a pixel is touched.

A plan is painted by OpenCV into one view (`data.augment`) or by torch into a batch on a device (`live`);
boxes and regions to ignore follow from it alone.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from training.data.records import Record

Rect = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How views are drawn; probabilities are per view.

    Attributes:
        scale: Range of sizes relative to the letterboxed picture, drawn evenly in the logarithm.
        aspect: Largest stretch, as the logarithm of the factor.
        mosaic: Share of views made of four pictures.
        mosaic_scale: Range of sizes inside a mosaic's parts.
        colour: Share with shifted hue, saturation and brightness.
        grey: Share without colour (infrared cameras).
        blur: Share blurred.
        compress: Share compressed by JPEG of quality 18 to 55 (low bit-rates).
        noise: Share with sensor noise.
        min_seen: A box of which less than this share is left is ignored instead of learned.
        min_side: So is a box with a side under this many pixels.
        letterbox: Share of views that show the whole picture, centred and not stretched, as the detector will
            see it.
        mixup: Share blended with a second picture (Zhang et al., ICLR 2018).
        cutmix: Share with a part of the view pasted over by a second picture (Yun et al., ICCV 2019).
        night: Share darkened, with a night sensor's noise; half of them grey and lit from the middle
            (infrared lamps).
        motion: Share blurred along a line.
        calm: The last share of a live stage is drawn without mosaic, MixUp and CutMix.
    """

    scale: tuple[float, float] = (0.55, 1.6)
    aspect: float = 0.12
    mosaic: float = 0.25
    mosaic_scale: tuple[float, float] = (0.9, 2.0)
    colour: float = 0.6
    grey: float = 0.07
    blur: float = 0.05
    compress: float = 0.04
    noise: float = 0.03
    min_seen: float = 0.25
    min_side: float = 3.0
    letterbox: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    night: float = 0.0
    motion: float = 0.0
    calm: float = 0.0

    def identity(self) -> dict[str, Any]:
        """Its values as JSON values.

        The options from `letterbox` on are left out while they are off: caches that were made before these
        options were known stay valid.
        """
        values = asdict(self)
        names = [f.name for f in fields(self)]
        off = [name for name in names[names.index("letterbox") :] if values[name] == 0.0]
        return {name: value for name, value in values.items() if name not in off}


@dataclass(frozen=True)
class Placement:
    """Scale and offset that carry a picture's pixels into a rectangle (x1, y1, x2, y2) of the canvas.

    A negative `sx` mirrors. Coordinates are continuous: pixel k covers k to k + 1.
    """

    rect: Rect
    sx: float
    sy: float
    tx: float
    ty: float


@dataclass(frozen=True)
class Layer:
    """A picture (number of its record) at a place, over the layers before it; an opacity below 1 blends."""

    record: int
    placement: Placement
    opacity: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Night:
    """Darkness: 255 gain (x / 255)^gamma, then noise.

    Attributes:
        gamma: Above 1.
        gain: Below 1.
        noise: Standard deviation, in grey levels.
        lamp: Grey with an infrared lamp whose light falls off by this share from the middle to the corners;
            0 keeps the colours.
    """

    gamma: float
    gain: float
    noise: float
    lamp: float


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """What happens to the colours and the sharpness of a view.

    Attributes:
        colour: Shift of the hue (in units of 2 degrees), factors of saturation and brightness, offset of the
            brightness (grey levels); None leaves colours alone.
        grey: Without colour.
        night: Dark, or None.
        kind: At most one of `blur`, `compress`, `noise` and `motion`, or "".
        amount: JPEG quality, noise (grey levels), or length of the motion (pixels).
        angle: Direction of the motion, radians.
    """

    colour: tuple[float, float, float, float] | None = None
    grey: bool = False
    night: Night | None = None
    kind: str = ""
    amount: float = 0.0
    angle: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One view: its pictures from the lowest to the highest, and its distortion."""

    layers: tuple[Layer, ...]
    distortion: Distortion = field(default_factory=Distortion)


def draw_placement(
    size: tuple[int, int], rect: Rect, scale: float, aspect: float, rng: np.random.Generator
) -> Placement:
    """Place a picture of `size` (width, height) somewhere in the rectangle, `scale` 1 filling it.

    A smaller picture lies anywhere inside, a larger one covers the rectangle; half of them are mirrored.
    """
    (w, h), (x1, y1, x2, y2) = size, rect
    base = min((x2 - x1) / w, (y2 - y1) / h) * scale
    stretch = np.exp(rng.uniform(-aspect, aspect))
    sx, sy = base * stretch, base / stretch
    tx = x1 + rng.uniform(*sorted((0.0, x2 - x1 - sx * w)))
    ty = y1 + rng.uniform(*sorted((0.0, y2 - y1 - sy * h)))
    if rng.random() < 0.5:
        sx, tx = -sx, tx + sx * w
    return Placement(rect, sx, sy, tx, ty)


def whole_picture(size: tuple[int, int], rect: Rect, rng: np.random.Generator) -> Placement:
    """The picture of `size` (width, height) centred in the rectangle, which it fills; half are mirrored."""
    (w, h), (x1, y1, x2, y2) = size, rect
    scale = min((x2 - x1) / w, (y2 - y1) / h)
    tx, ty = x1 + (x2 - x1 - scale * w) / 2, y1 + (y2 - y1 - scale * h) / 2
    if rng.random() < 0.5:
        return Placement(rect, -scale, scale, tx + scale * w, ty)
    return Placement(rect, scale, scale, tx, ty)


def draw_distortion(config: AugmentConfig, rng: np.random.Generator) -> Distortion:
    """Draw colours, darkness, and at most one of blur, compression, noise and motion."""
    colour = None
    if rng.random() < config.colour:
        colour = (rng.uniform(-9, 9), rng.uniform(0.5, 1.4), rng.uniform(0.55, 1.35), rng.uniform(-15, 15))
    grey = bool(rng.random() < config.grey)
    night = None
    if config.night and rng.random() < config.night:  # options that are off draw nothing: see `identity`
        lamp = rng.uniform(0.2, 0.7) if rng.random() < 0.5 else 0.0
        night = Night(
            gamma=rng.uniform(1.1, 2.0), gain=rng.uniform(0.4, 0.9), noise=rng.uniform(2, 9), lamp=lamp
        )
    kind = rng.random()
    for name in ("blur", "compress", "noise", "motion"):
        share = getattr(config, name)
        if kind < share:
            return _sharpness(name, rng, Distortion(colour=colour, grey=grey, night=night))
        kind -= share
    return Distortion(colour=colour, grey=grey, night=night)


def _sharpness(kind: str, rng: np.random.Generator, rest: Distortion) -> Distortion:
    amount = angle = 0.0
    match kind:
        case "compress":
            amount = rng.uniform(18, 55)
        case "noise":
            amount = rng.uniform(3, 12)
        case "motion":
            amount, angle = rng.uniform(3, 9), rng.uniform(0, np.pi)
    return Distortion(
        colour=rest.colour, grey=rest.grey, night=rest.night, kind=kind, amount=amount, angle=angle
    )


class Planner:
    """Draws plans of views of `height` x `width` pixels."""

    def __init__(self, records: Sequence[Record], config: AugmentConfig, size: tuple[int, int]) -> None:
        """`size`: (height, width) of a view."""
        self.records, self.config = records, config
        self.height, self.width = size

    def plan(self, i: int, rng: np.random.Generator) -> Plan:
        """One view around picture i; the same generator state gives the same plan."""
        config, canvas = self.config, (0, 0, self.width, self.height)
        rects = self._rects(rng)
        single = len(rects) == 1
        if single and config.letterbox and rng.random() < config.letterbox:
            record = self.records[i]
            layers = [Layer(i, whole_picture((record.width, record.height), canvas, rng))]
        else:
            scale = config.scale if single else config.mosaic_scale
            layers = [self._layer(None if k else i, rect, scale, rng) for k, rect in enumerate(rects)]
        if config.mixup and rng.random() < config.mixup:
            layers.append(self._layer(None, canvas, config.scale, rng, rng.uniform(0.4, 0.6)))
        elif config.cutmix and rng.random() < config.cutmix:
            layers.append(self._layer(None, self._patch(rng), config.mosaic_scale, rng))
        return Plan(tuple(layers), draw_distortion(config, rng))

    def _rects(self, rng: np.random.Generator) -> list[Rect]:
        """The whole canvas, or the four parts of a mosaic."""
        h, w = self.height, self.width
        if rng.random() >= self.config.mosaic:
            return [(0, 0, w, h)]
        cx, cy = int(rng.uniform(0.35, 0.65) * w), int(rng.uniform(0.35, 0.65) * h)
        return [(0, 0, cx, cy), (cx, 0, w, cy), (0, cy, cx, h), (cx, cy, w, h)]

    def _patch(self, rng: np.random.Generator) -> Rect:
        """A rectangle of 0.3 to 0.6 of the canvas's sides."""
        w, h = (int(side * rng.uniform(0.3, 0.6)) for side in (self.width, self.height))
        x, y = int(rng.integers(self.width - w + 1)), int(rng.integers(self.height - h + 1))
        return x, y, x + w, y + h

    def _layer(
        self,
        i: int | None,
        rect: Rect,
        scale: tuple[float, float],
        rng: np.random.Generator,
        opacity: float = 1.0,
    ) -> Layer:
        """Picture i, or any if that is None, somewhere in the rectangle."""
        j = int(rng.integers(len(self.records))) if i is None else i
        factor = float(np.exp(rng.uniform(np.log(scale[0]), np.log(scale[1]))))
        size = (self.records[j].width, self.records[j].height)
        return Layer(j, draw_placement(size, rect, factor, self.config.aspect, rng), opacity)

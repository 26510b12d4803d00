"""Walking people: looks by seed, a gait by formula, limbs as tubes.

What detectors need to see a person was measured: several colours, a head, walking poses and shading; folds of
cloth made no difference and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveil.capture.scenes.mesh import Floats, Material, Mesh, join, resample, tube

Colour = tuple[float, float, float]
Point = NDArray[np.float64]

SKIN: Sequence[Colour] = (
    (0.50, 0.30, 0.21),
    (0.42, 0.24, 0.16),
    (0.26, 0.13, 0.08),
    (0.10, 0.05, 0.03),
    (0.55, 0.36, 0.27),
)
HAIR: Sequence[Colour] = (
    (0.02, 0.015, 0.01),
    (0.06, 0.03, 0.015),
    (0.16, 0.09, 0.04),
    (0.25, 0.22, 0.2),
    (0.01, 0.01, 0.01),
)
TOPS: Sequence[Colour] = (
    (0.02, 0.03, 0.07), (0.35, 0.03, 0.03), (0.5, 0.5, 0.48), (0.03, 0.03, 0.03), (0.05, 0.12, 0.3),
    (0.1, 0.18, 0.08), (0.45, 0.3, 0.06), (0.2, 0.2, 0.22), (0.45, 0.25, 0.3),
)  # fmt: skip
LEGS: Sequence[Colour] = (
    (0.02, 0.025, 0.05),
    (0.015, 0.015, 0.018),
    (0.06, 0.1, 0.2),
    (0.18, 0.14, 0.09),
    (0.1, 0.1, 0.11),
)
SHOES: Sequence[Colour] = ((0.02, 0.02, 0.02), (0.4, 0.4, 0.4), (0.08, 0.04, 0.02))
MODEL_HEIGHT_M = 1.76
STRIDE = 0.78
"""Two steps take this many body heights."""

LEFTWARD, UPWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonLook:
    """What a person looks like; heights in metres, colours linear RGB."""

    height: float
    girth: float
    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    shoes: Colour
    bag: Colour | None
    long_sleeves: bool
    long_hair: bool
    coat: bool


@dataclass(frozen=True, slots=True)
class _Pose:
    """Joints in metres: hip, knee, ankle, heel, toe of each leg; shoulder, elbow, wrist, tip of each arm."""

    legs: list[list[Point]]
    arms: list[list[Point]]
    lift: float


def person_look(seed: tuple[int, ...]) -> PersonLook:
    """The look that belongs to a seed."""
    rng = np.random.default_rng(seed)

    def pick(colours: Sequence[Colour]) -> Colour:
        return colours[int(rng.integers(len(colours)))]

    return PersonLook(
        height=float(rng.uniform(1.58, 1.88)),
        girth=float(rng.uniform(0.92, 1.12)),
        skin=pick(SKIN),
        hair=pick(HAIR),
        top=pick(TOPS),
        legs=pick(LEGS),
        shoes=pick(SHOES),
        bag=pick(TOPS) if rng.random() < 0.4 else None,
        long_sleeves=bool(rng.random() < 0.65),
        long_hair=bool(rng.random() < 0.35),
        coat=bool(rng.random() < 0.3),
    )


def person_mesh(look: PersonLook, phase: float, detail: float = 1.0) -> Mesh:
    """A walker at `phase` of the gait (radians, a turn is two steps); fewer faces for `detail` below 1."""
    pose = _pose(phase)
    parts = [mesh for leg in pose.legs for mesh in _leg(look, leg, detail)]
    parts += _torso(look, detail)
    parts += [mesh for arm in pose.arms for mesh in _arm(look, arm, detail)]
    parts += _head(look, detail)
    return join(parts).scaled(look.height / MODEL_HEIGHT_M, pose.lift)


def _down(angle: float) -> Point:
    """The direction of a limb that hangs, swung forward by `angle`."""
    return np.array([np.sin(angle), 0.0, -np.cos(angle)])


def _pose(phase: float) -> _Pose:
    legs, arms = [], []
    for side, swing in ((1, phase), (-1, phase + np.pi)):
        wrapped = (swing + np.pi) % (2 * np.pi) - np.pi
        thigh = np.radians(2 + 23 * np.sin(swing))
        shin = thigh - np.radians(6 + 48 * np.exp(-(((wrapped + 0.6) / 0.75) ** 2)))
        hip = np.array([0, side * 0.092, 0.92])
        knee = hip + 0.43 * _down(thigh)
        ankle = knee + 0.42 * _down(shin)
        foot = shin * 0.55
        forward, sole = np.array([np.cos(foot), 0, np.sin(foot)]), 0.055 * _down(foot)
        legs.append([hip, knee, ankle, ankle + sole - 0.055 * forward, ankle + sole + 0.19 * forward])
        upper = np.radians(-20 * np.sin(swing) + 2)
        lower = upper + np.radians(18 - 14 * np.sin(swing))
        shoulder = np.array([0, side * 0.195, 1.41])
        elbow = shoulder + 0.29 * (_down(upper) + side * 0.12 * LEFTWARD) / np.hypot(1, 0.12)
        arms.append([shoulder, elbow, elbow + 0.25 * _down(lower), elbow + 0.37 * _down(lower)])
    lowest = min(min(leg[3][2], leg[4][2]) for leg in legs)
    return _Pose(legs, arms, float(0.03 - lowest))


def _corners(n: int, detail: float) -> int:
    return max(6, round(n * detail))


def _rings(n: int, detail: float) -> int:
    return max(7, round(n * detail))


def _leg(look: PersonLook, joints: list[Point], detail: float) -> list[Mesh]:
    hip, knee, ankle, heel, toe = joints
    line, (across, along) = resample(
        [
            hip + 0.02 * UPWARD, hip - 0.09 * UPWARD, (hip + knee) / 2, knee, 0.65 * knee + 0.35 * ankle,
            ankle + 0.02 * UPWARD, ankle - 0.02 * UPWARD,
        ],
        [[0.07, 0.088, 0.078, 0.06, 0.062, 0.052, 0.05], [0.07, 0.095, 0.085, 0.062, 0.066, 0.06, 0.06]],
        _rings(16, detail),
    )  # fmt: skip
    sole = np.linspace(heel, toe, 7) + np.outer([0.02, 0.035, 0.04, 0.03, 0.015, 0.005, 0], UPWARD)
    width = [0.005, 0.04, 0.043, 0.046, 0.048, 0.042, 0.005]
    height = [0.005, 0.045, 0.055, 0.045, 0.034, 0.026, 0.005]
    radii = (across * look.girth, along * look.girth)
    return [
        tube(line, radii, LEFTWARD, look.legs, _corners(12, detail)),
        tube(sole, (width, height), LEFTWARD, look.shoes, _corners(10, detail)),
    ]


def _torso(look: PersonLook, detail: float) -> list[Mesh]:
    hem = 0.72 if look.coat else 0.90
    heights = [hem - 0.02, hem, 0.95, 1.05, 1.17, 1.28, 1.37, 1.43, 1.47, 1.50]
    line, (across, along) = resample(
        [[0.01 * np.sin(3 * z), 0, z] for z in heights],
        [
            [0.10, 0.175, 0.165, 0.15, 0.16, 0.180, 0.196, 0.188, 0.13, 0.06],
            [0.08, 0.125, 0.12, 0.11, 0.115, 0.122, 0.118, 0.1, 0.075, 0.06],
        ],
        _rings(22, detail),
    )
    girth = look.girth
    parts = [tube(line, (across * girth, along * girth), LEFTWARD, look.top, _corners(18, detail))]
    if not look.coat:
        seat = [[0, 0, z] for z in (0.80, 0.83, 0.9, 0.97)]
        radii = (np.array([0.09, 0.155, 0.165, 0.15]) * girth, np.array([0.07, 0.11, 0.118, 0.1]) * girth)
        parts.append(tube(seat, radii, LEFTWARD, look.legs, _corners(16, detail)))
    if look.bag is not None:
        pack = [[-0.2, 0, z] for z in (1.0, 1.01, 1.1, 1.25, 1.38, 1.41)]
        thick = ([0.02, 0.12, 0.14, 0.14, 0.11, 0.02], [0.02, 0.07, 0.085, 0.085, 0.07, 0.02])
        parts.append(tube(pack, thick, LEFTWARD, look.bag, _corners(12, detail)))
    return parts


def _arm(look: PersonLook, joints: list[Point], detail: float) -> list[Mesh]:
    shoulder, elbow, wrist, tip = joints
    count = _rings(13, detail)
    line, (radius,) = resample(
        [
            shoulder + 0.045 * UPWARD, shoulder - 0.02 * UPWARD, (shoulder + elbow) / 2, elbow,
            (elbow + wrist) / 2, wrist,
        ],
        [[0.03, 0.062, 0.053, 0.046, 0.043, 0.034]],
        count,
    )  # fmt: skip
    radius = radius * look.girth
    covered = np.linspace(0, 12, count - 1) < (13 if look.long_sleeves else 6)
    colours = np.where(covered[:, None], look.top, look.skin)
    hand = ([0.025, 0.03, 0.038, 0.034, 0.008], [0.02, 0.026, 0.036, 0.03, 0.008])
    return [
        tube(line, (radius, radius * 1.08), LEFTWARD, colours, _corners(10, detail)),
        tube(np.linspace(wrist, tip, 5), hand, [1, 0, 0], look.skin, _corners(8, detail)),
    ]


def _head(look: PersonLook, detail: float) -> list[Mesh]:
    neck = tube(
        [[0.0, 0, 1.45], [0.01, 0, 1.5], [0.015, 0, 1.56]],
        ([0.06, 0.056, 0.055], [0.065, 0.06, 0.06]),
        LEFTWARD,
        look.skin,
        _corners(12, detail),
    )
    turn = np.linspace(0, np.pi, max(8, round(12 * detail)))
    middle, size = np.array([0.025, 0, 1.635]), np.array([0.1, 0.078, 0.125])
    line = middle - np.outer(np.cos(turn), size * UPWARD)
    across = size[1] * np.sin(turn) + 0.001
    along = (size[0] - 0.01 * (np.cos(turn) > 0.3)) * np.sin(turn) + 0.001

    def face(centres: Floats) -> tuple[Floats, NDArray[np.int8]]:
        """Hair over crown, back and sides of the head; the rest skin, darker at the eyes."""
        x, y, z = ((centres - middle) / size).T
        hair = (z > 0.55 + 0.25 * x) | (x < -0.15) & (z > -0.45) | (np.abs(y) > 0.8) & (z > -0.1) & (x < 0.4)
        eyes = ~hair & (np.abs(z - 0.12) < 0.12) & (x > 0.5)
        colours = np.where(hair[:, None], look.hair, look.skin) * np.where(eyes, 0.45, 1.0)[:, None]
        return colours.astype(np.float32), np.full(len(centres), Material.MATT, np.int8)

    parts = [neck, tube(line, (across, along), LEFTWARD, face, _corners(16, detail))]
    if look.long_hair:
        fall = [[-0.01, 0, 1.76], [-0.02, 0, 1.72], [-0.045, 0, 1.62], [-0.065, 0, 1.5], [-0.08, 0, 1.42]]
        radii = ([0.02, 0.075, 0.095, 0.095, 0.05], [0.02, 0.07, 0.07, 0.045, 0.02])
        parts.append(tube(fall, radii, LEFTWARD, look.hair, _corners(12, detail)))
    return parts

"""Who walks and drives where.

The street's life is planned for one minute, without collisions, and then repeats with other people and other
cars: so any moment can be asked for, and the scene never ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surveil.capture.scenes import layout
from surveil.capture.scenes.layout import Line, Point

Kind = Literal["person", "car"]

PERIOD_S = 60.0
CARS = 16
_STEP_S = 0.25
_TRIES = 80
_CORNER_M = {"person": 1.0, "car": 5.0}
# Discs that stand for an object while ways are planned: offsets along its heading (cars keep off), radius.
_DISCS = {"person": ((0.0, 0.0, 0.0, 0.0), 0.36), "car": ((-1.6, 0.0, 1.6, 4.4), 1.15)}
_REACH_M = 6.0  # no two discs of one object are farther apart


class Path:
    """A polyline with rounded corners, walked from its first point at constant speed."""

    def __init__(self, points: Sequence[Point], speed: float, corner: float) -> None:
        line = np.asarray(points, float)
        pieces = [line[:1]]
        for before, at, after in zip(line, line[1:], line[2:], strict=False):  # a corner is a quadratic curve
            back, on = before - at, after - at
            start = at + back / np.linalg.norm(back) * corner
            end = at + on / np.linalg.norm(on) * corner
            t = np.linspace(0, 1, 12)[:, None]
            pieces.append((1 - t) ** 2 * start + 2 * t * (1 - t) * at + t**2 * end)
        self._points = np.concatenate([*pieces, line[-1:]])
        steps = np.linalg.norm(np.diff(self._points, axis=0), axis=1)
        self._walked = np.concatenate([[0.0], np.cumsum(steps)])
        self.speed = speed

    @property
    def duration_s(self) -> float:
        """How long the way takes."""
        return float(self._walked[-1]) / self.speed

    def at(self, age_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ground points (..., 2) and headings (...) in radians, so many seconds after the start."""
        walked = np.asarray(age_s, float) * self.speed
        ahead = self._point(walked + 0.3) - self._point(walked - 0.3)
        return self._point(walked), np.arctan2(ahead[..., 1], ahead[..., 0])

    def _point(self, walked: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.interp(walked, self._walked, self._points[:, axis]) for axis in (0, 1)], axis=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An object at one moment.

    Attributes:
        id: from 1, never used again.
        kind: what it is.
        look: the seed of its look.
        ground: where it stands, metres.
        heading: radians, 0 is to the right.
        walked_m: the way it has come.
    """

    id: int
    kind: Kind
    look: tuple[int, ...]
    ground: Point
    heading: float
    walked_m: float


@dataclass(frozen=True, slots=True)
class _Actor:
    kind: Kind
    path: Path
    start_s: float


class Scenario:
    """The plan of one seed."""

    def __init__(self, seed: int, people: int = 26) -> None:
        self._seed = seed
        self._actors = _plan(np.random.default_rng((seed, 0x5C)), people)

    def at(self, t: float) -> list[Standing]:
        """Who is on the street at media time `t` in seconds."""
        standing = []
        for number, actor in enumerate(self._actors):
            lap = floor((t - actor.start_s) / PERIOD_S)
            age = t - actor.start_s - lap * PERIOD_S
            if age <= actor.path.duration_s:
                (x, y), heading = actor.path.at(age)
                entry = Standing(
                    id=(lap + 1) * len(self._actors) + number + 1,
                    kind=actor.kind,
                    look=(self._seed, number, lap + 1),
                    ground=(float(x), float(y)),
                    heading=float(heading),
                    walked_m=age * actor.path.speed,
                )
                standing.append(entry)
        return standing


def crossing(line: Line, before: Point, after: Point) -> int:
    """1 where the step crosses the line from its right to its left (seen from its first point), -1 back; 0.

    >>> crossing(((0.0, 0.0), (2.0, 0.0)), (1.0, -1.0), (1.0, 1.0))
    1
    """

    def left_of(a: Point, b: Point, p: Point) -> bool:
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0

    now = left_of(*line, after)
    if left_of(*line, before) == now or left_of(before, after, line[0]) == left_of(before, after, line[1]):
        return 0
    return 1 if now else -1


def _plan(rng: np.random.Generator, people: int) -> list[_Actor]:
    """Cars first, then people, each put where and when nobody is hit; who finds no place stays at home."""
    actors: list[_Actor] = []
    taken: list[tuple[NDArray[np.float64], float]] = []
    for kind in ["car"] * CARS + ["person"] * people:
        for _ in range(_TRIES):
            actor = _candidate(rng, "car" if kind == "car" else "person")
            where, radius = _discs(actor)
            if all(_clear(where, other, radius + reach) for other, reach in taken):
                actors.append(actor)
                taken.append((where, radius))
                break
    return actors


def _candidate(rng: np.random.Generator, kind: Kind) -> _Actor:
    points = _car_route(rng) if kind == "car" else _person_route(rng)
    speed = rng.uniform(6.5, 9.5) if kind == "car" else rng.uniform(1.15, 1.6)
    start = _STEP_S * float(rng.integers(round(PERIOD_S / _STEP_S)))
    return _Actor(kind, Path(points, float(speed), _CORNER_M[kind]), start)


def _discs(actor: _Actor) -> tuple[NDArray[np.float64], float]:
    """Where an object is at each step of the period: discs (T, 4, 2), NaN while it is away; their radius."""
    offsets, radius = _DISCS[actor.kind]
    if actor.path.duration_s >= PERIOD_S:
        raise ValueError(f"a way of {actor.path.duration_s:.0f} s does not fit into {PERIOD_S:.0f} s")
    ages = np.arange(0, actor.path.duration_s, _STEP_S)
    points, heading = actor.path.at(ages)
    along = np.stack([np.cos(heading), np.sin(heading)], axis=-1)[:, None] * np.asarray(offsets)[:, None]
    where = np.full((round(PERIOD_S / _STEP_S), len(offsets), 2), np.nan)
    where[(round(actor.start_s / _STEP_S) + np.arange(len(ages))) % len(where)] = points[:, None] + along
    return where, radius


def _clear(a: NDArray[np.float64], b: NDArray[np.float64], gap: float) -> bool:
    """Whether discs (T, 4, 2) of two objects never come nearer than `gap` metres."""
    at_hand = np.flatnonzero(np.hypot(*(a[:, 0] - b[:, 0]).T) < gap + 2 * _REACH_M)
    a, b = a[at_hand], b[at_hand]
    apart = np.linalg.norm(a[:, :, None] - b[:, None, :], axis=-1)
    return not bool((apart < gap).any())  # NaN, while one is not there, is never near


def _car_route(rng: np.random.Generator) -> list[Point]:
    near, far = layout.LANES_Y
    towards, away = layout.LANES_X
    end = layout.FAR_END_Y
    routes: list[list[Point]] = [
        [(-32, near), (32, near)],
        [(32, far), (-32, far)],
        [(-32, near), (away, near), (away, end), (-12, end)],
        [(-12, end + 1.5), (towards, end + 1.5), (towards, far), (-32, far)],
    ]
    return routes[int(rng.choice(4, p=[0.32, 0.32, 0.18, 0.18]))]


def _person_route(rng: np.random.Generator) -> list[Point]:
    """One of the ways that people take here, a little to this or that side, in either direction."""

    def about(middle: float, reach: float) -> float:
        return float(middle + rng.uniform(-reach, reach))

    zebra, near, far = about(layout.ZEBRA_X, 1.1), about(9.9, 1.0), about(19.4, 0.7)
    side = 1 if rng.random() < 0.5 else -1
    routes: list[list[Point]] = [
        [(-16, near), (16, about(9.9, 1.0))],
        [(-25, far), (25, far)],
        [(side * 16, near), (zebra, about(11.0, 0.2)), (zebra, far), (-side * 25, far)],
        [(about(0, 3.0), 2.5), (about(0, 2.5), near), (side * 16, near)],
    ]
    route = routes[int(rng.choice(4, p=[0.26, 0.26, 0.30, 0.18]))]
    return route if rng.random() < 0.5 else route[::-1]

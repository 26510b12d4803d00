"""What stands keeps its id: parked cars and people who wait, behind passers-by and buses; exact truth.

usage: python benchmarks/track_standing.py --out benchmarks/results/track-standing.json [--seeds 10]
       [--minutes 10]

A street as boxes, without pictures: six cars are parked, people walk and buses drive past in front of them
(once a minute one stops there for 20 s), and some wait at the kerb for 40 s. What is nearer hides what is
behind it. The detector misses 8 % of what it could see and all that is mostly hidden, its boxes are 3 % off
and cut to the part that is seen, its scores fall with what is hidden, and 5 % of the cars are called
trucks. Reported: how many ids one object has on average and at most, and cars that were never there.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from surveil.geometry import iou
from surveil.labels import SURVEIL_6
from surveil.track.config import TrackerConfig
from surveil.track.open import open_tracker
from surveil.track.tracker import SurveilTracker, Tracker
from surveil.types import Detections, FrameInfo, Tracks, TrackState

SIZE, FPS = (1280, 720), 5.0
MISSES, NOISE, WRONG_LABELS, HIDDEN = 0.08, 0.03, 0.05, 0.3
PERSON, CAR, BUS, TRUCK = (SURVEIL_6.id_of(name) for name in ("person", "car", "bus", "truck"))
PARKED = range(1, 7)  # ids of the cars; others count on from here
CELL = 8  # px: how finely it is told what hides what


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """Something that comes, perhaps stands, and goes; x is its middle, all in pixels and seconds.

    Attributes:
        foot: lowest row; who has the larger one is nearer and hides others.
        stop_x, stands_s: where it stands and how long; a speed of 0 stands there for ever.
    """

    id: int
    kind: int
    size: tuple[float, float]
    foot: float
    start_s: float
    speed: float
    stop_x: float
    stands_s: float

    def x(self, now_s: float) -> float:
        """Where its middle is; outside of the picture before it comes and after it has gone."""
        if self.speed == 0:
            return self.stop_x
        begin = -self.size[0] if self.speed > 0 else SIZE[0] + self.size[0]
        arrives_s = self.start_s + (self.stop_x - begin) / self.speed
        driven_s = min(now_s, arrives_s) - self.start_s + max(0.0, now_s - arrives_s - self.stands_s)
        return begin + self.speed * driven_s if driven_s >= 0 else -9 * self.size[0]

    def box(self, now_s: float) -> np.ndarray:
        """Xyxy (4,), not cut at the picture's edges."""
        (width, height), x = self.size, self.x(now_s)
        return np.array([x - width / 2, self.foot - height, x + width / 2, self.foot])


def street(rng: np.random.Generator, seconds: float) -> list[Thing]:
    """Everything that will be there."""
    things = [
        Thing(id=k, kind=CAR, size=(150, 90), foot=430, start_s=0, speed=0, stop_x=190 * k - 40, stands_s=0)
        for k in PARKED
    ]

    def come(kind: int, size: tuple[float, float], foot: float, every_s: float, stands_s: float) -> None:
        fast = 250 if kind == BUS else 90
        for start_s in np.arange(rng.uniform(0, every_s), seconds, every_s):
            speed = float(rng.normal(fast, fast / 8) * rng.choice([-1, 1]))
            stop_x = float(rng.uniform(200, SIZE[0] - 200))
            made = Thing(
                id=len(things) + 1,
                kind=kind,
                size=size,
                foot=foot + float(rng.uniform(-8, 8)),
                start_s=float(start_s + rng.uniform(-1, 1)),
                speed=speed,
                stop_x=stop_x,
                stands_s=stands_s,
            )
            things.append(made)

    come(BUS, (430, 240), 530, 25, 0)
    come(BUS, (430, 240), 532, 60, 20)
    come(PERSON, (60, 180), 590, 12, 40)
    come(PERSON, (70, 210), 650, 4, 0)
    return sorted(things, key=lambda thing: thing.foot)


def seen(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of boxes (N, 4), the farthest first: share (N,) and the box round that part (N, 4)."""
    nearest = np.full((SIZE[1] // CELL, SIZE[0] // CELL), -1)
    cells = np.clip(np.round(boxes / CELL), 0, [*nearest.shape[::-1]] * 2).astype(int)
    for row, (x1, y1, x2, y2) in enumerate(cells):
        nearest[y1:y2, x1:x2] = row
    share, parts = np.zeros(len(boxes)), boxes.copy()
    for row, box in enumerate(boxes):
        y, x = np.nonzero(nearest == row)
        if len(x):
            share[row] = min(1.0, len(x) * CELL**2 / np.prod(box[2:] - box[:2]))
            part = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) * CELL
            low, high = np.maximum(part[:2], box[:2]), np.minimum(part[2:], box[2:])
            parts[row] = box if share[row] > 0.8 else [*low, *high]
    return share, parts


def detect(kinds: np.ndarray, parts: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> Detections:
    """What a detector finds of objects (N,)."""
    found = (share >= HIDDEN) & (rng.random(len(share)) >= MISSES)
    boxes, kinds, share = parts[found], kinds[found], share[found]
    size = np.tile(boxes[:, 2:] - boxes[:, :2], (1, 2))
    wrong = (kinds == CAR) & (rng.random(len(kinds)) < WRONG_LABELS)
    return Detections(
        boxes=(boxes + rng.normal(0, NOISE, boxes.shape) * size).astype(np.float32),
        scores=np.clip(rng.normal(0.55 + 0.3 * share, 0.1), 0.1, 0.99).astype(np.float32),
        class_ids=np.where(wrong, TRUCK, kinds).astype(np.int32),
        frame_size=SIZE,
        labels=SURVEIL_6,
    )


class Tally:
    """Which ids the objects of one street had in the eyes of one tracker."""

    def __init__(self) -> None:
        self.ids: dict[int, set[int]] = defaultdict(set)
        self._ghosts: dict[int, int] = defaultdict(int)
        self._real: set[int] = set()

    def look(self, tracks: Tracks, ids: np.ndarray, boxes: np.ndarray) -> None:
        """One frame: tracks that were matched, beside the objects that are seen."""
        tracks = tracks.select((tracks.states == TrackState.CONFIRMED) & ~tracks.coasting)
        overlap = iou(tracks.boxes.astype(np.float64), boxes)
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        for row, column in zip(rows, columns, strict=True):
            if overlap[row, column] >= 0.5:
                self.ids[int(ids[column])].add(int(tracks.ids[row]))
                self._real.add(int(tracks.ids[row]))
        cars = np.isin(tracks.class_ids, (CAR, TRUCK))
        for track in tracks.ids[cars].tolist():
            self._ghosts[track] += 1

    @property
    def ghosts(self) -> int:
        """Cars that lay upon no object in any frame, and were there for a second at least."""
        return sum(count >= FPS and track not in self._real for track, count in self._ghosts.items())


def trackers() -> dict[str, Tracker]:
    """Ours, ours without parking, and the textbook."""
    config = TrackerConfig()
    never = replace(config, parked_life_by_label={})
    return {
        "surveil": SurveilTracker(config, SURVEIL_6),
        "surveil without parking": SurveilTracker(never, SURVEIL_6),
        "sort": open_tracker("sort", SURVEIL_6, config),
    }


def watch(seed: int, minutes: float) -> dict[str, dict[str, list[int]]]:
    """Numbers of ids by tracker and kind of object in one street."""
    rng = np.random.default_rng(seed)
    things = street(rng, 60 * minutes)
    following = {name: (tracker, Tally()) for name, tracker in trackers().items()}
    for index in range(round(60 * minutes * FPS)):
        now_s = index / FPS
        boxes = np.array([thing.box(now_s) for thing in things])
        here = (boxes[:, 2] > 0) & (boxes[:, 0] < SIZE[0])
        ids = np.array([thing.id for thing in things])[here]
        kinds = np.array([thing.kind for thing in things])[here]
        share, parts = seen(boxes[here])
        found = detect(kinds, parts, share, rng)
        info = FrameInfo(camera_id="street", index=index, pts_s=now_s, size=SIZE)
        for tracker, tally in following.values():
            tally.look(tracker.update(info, found), ids[share >= HIDDEN], parts[share >= HIDDEN])
    of_kind = {
        "parked": set(PARKED),
        "waiting": {thing.id for thing in things if thing.kind == PERSON and thing.stands_s > 0},
        "passing": {thing.id for thing in things if thing.kind == PERSON and thing.stands_s == 0},
    }
    return {
        name: {
            **{
                kind: [len(tally.ids[k]) for k in sorted(wanted & tally.ids.keys())]
                for kind, wanted in of_kind.items()
            },
            "ghosts": [tally.ghosts],
        }
        for name, (_, tally) in following.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    args = parser.parse_args()
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(1, args.seeds + 1):
        for name, of in watch(seed, args.minutes).items():
            for kind, ids in of.items():
                counts[name][kind] += ids
    report = {
        "seeds": args.seeds,
        "minutes": args.minutes,
        "trackers": {
            name: {
                **{
                    kind: {"objects": len(ids), "mean": float(np.mean(ids)), "most": max(ids)}
                    for kind, ids in of.items()
                    if kind != "ghosts"
                },
                "ghosts": sum(of["ghosts"]),
            }
            for name, of in counts.items()
        },
    }
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

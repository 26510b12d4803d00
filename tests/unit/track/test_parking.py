"""What stands keeps its id: parked cars behind passers-by, and people who wait."""

from __future__ import annotations

import numpy as np
import pytest

from surveil.labels import SURVEIL_6
from surveil.track.tracker import SurveilTracker, TrackerConfig
from surveil.types import Detections, Tracks, TrackState
from tests.support.scenes import Box, found, frame, ids, person

CAR, BUS = SURVEIL_6.id_of("car"), SURVEIL_6.id_of("bus")
PARKED: Box = (200, 200, 320, 270)
DT = 0.2


def shifted(x: float) -> Box:
    """The parked car, a little or much further to the right."""
    return (PARKED[0] + x, PARKED[1], PARKED[2] + x, PARKED[3])


class Street:
    """A tracker, and a clock that goes on."""

    def __init__(self) -> None:
        self.follow = SurveilTracker(TrackerConfig(), SURVEIL_6)
        self.now_s = 0.0
        self.ids: set[int] = set()

    def play(self, seconds: float, *things: tuple[Box, int]) -> Tracks:
        """The same things for a while."""
        for _ in range(round(seconds / DT)):
            tracks = self.show(found([box for box, _ in things], classes=[kind for _, kind in things]))
        return tracks

    def show(self, detections: Detections) -> Tracks:
        tracks = self.follow.update(frame(self.now_s), detections)
        self.ids |= set(ids(tracks))
        self.now_s += DT
        return tracks


def parked() -> Street:
    street = Street()
    street.play(5, (PARKED, CAR))
    return street


def test_a_parked_car_keeps_its_id_through_a_minute_behind_a_bus() -> None:
    street = parked()
    bus = ((150, 120, 420, 290), BUS)
    tracks = street.play(60, bus)
    assert ids(tracks) == [1, 2]
    assert tracks.states.tolist() == [TrackState.LOST, TrackState.CONFIRMED]
    np.testing.assert_array_equal(tracks.boxes[0], PARKED)
    tracks = street.play(1, (PARKED, CAR))
    assert tracks.states[0] == TrackState.CONFIRMED
    assert street.ids == {1, 2}


def test_passers_by_do_not_steal_its_id_and_raise_nothing_new() -> None:
    street, rng = parked(), np.random.default_rng(2)
    for _ in range(10):
        for x in range(100, 400, 12):
            things: list[tuple[Box, int]] = [(person(x, 180, 40, 110), 0)]
            if not 120 < x < 330:
                things.append((shifted(rng.normal(0, 1.5)), CAR))
            tracks = street.show(found([box for box, _ in things], classes=[kind for _, kind in things]))
        street.play(2, (PARKED, CAR))
    assert len(street.ids) == 11  # the car, and ten people
    assert tracks.ids[0] == 1


def test_a_half_hidden_car_is_the_same_car() -> None:
    street = parked()
    street.play(3)
    half = ((200, 200, 255, 270), CAR)
    tracks = street.play(2, half)
    assert ids(tracks) == [1]
    assert ids(street.play(1, (PARKED, CAR))) == [1]
    assert street.ids == {1}


def test_a_car_that_is_called_something_else_for_once_is_the_same_car() -> None:
    street = parked()
    street.play(3)
    street.play(DT, (shifted(2), BUS))
    assert ids(street.play(1, (PARKED, CAR))) == [1]
    assert street.ids == {1}


def test_a_bus_that_stops_in_front_is_not_the_car_though_that_was_seen_a_moment_ago() -> None:
    street = parked()
    bus = ((180, 130, 460, 300), BUS)
    street.play(10, bus)
    tracks = street.play(1, (PARKED, CAR))
    assert tracks.states[0] == TrackState.CONFIRMED
    np.testing.assert_array_equal(tracks.boxes[0], PARKED)
    assert street.ids == {1, 2}


@pytest.mark.parametrize("seed", range(5))
def test_what_is_seen_of_a_car_between_passers_by_is_the_same_car(seed: int) -> None:
    """A third of it, and edges that are 3 % off, as detectors see them."""
    street, rng = parked(), np.random.default_rng(seed)
    for _ in range(20):
        street.play(1.4)
        left = PARKED[0] + rng.uniform(0, 80)
        part = np.array([left, PARKED[1], left + 40, PARKED[3]])
        street.show(found([tuple(part + rng.normal(0, 0.03, 4) * [40, 70, 40, 70])], classes=CAR))
    assert ids(street.play(1, (PARKED, CAR))) == [1]
    assert street.ids == {1}


def test_another_car_that_drives_past_is_another_car() -> None:
    street = parked()
    street.play(3)
    for k in range(20):
        tracks = street.show(found([(20 + 25 * k, 215, 160 + 25 * k, 290)], classes=CAR))
    assert ids(tracks) == [1, 2]
    assert tracks.states.tolist() == [TrackState.LOST, TrackState.CONFIRMED]


def test_who_drives_off_is_no_longer_parked() -> None:
    street = parked()
    for k in range(12):
        street.show(found([shifted(15 * k)], classes=CAR))
    assert street.ids == {1}
    assert ids(street.play(1.6)) == []


def test_a_parked_car_that_is_gone_for_good_ends_and_is_reported_once() -> None:
    street = parked()
    street.play(119)
    removed = [street.show(found([])).removed.tolist() for _ in range(20)]
    assert removed.count([1]) == 1
    assert sum(map(len, removed)) == 1


def test_a_car_that_only_waits_at_a_light_lives_like_any_other() -> None:
    street = Street()
    street.play(2, (PARKED, CAR))
    assert ids(street.play(1.6)) == []


@pytest.mark.parametrize("kind", [0, CAR])
def test_what_stands_still_and_is_seen_keeps_its_id(kind: int) -> None:
    street, rng = Street(), np.random.default_rng(4)
    for _ in range(150):
        box = tuple(np.array(person(300)) + rng.normal(0, 2, 4))
        street.show(found([box] if rng.random() > 0.2 else [], classes=kind))
    assert street.ids == {1}


def test_a_shaking_camera_takes_the_anchor_along() -> None:
    street = Street()
    for k in range(40):
        shift = np.array([1.0, 0, 12]), np.array([0.0, 1, 0])
        scene = found([shifted(12 * k)], classes=CAR)
        street.follow.update(frame(k * DT), scene, np.stack(shift) if k else None)
    tracks = street.follow.update(frame(40 * DT + 1.5), found([]))
    tracks = street.follow.update(frame(40 * DT + 3), found([]))
    assert ids(tracks) == [1]  # parked, though its place in the picture moved on

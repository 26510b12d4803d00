"""Pictures of a camera that trembles with noise, in which things happen at known times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from surveil.labels import SURVEIL_6
from surveil.pipeline.gate import Gate
from surveil.pipeline.motion import MotionConfig, MotionDetector, small
from surveil.types import Frame, Tracks

SIZE = (160, 90)
Change = Callable[[NDArray[np.int16], float], object]


def moving_times(
    change: Change, seconds: float, rate_hz: float = 10, noise: float = 3.0
) -> NDArray[np.float64]:
    """When motion was seen in an even street with noise, to which `change` happens."""
    chance = np.random.default_rng(1)
    street = chance.integers(60, 180, (SIZE[1] // 4, SIZE[0] // 4, 1)).repeat(4, 0).repeat(4, 1).repeat(3, 2)
    grains = np.round(chance.normal(0, noise, (16, *street.shape))).astype(np.int16)
    detector, seen = MotionDetector(), []
    for index in range(int(seconds * rate_hz)):
        pts_s = index / rate_hz
        picture = street.astype(np.int16)
        change(picture, pts_s)
        picture = picture + grains[chance.integers(16)]
        if detector.moves(frame(index, pts_s, picture.clip(0, 255).astype(np.uint8))):
            seen.append(pts_s)
    return np.array(seen)


def frame(index: int, pts_s: float, image: NDArray[np.uint8]) -> Frame:
    return Frame(camera_id="a", index=index, pts_s=pts_s, wall_s=0, arrived_s=0, image=image)


def nothing(picture: NDArray[np.int16], pts_s: float) -> None:
    pass


def walker(picture: NDArray[np.int16], pts_s: float) -> None:
    """A small person crosses from the tenth second to the twentieth."""
    if 10 <= pts_s < 20:
        x = int((pts_s - 10) * 15)
        picture[40:55, x : x + 5] = 30


@pytest.mark.parametrize("noise", [0, 3, 8])
def test_noise_is_no_motion_once_the_background_is_known(noise: float) -> None:
    assert moving_times(nothing, 20, noise=noise).max() < 1.5


@pytest.mark.parametrize("rate_hz", [5, 10, 15, 30])
def test_a_walker_is_seen_at_once_and_as_long_as_he_walks(rate_hz: float) -> None:
    times = moving_times(walker, 25, rate_hz)
    times = times[times > 2]
    assert times.min() <= 10.5
    assert 19.5 <= times.max() <= 21.5  # where he was last is uncovered
    assert np.diff(times).max() <= 0.5


def test_a_change_of_light_is_motion_and_then_the_new_background() -> None:
    def lamp(picture: NDArray[np.int16], pts_s: float) -> None:
        if pts_s >= 10:
            picture += 50

    times = moving_times(lamp, 20)
    times = times[times > 2]
    assert times.min() == pytest.approx(10)
    assert times.max() < 12.5


def test_a_walker_is_seen_right_after_the_light_changed() -> None:
    def both(picture: NDArray[np.int16], pts_s: float) -> None:
        walker(picture, pts_s)
        if pts_s >= 9:
            picture += 40

    times = moving_times(both, 25)
    assert np.diff(times[(times > 10) & (times < 20)]).max() <= 0.5


def test_slow_dusk_is_no_motion() -> None:
    def dusk(picture: NDArray[np.int16], pts_s: float) -> None:
        picture -= int(pts_s)  # 40 levels in 40 s

    assert (moving_times(dusk, 40) > 2).sum() <= 4


@pytest.mark.parametrize("restless", ["mast", "lamp"])
def test_what_is_restless_for_ever_is_only_watched_in_the_end(restless: str) -> None:
    """A mast that shakes the picture by two pixels, or a lamp that flickers: no reason to look at all."""
    chance = np.random.default_rng(2)
    street = chance.integers(60, 180, (SIZE[1] // 4, SIZE[0] // 4, 1)).repeat(4, 0).repeat(4, 1).repeat(3, 2)
    gate, looks = Gate(MotionDetector()), []
    for index in range(400):
        picture = street.astype(np.uint8)
        if restless == "mast":
            picture = np.roll(picture, chance.integers(-2, 3, 2), (0, 1))
        elif index // 7 % 2:
            picture = picture + np.uint8(30)
        one = frame(index, index / 10, picture)
        gate.see(one)
        if gate.due(one):
            gate.looked(one)
            looks.append(one.pts_s)
        gate.know(Tracks.empty(SIZE, SURVEIL_6), one.pts_s)
    assert sum(time < 5 for time in looks) > 15
    assert np.diff([time for time in looks if time > 12]).min() >= 0.499


def test_another_size_or_a_gap_begins_anew_with_everything_moving() -> None:
    detector = MotionDetector()
    grey = np.full((180, 320, 3), 90, np.uint8)
    times = [*np.arange(0, 3, 0.1), *np.arange(60, 63, 0.1)]
    moved = [pts_s for index, pts_s in enumerate(times) if detector.moves(frame(index, float(pts_s), grey))]
    assert min(moved) == 0
    assert [pts_s for pts_s in moved if 1.05 < pts_s < 60] == []
    assert 60 in moved
    assert max(moved) < 61.05
    assert detector.moves(frame(99, 63.5, np.full((360, 640, 3), 90, np.uint8)))


def test_only_so_many_pictures_a_second_are_looked_at() -> None:
    detector = MotionDetector(MotionConfig(rate_hz=10, learn_s=1000))
    grey = np.full((90, 160, 3), 90, np.uint8)
    looked = sum(detector.moves(frame(index, index / 30, grey)) for index in range(300))
    assert looked == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((160, 90), (160, 90)), ((768, 432), (154, 87)), ((1920, 1080), (160, 90)), ((7, 5), (7, 5))],
)
def test_pictures_are_thinned(size: tuple[int, int], expected: tuple[int, int]) -> None:
    thin = small(np.zeros((size[1], size[0], 3), np.uint8), 160)
    assert (thin.shape[1], thin.shape[0]) == expected
    assert thin.dtype == np.uint8

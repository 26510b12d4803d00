from __future__ import annotations

import numpy as np
import pytest

from surveil.app.calibrate import thresholds_from
from surveil.errors import UsageError


def scores(nothing: int, something: int, height: float, seed: int = 0) -> np.ndarray:
    """Of a detector that is unsure of what is nothing, and stands round a height where there is something."""
    rng = np.random.default_rng(seed)
    low, high = 0.1 + rng.exponential(0.06, nothing), rng.normal(height, 0.07, something)
    return np.clip(np.concatenate([low, high]), 0.1, 1)


@pytest.mark.parametrize("height", [0.55, 0.7, 0.85])
def test_the_thresholds_follow_the_height_of_the_scores(height: float) -> None:
    cut, count = thresholds_from(scores(3000, 800, height))
    assert 0.25 < cut.low < height - 0.15
    assert height - 0.12 < cut.high < cut.birth < height
    assert cut.display == cut.high
    assert 700 < count < 950


def test_more_noise_or_fewer_objects_change_little() -> None:
    one, _ = thresholds_from(scores(2000, 800, 0.7))
    other, _ = thresholds_from(scores(20_000, 300, 0.7, seed=1))
    assert abs(one.birth - other.birth) < 0.05
    assert abs(one.high - other.high) < 0.07


@pytest.mark.parametrize(
    "given", [np.zeros(0), scores(5000, 0, 0.7), scores(500, 20, 0.8), np.linspace(0.1, 1, 900)]
)
def test_without_a_valley_nothing_is_guessed(given: np.ndarray) -> None:
    with pytest.raises(UsageError, match="no valley between nothing and something"):
        thresholds_from(given)

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.geometry import iou
from surveil.track import assignment
from surveil.track.assignment import assign, height_modulated_iou, overlapping


def boxes(n: int, seed: int, area: float = 500) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, area, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 80, (n, 2))], axis=1)


def test_height_modulated_iou_is_iou_times_the_overlap_of_heights() -> None:
    a, b = np.array([0.0, 0, 10, 10]), np.array([0.0, 5, 10, 20])
    assert height_modulated_iou(a, b) == pytest.approx((50 / 200) * (5 / 20))
    assert height_modulated_iou(a, a) == 1
    assert height_modulated_iou(a, a + 10) == 0
    side = a + np.array([5, 0, 5, 0])
    assert height_modulated_iou(a, side) == pytest.approx(iou(a[None], side[None])[0, 0])


@pytest.mark.parametrize(("n", "m"), [(60, 60), (3, 2000), (2000, 3), (300, 200)])
def test_the_sweep_finds_what_the_full_matrix_finds(n: int, m: int) -> None:
    a, b = boxes(n, 1), boxes(m, 2)
    assert n * m > assignment.DENSE_CELLS
    full = height_modulated_iou(a[:, None], b[None])
    pairs = overlapping(a, b)
    sparse = np.zeros((n, m))
    sparse[pairs.tracks, pairs.detections] = pairs.overlap
    np.testing.assert_allclose(sparse, full, rtol=1e-12)
    assert len(pairs.overlap) == np.count_nonzero(full)


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (9, 0), (0, 5000)])
def test_nobody_overlaps_nobody(shape: tuple[int, int]) -> None:
    pairs = overlapping(np.zeros((shape[0], 4)), np.zeros((shape[1], 4)))
    assert len(pairs.tracks) == 0
    assert assign(*pairs).tolist() == []


def best(i: list[int], j: list[int], affinity: list[float]) -> float:
    """The largest sum over all sets of pairs, tried one by one."""
    top = 0.0
    for size in range(1, len(i) + 1):
        for chosen in itertools.combinations(range(len(i)), size):
            rows, columns = {i[k] for k in chosen}, {j[k] for k in chosen}
            if len(rows) == len(columns) == size:
                top = max(top, sum(affinity[k] for k in chosen))
    return top


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), unique=True, max_size=9),
    st.lists(st.floats(0.01, 1), min_size=9, max_size=9),
)
def test_no_other_set_of_pairs_is_better(pairs: list[tuple[int, int]], values: list[float]) -> None:
    i, j, affinity = [p[0] for p in pairs], [p[1] for p in pairs], values[: len(pairs)]
    chosen = assign(np.array(i, np.intp), np.array(j, np.intp), np.array(affinity))
    picked = [pair for pair, yes in zip(pairs, chosen, strict=True) if yes]
    assert len({a for a, _ in picked}) == len({b for _, b in picked}) == len(picked)
    assert sum(np.array(affinity)[chosen]) == pytest.approx(best(i, j, affinity))


def test_solving_clusters_apart_is_as_good_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = overlapping(boxes(400, 3, 2000), boxes(400, 4, 2000))
    apart = assign(*pairs)
    monkeypatch.setattr(assignment, "DENSE_CELLS", 10**9)
    together = assign(*pairs)
    assert apart.sum() > 100
    assert pairs.overlap[apart].sum() == pytest.approx(pairs.overlap[together].sum())
    np.testing.assert_array_equal(apart, together)

"""Which detection belongs to which track: overlaps of pairs, and the best set of pairs.

Everything works on lists of pairs (track i, detection j) that overlap at all. A crowd of a thousand has a
million combinations, of which some thousands overlap: only these cost anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

DENSE_CELLS = 2500  # up to here a full matrix is quicker than being clever
TINY = np.finfo(np.float64).tiny  # instead of dividing by the size of boxes that have none


class Pairs(NamedTuple):
    """P pairs of a track and a detection that overlap.

    Attributes:
        tracks: (P,) rows of the tracks.
        detections: (P,) rows of the detections.
        overlap: (P,) height-modulated IoU, > 0.
    """

    tracks: Index
    detections: Index
    overlap: Array

    def select(self, mask: NDArray[np.bool_]) -> Pairs:
        """The pairs given by a mask (P,)."""
        return Pairs(self.tracks[mask], self.detections[mask], self.overlap[mask])


def height_modulated_iou(a: Array, b: Array) -> Array:
    """IoU of xyxy boxes a and b (..., 4), times the IoU of their vertical extents; broadcasts.

    People who cover each other differ in how far up and down they reach long before they differ in place: the
    second factor tells them apart (Hybrid-SORT, arXiv 2308.00783, section 3.3).
    """
    ax1, ay1, ax2, ay2 = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bx1, by1, bx2, by2 = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    width = np.maximum(np.minimum(ax2, bx2) - np.maximum(ax1, bx1), 0)
    height = np.maximum(np.minimum(ay2, by2) - np.maximum(ay1, by1), 0)
    common = width * height
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - common
    extent = np.maximum(ay2, by2) - np.minimum(ay1, by1)
    return np.asarray(common / np.maximum(union, TINY) * height / np.maximum(extent, TINY))


def overlapping(tracks: Array, detections: Array) -> Pairs:
    """All pairs of boxes xyxy (N, 4) and (M, 4), all of positive size, that share more than an edge."""
    if len(tracks) * len(detections) <= DENSE_CELLS:
        overlap = height_modulated_iou(tracks[:, None], detections[None])
        i, j = np.nonzero(overlap)
        return Pairs(i, j, overlap[i, j])
    i, j = _sweep(tracks, detections)
    overlap = height_modulated_iou(tracks[i], detections[j])
    return Pairs(i, j, overlap).select(overlap > 0)


def _sweep(tracks: Array, detections: Array) -> tuple[Index, Index]:
    """Pairs whose horizontal and vertical extents meet, from the tracks in the order of their left edges.

    The tracks that can meet a detection begin left of its right edge, and at most one (widest) track's width
    left of its left edge: an unbroken run of that order.
    """
    order = np.argsort(tracks[:, 0], kind="stable")
    left = tracks[order, 0]
    widest = np.max(tracks[:, 2] - tracks[:, 0])
    first = np.searchsorted(left, detections[:, 0] - widest, side="left")
    length = np.searchsorted(left, detections[:, 2], side="left") - first
    j = np.repeat(np.arange(len(detections)), length)
    place_in_run = np.arange(len(j)) - np.repeat(np.cumsum(length) - length, length)
    i = order[np.repeat(first, length) + place_in_run]
    meet = tracks[i, 2] > detections[j, 0]
    meet &= tracks[i, 1] < detections[j, 3]
    meet &= tracks[i, 3] > detections[j, 1]
    return i[meet], j[meet]


def assign(tracks: Index, detections: Index, affinity: Array) -> NDArray[np.bool_]:
    """Mask (P,) of the pairs that together have the largest affinity, no track and no detection used twice.

    Args:
        tracks: (P,) track of each pair.
        detections: (P,) detection of each pair; no pair occurs twice.
        affinity: (P,) > 0.
    """
    chosen = np.zeros(len(tracks), np.bool_)
    if len(tracks) == 0:
        return chosen
    alone = (np.bincount(tracks)[tracks] == 1) & (np.bincount(detections)[detections] == 1)
    chosen[alone] = True
    rest = np.flatnonzero(~alone)
    if len(rest):
        i, j = tracks[rest], detections[rest]
        for group in _groups(i, j):
            chosen[rest[group[_solve(i[group], j[group], affinity[rest[group]])]]] = True
    return chosen


def _groups(i: Index, j: Index) -> list[Index]:
    """Rows of pairs that can be solved apart from the others: whole clusters, some of them together.

    What is not connected cannot compete. Clusters are mostly tiny, so that solving each one alone would cost
    more calls than sums: they are gathered until a matrix has some fifty rows.
    """
    if len(i) ** 2 <= DENSE_CELLS:
        return [np.arange(len(i))]
    (i, n), (j, m) = _numbered(i), _numbered(j)
    if n * m <= DENSE_CELLS:
        return [np.arange(len(i))]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(i), np.int8), (i, j + n)), shape=(n + m, n + m))
    _, cluster = connected_components(graph, directed=False)
    tracks_before = np.cumsum(np.bincount(cluster[:n]))
    batch = (tracks_before // int(DENSE_CELLS**0.5))[cluster[i]]
    order = np.argsort(batch, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(batch[order])) + 1)


def _solve(i: Index, j: Index, affinity: Array) -> NDArray[np.bool_]:
    """Mask (P,) of the best pairs by the Hungarian method; to be no pair counts 0 and means no match."""
    from scipy.optimize import (
        linear_sum_assignment,
    )  # takes 0.9 s of a core: the first picture is shown before

    (i, n), (j, m) = _numbered(i), _numbered(j)
    matrix = np.zeros((n, m))
    matrix[i, j] = affinity
    partner = np.full(n, -1)
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    partner[rows] = columns
    return np.asarray(partner[i] == j)


def _numbered(values: Index) -> tuple[Index, int]:
    """The same (P,), counted from 0 without gaps in their order, and how many there are."""
    rank = np.cumsum(np.bincount(values) > 0)
    return rank[values] - 1, int(rank[-1])

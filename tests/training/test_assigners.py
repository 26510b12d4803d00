# ruff: noqa: E402 - what needs torch is imported after the skip
"""Both assigners against plain loops in double precision and against scenes small enough to draw."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.assigners.atss import ATSSConfig, assign_atss, nearest_cells
from training.assigners.objects import Assignment, Objects, inside, sole_owner
from training.assigners.tal import TALConfig, assign_tal
from training.grid import cell_grid
from training.models.reading import Places

GRID = cell_grid(64, 64)
LEVELS = [64, 16, 4, 1]
TRUTH = [[4.0, 4, 40, 60], [20, 10, 62, 50], [30, 30, 36, 37]]


def objects_of(boxes: list, classes: list, image: list | None = None) -> Objects:
    rows = torch.tensor(image or [0] * len(boxes))
    return Objects(rows, torch.tensor(boxes).reshape(-1, 4).float(), torch.tensor(classes).long())


def predictions(seed: int, images: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Random scores (B, N, 2), and boxes (B, N, 4) that hold their cell's centre."""
    rng = np.random.default_rng(seed)
    centres, strides = GRID
    half = rng.uniform(0.5, 3.0, (images, len(centres), 4)) * strides[:, None]
    boxes = np.concatenate([centres - half[..., :2], centres + half[..., 2:]], -1)
    scores = rng.uniform(0.05, 0.9, (images, len(centres), 2))
    return torch.from_numpy(scores).float(), torch.from_numpy(boxes).float()


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Of two boxes, the long way."""
    inter = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def as_dict(got: Assignment) -> dict:
    """(object, cell) -> quality to four decimals."""
    pairs = zip(got.objects.tolist(), got.cells.tolist(), strict=True)
    return dict(zip(pairs, [round(q, 4) for q in got.quality.tolist()], strict=True))


def tal_in_loops(scores: np.ndarray, boxes: np.ndarray, objects: Objects) -> dict:
    """Task-aligned assignment of one image, one pair after the other."""
    metric, overlap, chosen = {}, {}, {}
    for g, (truth, label) in enumerate(zip(objects.boxes.numpy(), objects.classes.numpy(), strict=True)):
        rows = []
        for n, (x, y) in enumerate(GRID[0]):
            mx, my = (truth[0] + truth[2]) / 2, (truth[1] + truth[3]) / 2
            half = np.maximum((truth[2:] - truth[:2]) / 2, 6)
            if abs(x - mx) >= half[0] or abs(y - my) >= half[1]:
                continue
            overlap[g, n] = iou(boxes[n], truth)
            metric[g, n] = scores[n, label] * overlap[g, n] ** 6
            rows.append(n)
        chosen[g] = sorted(rows, key=lambda n, g=g: -metric[g, n])[:13]
    pairs = {}
    for n in range(len(GRID[0])):
        wanting = [g for g in chosen if n in chosen[g]]
        if wanting:
            pairs[max(wanting, key=lambda g: overlap[g, n]), n] = 0.0
    for g, n in pairs:
        mine = [m for k, m in pairs if k == g]
        pairs[g, n] = metric[g, n] / max(metric[g, m] for m in mine) * max(overlap[g, m] for m in mine)
    return {k: round(float(v), 4) for k, v in pairs.items()}


def atss_in_loops(boxes: np.ndarray, objects: Objects, side: float) -> dict:
    """Adaptive training sample selection of one image as the paper's algorithm 1 words it."""
    centres, strides = (x.astype(np.float64) for x in GRID)
    anchor = [np.array([x - s * side / 2, y - s * side / 2, x + s * side / 2, y + s * side / 2])
              for (x, y), s in zip(centres, strides, strict=True)]  # fmt: skip
    wanted: dict[int, list[tuple[float, int]]] = {}
    for g, truth in enumerate(objects.boxes.numpy().astype(np.float64)):
        middle = (truth[:2] + truth[2:]) / 2
        candidates, start = [], 0
        for count in LEVELS:
            level = range(start, start + count)
            candidates += sorted(level, key=lambda n, m=middle: math.dist(centres[n], m))[:9]
            start += count
        overlaps = [iou(anchor[n], truth) for n in candidates]
        threshold = np.mean(overlaps) + np.std(overlaps, ddof=1)
        for n, overlap in zip(candidates, overlaps, strict=True):
            if overlap >= threshold and (truth[:2] < centres[n]).all() and (centres[n] < truth[2:]).all():
                wanted.setdefault(n, []).append((overlap, g))
    return {
        (max(hopefuls)[1], n): round(iou(boxes[n], objects.boxes[max(hopefuls)[1]].numpy()), 4)
        for n, hopefuls in wanted.items()
    }


def atss(boxes: torch.Tensor, objects: Objects, config: ATSSConfig | None = None) -> Assignment:
    config = config or ATSSConfig()
    centres, strides = (torch.from_numpy(part) for part in GRID)
    anchors = Places(centres, strides, torch.arange(len(strides))).squares(config.side)
    return assign_atss(boxes, (centres, anchors), LEVELS, objects, config)


@pytest.mark.parametrize("seed", [4, 5])
def test_tal_agrees_with_plain_loops(seed: int) -> None:
    scores, boxes = predictions(seed)
    objects = objects_of(TRUTH, [0, 1, 0])
    got = assign_tal(scores, boxes, torch.from_numpy(GRID[0]), objects, TALConfig())
    assert as_dict(got) == tal_in_loops(scores[0].numpy(), boxes[0].numpy(), objects)


@pytest.mark.parametrize("side", [5.0, 8.0])
def test_atss_agrees_with_plain_loops(side: float) -> None:
    _, boxes = predictions(6)
    # off the grid's symmetries: at equal distances the choice among the nearest is free
    objects = objects_of(
        [[3.1, 5.2, 40.3, 61.7], [21.3, 9.4, 62.2, 51.9], [29.2, 30.7, 41.1, 44.3]], [0, 1, 0]
    )
    got = as_dict(atss(boxes, objects, ATSSConfig(side=side)))
    assert got == atss_in_loops(boxes[0].numpy(), objects, side)
    assert {g for g, _ in got} == {0, 1, 2}


def test_atss_of_an_object_as_large_as_one_cells_anchor() -> None:
    # a box of 40 x 40 px round the cell (2, 3) of stride 8: its anchor is the box itself, IoU 1. The other
    # cells of the nine have (32 x 40) / (2 x 1600 - 1280) = 2 / 3 beside it and 1024 / 2176 = 0.47 across;
    # anchors of 80 px have at most 0.25. Threshold 0.58: five cells are above.
    middle = 8 * np.array([2.5, 3.5])
    objects = objects_of([[*(middle - 20), *(middle + 20)]], [0])
    _, boxes = predictions(7)
    got = as_dict(atss(boxes, objects))
    cell = 3 * 8 + 2
    assert {n for _, n in got} == {cell, cell - 1, cell + 1, cell - 8, cell + 8}


def test_atss_of_a_cell_that_two_objects_want() -> None:
    objects = objects_of([[2.0, 2, 42, 42], [2.0, 2, 42, 42]], [0, 1])
    _, boxes = predictions(8)
    got = atss(boxes, objects)
    assert set(got.objects.tolist()) == {0}  # of equal objects the first
    assert len(set(got.cells.tolist())) == len(got.cells) > 0


def test_an_object_between_the_centres_is_lost_unless_it_is_widened() -> None:
    objects = objects_of([[9.0, 9, 11, 11]], [0])  # the next centre is (12, 12)
    _, boxes = predictions(9)
    assert len(atss(boxes, objects).cells) == 0
    assert len(atss(boxes, objects, ATSSConfig(min_half=6.0)).cells) > 0


@pytest.mark.parametrize("name", ["tal", "atss"])
def test_images_of_a_batch_do_not_see_each_other(name: str) -> None:
    scores, boxes = predictions(10, images=3)
    truth = [TRUTH[0], TRUTH[1], TRUTH[2], TRUTH[1]]
    classes, image = [0, 1, 0, 1], [0, 0, 2, 2]

    def run(scores: torch.Tensor, boxes: torch.Tensor, objects: Objects) -> dict:
        if name == "atss":
            return as_dict(atss(boxes, objects, ATSSConfig(min_half=6.0)))
        return as_dict(assign_tal(scores, boxes, torch.from_numpy(GRID[0]), objects, TALConfig()))

    whole = run(scores, boxes, objects_of(truth, classes, image))
    for k, mine in ((0, [0, 1]), (2, [2, 3])):
        objects = objects_of([truth[i] for i in mine], [classes[i] for i in mine])
        alone = run(scores[k : k + 1], boxes[k : k + 1], objects)
        assert {(mine[g], n): q for (g, n), q in alone.items()} == {
            (g, n): q for (g, n), q in whole.items() if g in mine
        }


@pytest.mark.parametrize("name", ["tal", "atss"])
def test_nothing_is_assigned_to_nothing(name: str) -> None:
    scores, boxes = predictions(11)
    none = objects_of([], [])
    if name == "atss":
        got = atss(boxes, none)
    else:
        got = assign_tal(scores, boxes, torch.from_numpy(GRID[0]), none, TALConfig())
    assert len(got.objects) == len(got.cells) == len(got.quality) == 0


def test_the_nearest_cells_are_taken_from_every_level() -> None:
    cells = nearest_cells(torch.from_numpy(GRID[0]), LEVELS, torch.tensor([[12.0, 20.0]]), 1)
    # (12, 20) is a centre of stride 8: row 2, column 1; then (8, 24), (16, 16), (32, 32)
    assert cells.tolist() == [[2 * 8 + 1, 64 + 1 * 4 + 0, 64 + 16 + 0, 64 + 16 + 4]]


def test_anchors_are_squares_round_the_centres() -> None:
    place = Places(torch.tensor([[12.0, 20.0]]), torch.tensor([8.0]), torch.tensor([0]))
    assert place.squares(5.0).tolist() == [[-8.0, 0.0, 32.0, 40.0]]


def test_a_centre_on_the_edge_is_outside() -> None:
    centres = torch.tensor([[4.0, 4.0], [4.1, 4.1], [3.0, 3.0]])
    box = torch.tensor([[4.0, 4.0, 6.0, 30.0]])
    assert inside(centres, box, 0.0).tolist() == [[False, True, False]]
    assert inside(centres, box, 6.0).tolist() == [[False, True, False]]  # wider, but not higher


def test_the_highest_overlap_owns_a_cell() -> None:
    place, obj = torch.tensor([5, 5, 5, 7]), torch.tensor([0, 1, 2, 1])
    overlap = torch.tensor([0.2, 0.6, 0.6, 0.0])
    assert sole_owner(place, obj, overlap, 9).tolist() == [False, True, False, True]

# ruff: noqa: E402 - what needs torch is imported after the skip
"""The mathematics against hand-computed cases, torch's own functions and plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch.nn import functional as F

from training.assigners.tal import Objects, TALConfig, assign
from training.grid import cell_grid, level_shapes
from training.losses.boxes import pair_giou, pair_iou
from training.losses.criterion import Criterion, LossConfig, Soft, Targets
from training.losses.distill import box_distillation, score_distillation
from training.losses.distribution import distribution_focal
from training.losses.quality import quality_focal, varifocal
from training.models.detector import boxes_of


def test_grid_puts_centres_in_the_middle_of_cells() -> None:
    centres, strides = cell_grid(64, 96)
    assert level_shapes(64, 96) == [(8, 12), (4, 6), (2, 3), (1, 2)]
    assert len(centres) == 96 + 24 + 6 + 2
    assert centres[13].tolist() == [12.0, 12.0]  # second row, second column
    assert centres[96].tolist() == [8.0, 8.0]
    assert strides[[0, 96, 120, 126]].tolist() == [8.0, 16.0, 32.0, 64.0]


def test_iou_and_giou_of_hand_computed_boxes() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]])
    b = torch.tensor([[1.0, 0, 3, 2], [2, 0, 3, 1]])
    assert pair_iou(a, b).tolist() == pytest.approx([1 / 3, 0.0], abs=1e-6)
    # hulls of 6 and 3: nothing empty in the first; one of three cells in the second
    assert pair_giou(a, b).tolist() == pytest.approx([1 / 3, -1 / 3], abs=1e-6)


def test_boxes_of_one_hot_distributions() -> None:
    logits = torch.full((1, 4, 8), -50.0)
    for side, distance in enumerate((1, 2, 3, 4)):
        logits[0, side, distance] = 50.0
    box = boxes_of(logits.flatten(1), torch.tensor([[100.0, 100.0]]), torch.tensor([8.0]), 7)
    assert box.tolist() == [[92.0, 84.0, 124.0, 132.0]]


def test_varifocal_weighs_positives_by_target_and_silences_ignored() -> None:
    logits = torch.tensor([[[0.0, 1.0], [2.0, -1.0]]])
    target = torch.tensor([[[0.7, 0.0], [0.0, 0.0]]])
    ignore = torch.tensor([[[False, False], [True, False]]])

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    positive = 0.7 * -(0.7 * math.log(0.5) + 0.3 * math.log(0.5))
    background = sum(0.75 * sigmoid(x) ** 2 * -math.log(1 - sigmoid(x)) for x in (1.0, -1.0))
    assert float(varifocal(logits, target, ignore)) == pytest.approx(positive + background, rel=1e-5)


def test_an_ignored_cell_gets_no_gradient_unless_it_is_positive() -> None:
    logits = torch.zeros(1, 2, 1, requires_grad=True)
    target = torch.tensor([[[0.0], [0.5]]])
    ignore = torch.ones(1, 2, 1, dtype=torch.bool)
    for loss in (varifocal, quality_focal):
        (gradient,) = torch.autograd.grad(loss(logits, target, ignore) + logits[0, 1, 0], logits)
        assert gradient[0, 0, 0] == 0
        assert gradient[0, 1, 0] != 0


def test_quality_focal_without_focus_is_torchs_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 5, 3), torch.rand(2, 5, 3)
    known = torch.zeros(2, 5, 3, dtype=torch.bool)
    expected = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    assert torch.isclose(quality_focal(logits, target, known, beta=0.0), expected)


def test_distribution_focal_is_torchs_cross_entropy_with_soft_labels() -> None:
    torch.manual_seed(1)
    logits = torch.randn(3, 32)
    distance = torch.tensor([[0.0, 1.25, 3.5, 6.9], [2.0, 2.5, 0.75, 5.0], [9.0, -1.0, 4.0, 6.0]])
    soft = torch.zeros(3, 4, 8)
    for p in range(3):
        for side in range(4):
            d = min(max(float(distance[p, side]), 0.0), 6.99)
            low = math.floor(d)
            soft[p, side, low], soft[p, side, low + 1] = low + 1 - d, d - low
    expected = (
        F.cross_entropy(logits.reshape(12, 8), soft.reshape(12, 8), reduction="none").reshape(3, 4).mean(1)
    )
    assert torch.allclose(distribution_focal(logits, distance, 7), expected, atol=1e-5)


def test_box_distillation_is_torchs_divergence() -> None:
    torch.manual_seed(2)
    mine, theirs = torch.randn(1, 2, 4, 8), torch.randn(1, 2, 4, 8)
    score = torch.tensor([[0.9, 0.01]])  # the second is below the floor
    kl = F.kl_div(mine.log_softmax(-1), theirs.softmax(-1), reduction="none").sum(-1).mean(-1)
    assert torch.isclose(box_distillation(mine, theirs, score), 0.9 * kl[0, 0] / 1.0)  # normaliser at least 1


def test_score_distillation_vanishes_at_the_teacher() -> None:
    soft = torch.tensor([[[0.3, 0.9]]])
    assert float(score_distillation(torch.logit(soft), soft)) == pytest.approx(0.0, abs=1e-9)
    assert float(score_distillation(torch.zeros(1, 1, 2), soft)) > 0.01


def naive_assignment(scores: np.ndarray, boxes: np.ndarray, centres: np.ndarray, objects: Objects) -> dict:
    """(object, cell) -> quality for one image, in plain loops."""
    metric, overlap, chosen = {}, {}, {}
    for g, (truth, label) in enumerate(zip(objects.boxes.numpy(), objects.classes.numpy(), strict=True)):
        rows = []
        for n, (x, y) in enumerate(centres):
            mx, my = (truth[0] + truth[2]) / 2, (truth[1] + truth[3]) / 2
            half = np.maximum((truth[2:] - truth[:2]) / 2, 6)
            if abs(x - mx) >= half[0] or abs(y - my) >= half[1]:
                continue
            b = boxes[n]
            inter = max(0, min(b[2], truth[2]) - max(b[0], truth[0])) * max(
                0, min(b[3], truth[3]) - max(b[1], truth[1])
            )
            union = (b[2] - b[0]) * (b[3] - b[1]) + (truth[2] - truth[0]) * (truth[3] - truth[1]) - inter
            overlap[g, n] = inter / union
            metric[g, n] = scores[n, label] * overlap[g, n] ** 6
            rows.append(n)
        chosen[g] = sorted(rows, key=lambda n, g=g: -metric[g, n])[:13]
    pairs = {}
    for n in range(len(centres)):
        wanting = [g for g in chosen if n in chosen[g]]
        if wanting:
            pairs[max(wanting, key=lambda g: overlap[g, n]), n] = 0.0
    for g, n in pairs:
        mine = [m for k, m in pairs if k == g]
        pairs[g, n] = metric[g, n] / max(metric[g, m] for m in mine) * max(overlap[g, m] for m in mine)
    return pairs


def test_assignment_agrees_with_plain_loops() -> None:
    rng = np.random.default_rng(4)
    centres, strides = cell_grid(64, 64)
    half = rng.uniform(0.5, 3.0, (len(centres), 4)).astype(np.float32) * strides[:, None]
    boxes = np.concatenate([centres - half[:, :2], centres + half[:, 2:]], 1)
    scores = rng.uniform(0.05, 0.9, (len(centres), 2)).astype(np.float32)
    truth = torch.tensor([[4.0, 4, 40, 60], [20, 10, 62, 50], [30, 30, 36, 37]])
    objects = Objects(torch.zeros(3, dtype=torch.long), truth, torch.tensor([0, 1, 0]))
    got = assign(
        torch.from_numpy(scores)[None],
        torch.from_numpy(boxes)[None],
        torch.from_numpy(centres),
        objects,
        TALConfig(),
    )
    expected = naive_assignment(scores, boxes, centres, objects)
    found = dict(
        zip(zip(got.objects.tolist(), got.cells.tolist(), strict=True), got.quality.tolist(), strict=True)
    )
    assert found.keys() == expected.keys()
    assert {k: round(v, 4) for k, v in found.items()} == {k: round(float(v), 4) for k, v in expected.items()}


def test_assignment_of_nothing() -> None:
    none = Objects(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    centres, _ = cell_grid(64, 64)
    got = assign(
        torch.rand(1, len(centres), 2),
        torch.rand(1, len(centres), 4),
        torch.from_numpy(centres),
        none,
        TALConfig(),
    )
    assert len(got.objects) == len(got.cells) == len(got.quality) == 0


@pytest.mark.parametrize("quality", ["varifocal", "qfl"])
def test_the_sum_of_losses_has_all_parts_and_finite_gradients(quality: str) -> None:
    torch.manual_seed(0)
    grid = cell_grid(64, 64)
    cells = len(grid[0])
    raw = torch.randn(2, cells, 3 + 32, requires_grad=True)
    objects = Objects(torch.tensor([0]), torch.tensor([[8.0, 8, 40, 40]]), torch.tensor([1]))
    soft = Soft(torch.rand(2, cells, 3), torch.arange(4).repeat(2, 1), torch.randn(2, 4, 32))
    targets = Targets(objects, torch.zeros(2, cells, 3, dtype=torch.bool), soft)
    losses = Criterion(grid, LossConfig(quality=quality), 7)(raw, targets, guided=True)
    assert set(losses) == {"cls", "giou", "dfl", "distill_score", "distill_box"}
    sum(losses.values()).backward()
    assert torch.isfinite(raw.grad).all()
    assert raw.grad.abs().sum() > 0

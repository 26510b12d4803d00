# ruff: noqa: E402 - what needs torch is imported after the skip
"""The mathematics against hand-computed cases, torch's own functions and plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch.nn import functional as F

from training.assigners.objects import Objects
from training.assigners.tal import TALConfig
from training.errors import ConfigError
from training.grid import STRIDES, cell_grid, level_shapes
from training.losses.boxes import pair_ciou, pair_giou, pair_iou
from training.losses.criterion import Criterion, LossConfig
from training.losses.distill import box_distillation, score_distillation
from training.losses.distribution import distribution_focal
from training.losses.quality import quality_focal, varifocal
from training.losses.targets import Soft, Targets
from training.models.reading import GFLReading, boxes_of


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


def test_ciou_of_hand_computed_boxes() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 4, 2]])
    b = torch.tensor([[1.0, 0, 3, 2], [0, 0, 2, 2]])
    # the first two have one shape, centres 1 apart, a hull of 3 x 2; the others lie 1 apart in 4 x 2
    v = (4 / math.pi**2) * (math.atan(2) - math.atan(1)) ** 2
    expected = [1 / 3 - 1 / 13, 0.5 - 1 / 20 - v / (1 - 0.5 + v) * v]
    assert pair_ciou(a, b).tolist() == pytest.approx(expected, abs=1e-6)


def shifted(boxes: torch.Tensor, k: int, step: float) -> torch.Tensor:
    """One coordinate moved."""
    moved = boxes.clone()
    moved[k] += step
    return moved


def test_the_gradient_of_giou_is_its_slope() -> None:
    torch.manual_seed(3)
    low = torch.rand(6, 2, dtype=torch.float64) * 20
    boxes = torch.cat([low, low + 1 + torch.rand(6, 2, dtype=torch.float64) * 20], 1)
    truth = boxes.roll(1, 0)
    assert torch.autograd.gradcheck(lambda x: pair_giou(x, truth), boxes.requires_grad_(True))


def test_the_gradient_of_ciou_is_its_slope_with_the_weight_held() -> None:
    box = torch.tensor([2.0, 3.0, 11.0, 9.0], dtype=torch.float64, requires_grad=True)
    truth = torch.tensor([4.0, 1.0, 9.0, 12.0], dtype=torch.float64)

    def aspect(x: torch.Tensor) -> float:
        angles = [math.atan(float((y[2] - y[0]) / (y[3] - y[1]))) for y in (x, truth)]
        return 4 / math.pi**2 * (angles[0] - angles[1]) ** 2

    v = aspect(box.detach())
    alpha = v / (1 - float(pair_iou(box.detach(), truth)) + v)

    def value(x: torch.Tensor) -> float:
        hull = [max(float(x[k]), float(truth[k])) - min(float(x[k - 2]), float(truth[k - 2])) for k in (2, 3)]
        middle = [float(x[k] + x[k + 2] - truth[k] - truth[k + 2]) / 2 for k in (0, 1)]
        apart = (middle[0] ** 2 + middle[1] ** 2) / (hull[0] ** 2 + hull[1] ** 2)
        return float(pair_iou(x, truth)) - apart - alpha * aspect(x)

    start = box.detach()
    slopes = [(value(shifted(start, k, 1e-5)) - value(shifted(start, k, -1e-5))) / 2e-5 for k in range(4)]
    (gradient,) = torch.autograd.grad(pair_ciou(box, truth), box)
    assert gradient.tolist() == pytest.approx(slopes, abs=1e-6)


@pytest.mark.parametrize("overlap", [pair_giou, pair_ciou])
def test_a_box_without_area_has_a_finite_gradient(overlap: Callable[..., torch.Tensor]) -> None:
    point = torch.tensor([[5.0, 5, 5, 5], [5, 5, 9, 5]], requires_grad=True)
    overlap(point, torch.tensor([4.0, 4, 8, 8])).sum().backward()
    assert torch.isfinite(point.grad).all()


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


GRID = cell_grid(64, 64)
CELLS = len(GRID[0])
READING = GFLReading(3, 7, STRIDES)


def scene(soft: bool = True) -> tuple[torch.Tensor, Targets]:
    """Raw outputs of two pictures, and targets: one object in the first."""
    torch.manual_seed(0)
    raw = torch.randn(2, CELLS, 3 + 32, requires_grad=True)
    objects = Objects(torch.tensor([0]), torch.tensor([[8.0, 8, 40, 40]]), torch.tensor([1]))
    dense = Soft(torch.rand(2, CELLS, 3), torch.arange(4).repeat(2, 1), torch.randn(2, 4, 32))
    return raw, Targets(objects, torch.zeros(2, CELLS, 3, dtype=torch.bool), dense if soft else None)


@pytest.mark.parametrize("assigner", ["tal", "atss", "guided"])
@pytest.mark.parametrize(("quality", "overlap"), [("varifocal", "giou"), ("qfl", "ciou")])
def test_the_sum_of_losses_has_all_parts_and_finite_gradients(
    quality: str, overlap: str, assigner: str
) -> None:
    raw, targets = scene()
    losses = Criterion((64, 64), LossConfig(quality=quality, overlap=overlap), READING)(
        raw, targets, assigner
    )
    assert set(losses) == {"cls", overlap, "dfl", "distill_score", "distill_box"}
    sum(losses.values()).backward()
    assert torch.isfinite(raw.grad).all()
    assert raw.grad.abs().sum() > 0


def test_a_perfect_prediction_costs_almost_nothing() -> None:
    raw, targets = scene(soft=False)
    criterion = Criterion((64, 64), LossConfig(tal=TALConfig(topk=1)), READING)
    with torch.no_grad():
        raw.fill_(-20.0)
        centres = torch.from_numpy(GRID[0])
        cell = int(((centres - 24).abs().sum(1) + 100 * (torch.from_numpy(GRID[1]) != 16)).argmin())
        raw[0, cell, 1] = 20.0  # centre (24, 24), stride 16: one stride to every side
        raw[0, cell, 3:] = -20.0
        raw[0, cell, 3 + 1 :: 8] = 20.0
    losses = {k: float(v.detach()) for k, v in criterion(raw, targets).items()}
    assert losses["giou"] == pytest.approx(0.0, abs=1e-4)
    assert losses["dfl"] == pytest.approx(0.0, abs=1e-4)
    assert losses["cls"] < 1e-4


@pytest.mark.parametrize("quality", ["varifocal", "qfl"])
@pytest.mark.parametrize("assigner", ["tal", "atss"])
def test_a_class_that_is_ignored_everywhere_learns_from_its_objects_alone(
    quality: str, assigner: str
) -> None:
    raw, targets = scene(soft=False)
    targets.ignore[..., 2] = True  # nobody labelled class 2
    criterion = Criterion((64, 64), LossConfig(quality=quality), READING)
    sum(criterion(raw, targets, assigner).values()).backward()
    assert (raw.grad[..., 2] == 0).all()
    assert (raw.grad[..., 0] != 0).all()  # no object of class 0 is there, and that is known
    pairs = criterion.pairs(raw.detach(), targets, assigner)
    learned = {(0, int(cell)) for cell in pairs.cells}
    boxes = raw.grad[..., 3:].abs().sum(-1).nonzero().tolist()
    assert {tuple(place) for place in boxes} == learned


def test_losses_of_half_precision_outputs_are_computed_in_float32() -> None:
    raw, targets = scene()
    levels, start = [], 0
    for rows in (8, 4, 2, 1):
        part = raw.detach()[:, start : start + rows * rows]
        levels.append(part.transpose(1, 2).reshape(2, -1, rows, rows))
        start += rows * rows
    exact = Criterion((64, 64), LossConfig(), READING)(READING.flatten(levels), targets)
    half = Criterion((64, 64), LossConfig(), READING)(
        READING.flatten([x.bfloat16() for x in levels]), targets
    )
    assert all(v.dtype == torch.float32 for v in half.values())
    assert {k: float(v) for k, v in half.items()} == pytest.approx(
        {k: float(v) for k, v in exact.items()}, rel=0.02
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [({"quality": "bce"}, "quality"), ({"overlap": "iou"}, "overlap")],
)
def test_an_unknown_loss_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LossConfig(**change)


def test_an_unknown_assigner_and_a_missing_teacher_are_refused() -> None:
    raw, targets = scene(soft=False)
    criterion = Criterion((64, 64), LossConfig(), READING)
    with pytest.raises(ConfigError, match="expected tal, atss or guided"):
        criterion(raw, targets, "simota")
    with pytest.raises(ConfigError, match="dense teacher"):
        criterion(raw, targets, "guided")

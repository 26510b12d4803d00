# ruff: noqa: E402 - what needs torch is imported after the skip
"""Equation 5, imitation, and a teacher that has other levels, bins or anchors than the student."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch.nn import functional as F

from training.assigners.objects import Objects
from training.errors import ConfigError
from training.grid import STRIDES, cell_grid
from training.losses.criterion import Criterion, LossConfig
from training.losses.distill import box_distillation, overlap_distillation, padded_bins
from training.losses.imitation import Imitation, ImitationLossConfig
from training.losses.objective import objective_of
from training.losses.targets import Levels, Soft, Targets
from training.losses.yolov3 import YoloV3Config, YoloV3Criterion
from training.models.reading import AnchorReading, GFLReading, MapReading

SIZE = (64, 64)
CELLS = len(cell_grid(*SIZE)[0])  # 64 + 16 + 4 + 1
ANCHORS = (((8, 16), (10, 10)), ((30, 20), (20, 40)), ((60, 60), (90, 50)))
READING = AnchorReading(2, ANCHORS, STRIDES[:3], 1.0)
PLACES = 2 * (CELLS - 1)


def targets_of(boxes: list, classes: list, image: list | None = None, soft: Soft | None = None) -> Targets:
    objects = Objects(
        torch.tensor(image or [0] * len(boxes)).long(),
        torch.tensor(boxes).reshape(-1, 4).float(),
        torch.tensor(classes).long(),
    )
    return Targets(objects, torch.zeros(2, CELLS, 2, dtype=torch.bool), soft)


def test_the_anchor_of_the_fitting_shape_in_the_cell_of_the_centre_is_responsible() -> None:
    criterion = YoloV3Criterion(SIZE, YoloV3Config(), READING)
    # 28 x 22 round (40, 24): the anchor 30 x 20 of stride 16, cell (row 1, column 2)
    targets = targets_of([[26.0, 13, 54, 35]], [1])
    pairs = criterion.pairs(torch.zeros(2, PLACES, 7), targets)
    assert pairs.objects.tolist() == [0]
    assert pairs.cells.tolist() == [2 * (64 + 4 * 1 + 2)]
    assert pairs.quality.tolist() == [1.0]


def test_equation_5_by_hand() -> None:
    config = YoloV3Config(coord=5.0, nothing=0.5)
    criterion = YoloV3Criterion(SIZE, config, READING)
    targets = targets_of([[26.0, 13, 54, 35]], [1])
    raw = torch.full((2, PLACES, 7), 0.0)
    raw[..., 4] = -20.0  # sure that nothing is there
    place = 2 * (64 + 4 * 1 + 2)
    raw[0, place] = torch.tensor([math.log(3), 0.0, 0.2, 0.0, 1.0, -1.0, 2.0])
    losses = {name: float(value) for name, value in criterion(raw, targets).items()}
    small = 2 - (28 / 64) * (22 / 64)
    # the centre (40, 24) is that of its cell; 0.75 of the way instead of 0.5 across
    error = 0.25**2 + (0.2 - math.log(28 / 30)) ** 2 + math.log(22 / 20) ** 2
    assert losses["coord"] == pytest.approx(5 * small * error, rel=1e-5)
    assert losses["object"] == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-5)
    assert losses["nothing"] == pytest.approx(0.0, abs=1e-4)
    assert losses["cls"] == pytest.approx(math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-2)), rel=1e-5)


def test_what_overlaps_an_object_is_left_alone() -> None:
    criterion = YoloV3Criterion(SIZE, YoloV3Config(nothing=1.0), READING)
    targets = targets_of([[26.0, 13, 54, 35]], [1])
    raw = torch.zeros(2, PLACES, 7)
    raw[..., 4] = -20.0
    neighbour = 2 * (64 + 4 * 1 + 2) + 1  # 20 x 40 there: IoU 0.38
    raw[0, neighbour, 4] = 3.0
    seen = float(criterion(raw, targets)["nothing"])
    assert seen == pytest.approx(math.log(1 + math.exp(3.0)), rel=1e-4)
    raw[0, neighbour, 2:4] = torch.tensor([28 / 20, 22 / 40]).log()  # now it is the object's own box
    assert float(criterion(raw, targets)["nothing"]) == pytest.approx(0.0, abs=1e-4)


def test_cells_where_a_class_is_unknown_do_not_learn_that_nothing_is_there() -> None:
    criterion = YoloV3Criterion(SIZE, YoloV3Config(), READING)
    targets = targets_of([[26.0, 13, 54, 35]], [1])
    targets.ignore[1, 5, 0] = True
    raw = torch.zeros(2, PLACES, 7, requires_grad=True)
    sum(criterion(raw, targets).values()).backward()
    assert (raw.grad[1, 10:12] == 0).all()  # both anchors of cell 5
    assert (raw.grad[1, 12:14, 4] != 0).all()


def test_equation_5_without_objects_is_finite() -> None:
    criterion = YoloV3Criterion(SIZE, YoloV3Config(), READING)
    raw = torch.zeros(2, PLACES, 7, requires_grad=True)
    losses = criterion(raw, targets_of([], []))
    sum(losses.values()).backward()
    assert torch.isfinite(raw.grad).all()
    assert {name for name, value in losses.items() if float(value.detach()) > 0} == {"nothing"}


def test_a_coarser_level_of_the_teacher_goes_to_the_coarsest_of_the_student() -> None:
    scores = torch.zeros(1, CELLS, 2)
    scores[0, 80:84, 1] = torch.tensor([0.1, 0.2, 0.9, 0.3])  # stride 32
    scores[0, 84, 1] = 0.5  # stride 64
    soft = Soft(scores, torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, 32))
    seen = Levels(SIZE, STRIDES[:3]).scores(soft)
    assert seen.shape == (1, 84, 2)
    assert seen[0, 80:, 1].tolist() == pytest.approx([0.5, 0.5, 0.9, 0.5])
    assert seen[..., 0].sum() == 0
    assert Levels(SIZE, STRIDES).scores(soft) is soft.scores


def test_levels_of_sizes_that_do_not_divide() -> None:
    """416 x 416 has 13 cells a side at stride 32 and 7 at stride 64."""
    count = len(cell_grid(416, 416)[0])
    scores = torch.zeros(1, count, 1)
    scores[0, -1] = 0.7  # the last cell of stride 64 has one cell of stride 32 below it
    soft = Soft(scores, torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, 32))
    seen = Levels((416, 416), STRIDES[:3]).scores(soft)[0, :, 0]
    assert (seen > 0).nonzero().flatten().tolist() == [len(seen) - 1]


def test_a_teacher_with_fewer_bins_never_names_the_others() -> None:
    torch.manual_seed(0)
    theirs = torch.randn(1, 3, 32)
    padded = padded_bins(theirs, 7, 10)
    assert padded.shape == (1, 3, 4, 11)
    assert torch.allclose(padded.softmax(-1)[..., :8], theirs.unflatten(-1, (4, 8)).softmax(-1))
    assert padded.softmax(-1)[..., 8:].max() < 1e-9
    assert float(box_distillation(padded, padded, torch.ones(1, 3))) == pytest.approx(0.0, abs=1e-6)
    assert torch.equal(padded_bins(theirs, 7, 7), theirs.unflatten(-1, (4, 8)))
    with pytest.raises(ConfigError, match="have 11 bins a side, the student's only 8"):
        padded_bins(torch.zeros(1, 1, 44), 10, 7)


def test_overlap_with_the_teachers_boxes() -> None:
    box = torch.tensor([[[0.0, 0, 10, 10], [0.0, 0, 10, 10]]])
    moved = torch.tensor([[[0.0, 0, 10, 10], [5.0, 0, 15, 10]]])
    # the second: IoU 1/3, the hull is full: GIoU 1/3
    loss = overlap_distillation(box, moved, torch.tensor([[0.8, 0.6]]))
    assert float(loss) == pytest.approx(0.6 * (2 / 3) / 1.4, rel=1e-5)


@pytest.mark.parametrize("assigner", ["tal", "atss", "guided"])
@pytest.mark.parametrize(
    "reading", [READING, GFLReading(2, 10, STRIDES[:3], quality=True)], ids=["yolo", "gfl2"]
)
def test_every_head_learns_from_every_assigner_and_the_teacher(
    reading: AnchorReading | GFLReading, assigner: str
) -> None:
    torch.manual_seed(0)
    soft = Soft(torch.rand(2, CELLS, 2), torch.arange(CELLS - 8, CELLS).repeat(2, 1), torch.randn(2, 8, 32))
    targets = targets_of([[26.0, 13, 54, 35], [2.0, 2, 60, 60]], [1, 0], [0, 1], soft)
    width = 7 if isinstance(reading, AnchorReading) else 2 + 44 + 1
    raw = torch.randn(2, reading.anchors * (CELLS - 1), width, requires_grad=True)
    losses = Criterion(SIZE, LossConfig(overlap="ciou"), reading)(raw, targets, assigner)
    sum(losses.values()).backward()
    assert set(losses) - {"dfl"} == {"cls", "ciou", "distill_score", "distill_box"}
    assert torch.isfinite(raw.grad).all()
    assert (raw.grad.abs().sum((0, 1)) > 0).all()  # every channel learns


def test_an_anchor_speaks_for_its_cell() -> None:
    """The teacher's word reaches the anchor with the highest score of a cell, and no other."""
    scores = torch.zeros(2, CELLS, 2)
    scores[0, 3, 1] = 0.9
    soft = Soft(scores, torch.full((2, 1), 3), torch.zeros(2, 1, 32))
    raw = torch.zeros(2, PLACES, 7)
    raw[..., 4:] = -4.0
    raw[0, 2 * 3 + 1, 5:] = -1.0
    raw.requires_grad_()
    losses = Criterion(SIZE, LossConfig(cls=0.0, box=0.0), READING)(raw, targets_of([], [], soft=soft))
    sum(losses.values()).backward()
    learned = raw.grad[0, :, :4].abs().sum(1).nonzero().flatten().tolist()
    assert learned == [2 * 3 + 1]
    assert (raw.grad[1, :, :4] == 0).all()


def test_imitation_measures_the_variance_that_is_missing() -> None:
    torch.manual_seed(0)
    taps = tuple(torch.randn(2, 3, side, side) * 5 for side in (8, 4, 2))
    targets = Targets(targets_of([], []).objects, torch.zeros(2, CELLS, 2, dtype=torch.bool), None, (), taps)
    imitation, flat = Imitation(ImitationLossConfig(weights=(1.0, 2.0, 1.0))), MapReading().flatten
    perfect = imitation(flat(list(taps)), targets)
    assert all(float(v) == 0 for v in perfect.values())
    means = [tap.mean((0, 2, 3), keepdim=True).expand_as(tap) for tap in taps]
    knows_the_mean = {k: float(v) for k, v in imitation(flat(means), targets).items()}
    assert knows_the_mean == pytest.approx({"imitate_8": 1, "imitate_16": 2, "imitate_32": 1}, rel=1e-4)


def test_losses_and_heads_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs a head with anchors"):
        objective_of(SIZE, YoloV3Config(), GFLReading(2, 7, STRIDES))
    with pytest.raises(ConfigError, match="features are judged by the imitation loss"):
        objective_of(SIZE, LossConfig(), MapReading())
    with pytest.raises(ConfigError, match="features are judged by the imitation loss"):
        objective_of(SIZE, ImitationLossConfig(), READING)


def test_the_objectness_loss_is_torchs_cross_entropy() -> None:
    torch.manual_seed(1)
    criterion = YoloV3Criterion(SIZE, YoloV3Config(nothing=1.0, overlap=1.1), READING)
    raw = torch.randn(2, PLACES, 7)
    targets = targets_of([[26.0, 13, 54, 35]], [1])
    there = torch.zeros(2, PLACES)
    there[0, criterion.pairs(raw, targets).cells] = 1.0
    losses = criterion(raw, targets)
    wanted = F.binary_cross_entropy_with_logits(raw[..., 4], there, reduction="sum")
    assert torch.isclose(losses["object"] + losses["nothing"], wanted)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Localization distillation by region: against sums by hand and plain loops over all cells."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.assigners.atss import ATSSConfig
from training.assigners.objects import Objects
from training.assigners.valuable import valuable_cells
from training.errors import ConfigError
from training.grid import STRIDES, cell_grid, level_shapes
from training.losses.boxes import pair_diou
from training.losses.criterion import MIN_QUALITY, Criterion, LossConfig
from training.losses.distill import tempered_divergence
from training.losses.localization import LocalizationConfig, lesson_of
from training.losses.targets import Lesson, Soft, Targets
from training.models.reading import AnchorReading, GFLReading

SIZE = (64, 96)
CENTRES, STEPS = cell_grid(*SIZE)
CELLS, CLASSES, REG_MAX = len(CENTRES), 3, 7
READING = GFLReading(CLASSES, REG_MAX, STRIDES)
# a large, a small and an overlapping object; the last alone in the second picture
OBJECTS = Objects(
    torch.tensor([0, 0, 0, 1]),
    torch.tensor([[8.0, 8, 56, 48], [70, 10, 82, 30], [40, 20, 90, 60], [20, 30, 44, 62]]),
    torch.tensor([0, 1, 2, 1]),
)
REGIONS = LocalizationConfig()


def softmax(logits: list[float], temperature: float) -> list[float]:
    """Of a few numbers."""
    powers = [math.exp(x / temperature) for x in logits]
    return [p / sum(powers) for p in powers]


def divergence(student: list[float], teacher: list[float], temperature: float) -> float:
    """T^2 KL(teacher || student) of a few bins."""
    mine, theirs = softmax(student, temperature), softmax(teacher, temperature)
    return temperature**2 * sum(q * math.log(q / p) for p, q in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 10.0])
def test_the_divergence_of_three_bins_by_hand(temperature: float) -> None:
    student, teacher = [0.5, -1.0, 2.0], [3.0, 0.0, -2.0]
    got = tempered_divergence(torch.tensor(student), torch.tensor(teacher), temperature)
    assert float(got) == pytest.approx(divergence(student, teacher, temperature), rel=1e-4)


def test_two_bins_apart_by_one_logit() -> None:
    # teacher (1/2, 1/2), student (e, 1) / (1 + e): KL = log(1 + e) - 1/2 - log 2
    got = tempered_divergence(torch.tensor([1.0, 0.0]), torch.zeros(2))
    assert float(got) == pytest.approx(math.log(1 + math.e) - 0.5 - math.log(2), rel=1e-5)


def test_a_high_temperature_compares_the_logits_themselves() -> None:
    """T^2 KL goes to half the variance of the logits' difference, so its size stays when T grows."""
    torch.manual_seed(0)
    student, teacher = torch.randn(5, 8, dtype=torch.float64), torch.randn(5, 8, dtype=torch.float64)
    limit = (student - teacher).var(-1, correction=0) / 2
    assert torch.allclose(tempered_divergence(student, teacher, 1e4), limit, rtol=1e-3)


def test_its_gradient_is_t_times_the_difference_of_the_shares() -> None:
    student, teacher = torch.tensor([0.5, -1.0, 2.0], requires_grad=True), torch.tensor([3.0, 0.0, -2.0])
    tempered_divergence(student, teacher, 10.0).backward()
    mine, theirs = softmax([0.5, -1.0, 2.0], 10.0), softmax([3.0, 0.0, -2.0], 10.0)
    expected = [10 * (p - q) for p, q in zip(mine, theirs, strict=True)]
    assert student.grad.tolist() == pytest.approx(expected, abs=1e-5)


def test_diou_of_hand_computed_boxes() -> None:
    a = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]])
    b = torch.tensor([[1.0, 0, 3, 2], [2, 0, 3, 1]])
    # centres 1 apart in a hull of 3 x 2; 2 apart in a hull of 3 x 1 without overlap
    assert pair_diou(a, b).tolist() == pytest.approx([1 / 3 - 1 / 13, -4 / 10], abs=1e-6)


def iou_and_diou(a: list[float], b: list[float]) -> tuple[float, float]:
    """Of two boxes."""
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    iou = w * h / (sum(areas) - w * h)
    apart = sum(((a[k] + a[k + 2] - b[k] - b[k + 2]) / 2) ** 2 for k in (0, 1))
    hull = sum((max(a[k + 2], b[k + 2]) - min(a[k], b[k])) ** 2 for k in (0, 1))
    return iou, iou - apart / hull


def region_by_loops(objects: Objects, config: ATSSConfig, share: float) -> list[list[float]]:
    """The worth of every cell of two pictures, object after object, cell after cell."""
    half = [config.side * float(s) / 2 for s in STEPS]
    anchors = [
        [float(x - h), float(y - h), float(x + h), float(y + h)]
        for (x, y), h in zip(CENTRES, half, strict=True)
    ]
    worth = [[0.0] * CELLS for _ in range(2)]
    for image, truth in zip(objects.image.tolist(), objects.boxes.tolist(), strict=True):
        middle = [(truth[0] + truth[2]) / 2, (truth[1] + truth[3]) / 2]
        overlaps, first = [], 0
        for rows, columns in level_shapes(*SIZE):
            cells = range(first, first + rows * columns)
            near = sorted(
                cells, key=lambda n: (CENTRES[n][0] - middle[0]) ** 2 + (CENTRES[n][1] - middle[1]) ** 2
            )
            overlaps += [iou_and_diou(anchors[n], truth)[0] for n in near[: config.topk]]
            first += rows * columns
        mean = sum(overlaps) / len(overlaps)
        spread = math.sqrt(sum((x - mean) ** 2 for x in overlaps) / (len(overlaps) - 1))
        threshold = mean + spread
        for n in range(CELLS):
            iou, diou = iou_and_diou(anchors[n], truth)
            if share * threshold <= diou < threshold:
                worth[image][n] = max(worth[image][n], iou)
    return worth


def grid_of(config: ATSSConfig) -> tuple[torch.Tensor, torch.Tensor]:
    centres, half = torch.from_numpy(CENTRES), torch.from_numpy(STEPS)[:, None] * config.side / 2
    return centres, torch.cat([centres - half, centres + half], 1)


LEVELS = [rows * columns for rows, columns in level_shapes(*SIZE)]


@pytest.mark.parametrize(("side", "share"), [(5.0, 0.25), (8.0, 0.25), (5.0, 0.6)])
def test_the_valuable_region_by_loops_over_all_cells(side: float, share: float) -> None:
    # centres at odd places: no two cells of a level are equally near, so the nearest nine are the same
    objects = replace(OBJECTS, boxes=OBJECTS.boxes + torch.tensor([0.3, 0.7, 0.9, 1.1]))
    config = ATSSConfig(side=side)
    got = valuable_cells((2, CELLS), grid_of(config), LEVELS, objects, config, share)
    expected = torch.tensor(region_by_loops(objects, config, share))
    assert (expected > 0).sum() > 20
    assert torch.equal(got > 0, expected > 0)
    assert torch.allclose(got, expected, atol=1e-5)


def test_no_object_no_region() -> None:
    none = Objects(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    config = ATSSConfig()
    assert (
        valuable_cells((2, CELLS), grid_of(config), LEVELS, none, config, 0.25).tolist()
        == [[0.0] * CELLS] * 2
    )


def scene(regions: LocalizationConfig = REGIONS) -> tuple[Criterion, torch.Tensor, Targets]:
    """A criterion, raw outputs of two pictures, and targets with a larger network's lesson."""
    torch.manual_seed(4)
    raw = torch.randn(2, CELLS, CLASSES + 4 * (REG_MAX + 1), requires_grad=True)
    lesson = Lesson(
        torch.randn(2, CELLS, CLASSES),
        torch.randn(2, CELLS, 4, REG_MAX + 1),
        torch.ones(2, CELLS, dtype=torch.bool),
    )
    ignore = torch.zeros(2, CELLS, CLASSES, dtype=torch.bool)
    criterion = Criterion(SIZE, LossConfig(localization=regions), READING)
    return criterion, raw, Targets(OBJECTS, ignore, None, lesson=lesson)


def test_all_three_parts_by_loops_with_the_normaliser_of_the_other_losses() -> None:
    criterion, raw, targets = scene()
    losses = {name: float(value.detach()) for name, value in criterion(raw, targets).items()}
    pairs = criterion.pairs(raw.detach(), targets)
    image, weight = OBJECTS.image[pairs.objects].tolist(), pairs.quality.clamp(min=MIN_QUALITY).tolist()
    places = list(zip(image, pairs.cells.tolist(), strict=True))
    norm = max(sum(weight), 1.0)
    lesson, values = targets.lesson, raw.detach()

    def sides(b: int, n: int) -> float:
        mine = values[b, n, CLASSES:].reshape(4, -1).tolist()
        each = [divergence(m, t, 10.0) for m, t in zip(mine, lesson.sides[b, n].tolist(), strict=True)]
        return sum(each) / 4

    main = sum(w * sides(*place) for w, place in zip(weight, places, strict=True))
    assert losses["ld_main"] == pytest.approx(0.25 * main / norm, rel=1e-3)
    classes = sum(
        w * divergence(values[b, n, :CLASSES].tolist(), lesson.logits[b, n].tolist(), 2.0)
        for w, (b, n) in zip(weight, places, strict=True)
    )
    assert losses["ld_classes"] == pytest.approx(0.25 * classes / norm, rel=1e-3)
    region = region_by_loops(OBJECTS, ATSSConfig(), 0.25)
    around = sum(
        region[b][n] * sides(b, n) for b in range(2) for n in range(CELLS) if (b, n) not in set(places)
    )
    assert losses["ld_valuable"] == pytest.approx(0.25 * around / norm, rel=1e-3)
    # the same factor as the boxes' losses: 2 sum w (1 - GIoU) / norm
    boxes = criterion.reading.boxes(values[image, pairs.cells], criterion.places[pairs.cells])
    overlap = criterion_overlap(boxes, OBJECTS.boxes[pairs.objects])
    giou = sum(w * (1 - g) for w, g in zip(weight, overlap, strict=True))
    assert losses["giou"] == pytest.approx(2 * giou / norm, rel=1e-3)


def criterion_overlap(a: torch.Tensor, b: torch.Tensor) -> list[float]:
    """Generalised IoU of pairs of boxes."""
    found = []
    for one, two in zip(a.tolist(), b.tolist(), strict=True):
        iou, _ = iou_and_diou(one, two)
        areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (one, two)]
        union = sum(areas) / (1 + iou)
        hull = math.prod(max(one[k + 2], two[k + 2]) - min(one[k], two[k]) for k in (0, 1))
        found.append(iou - (hull - union) / hull)
    return found


@pytest.mark.parametrize(
    ("regions", "names"),
    [
        (LocalizationConfig(valuable=0.0, classes=0.0), {"ld_main"}),
        (LocalizationConfig(main=0.0, classes=0.0), {"ld_valuable"}),
        (LocalizationConfig(main=0.0, valuable=0.0), {"ld_classes"}),
        (LocalizationConfig(), {"ld_main", "ld_valuable", "ld_classes"}),
    ],
)
def test_regions_are_switched_by_their_weights(regions: LocalizationConfig, names: set[str]) -> None:
    criterion, raw, targets = scene(regions)
    plain = Criterion(SIZE, LossConfig(), READING)(raw, targets)
    losses = criterion(raw, targets)
    assert losses.keys() - plain.keys() == names
    assert all(torch.equal(losses[name], value) for name, value in plain.items())


def test_each_region_moves_its_own_cells_and_values() -> None:
    _, raw, targets = scene()
    pairs = Criterion(SIZE, LossConfig(), READING).pairs(raw.detach(), targets)
    positive = torch.zeros(2, CELLS, dtype=torch.bool)
    positive[OBJECTS.image[pairs.objects], pairs.cells] = True
    valuable = (torch.tensor(region_by_loops(OBJECTS, ATSSConfig(), 0.25)) > 0) & ~positive

    def moved(name: str) -> tuple[torch.Tensor, torch.Tensor]:
        loss = scene()[0](raw, targets)[name]
        (gradient,) = torch.autograd.grad(loss, raw)
        return gradient[..., :CLASSES].abs().sum(-1) > 0, gradient[..., CLASSES:].abs().sum(-1) > 0

    nowhere = torch.zeros_like(positive)
    for name, classes, sides in (
        ("ld_main", nowhere, positive),
        ("ld_classes", positive, nowhere),
        ("ld_valuable", nowhere, valuable),
    ):
        got = moved(name)
        assert torch.equal(got[0], classes)
        assert torch.equal(got[1], sides)


def test_a_student_that_says_what_its_teacher_says_costs_nothing() -> None:
    criterion, raw, targets = scene()
    said = raw.detach()
    lesson = replace(
        targets.lesson, logits=said[..., :CLASSES], sides=said[..., CLASSES:].unflatten(-1, (4, -1))
    )
    losses = criterion(raw, replace(targets, lesson=lesson))
    assert sum(abs(float(v.detach())) for k, v in losses.items() if k.startswith("ld_")) < 1e-4


def test_a_batch_without_objects_costs_nothing() -> None:
    criterion, raw, targets = scene()
    none = Objects(torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    losses = criterion(raw, replace(targets, objects=none))
    sum(losses.values()).backward()
    assert [float(losses[k].detach()) for k in ("ld_main", "ld_valuable", "ld_classes")] == [0.0] * 3


def soft_scene() -> Soft:
    torch.manual_seed(5)
    top = torch.stack([torch.randperm(CELLS)[:40] for _ in range(2)])
    return Soft(torch.rand(2, CELLS, CLASSES), top, torch.randn(2, 40, 4 * (REG_MAX + 1)))


def test_dense_teachers_teach_where_they_keep_distributions() -> None:
    soft = soft_scene()
    lesson = lesson_of(soft, CELLS - 2)  # a student without the coarsest level
    kept = {(b, n): k for b in range(2) for k, n in enumerate(soft.top[b].tolist()) if n < CELLS - 2}
    assert {tuple(place) for place in lesson.known.nonzero().tolist()} == kept.keys()
    for (b, n), k in kept.items():
        assert torch.equal(lesson.sides[b, n].flatten(), soft.top_dist[b, k])
    assert torch.allclose(lesson.logits.sigmoid(), soft.scores[:, : CELLS - 2], atol=2e-5)


def test_regions_of_a_dense_teacher_are_those_of_a_larger_one_where_it_speaks() -> None:
    criterion, raw, targets = scene(replace(REGIONS, teacher="dense"))
    soft, raw = soft_scene(), raw.detach()
    losses = criterion(raw, replace(targets, soft=soft, lesson=None))
    same, _, _ = scene()
    expected = same(raw, replace(targets, soft=soft, lesson=lesson_of(soft, CELLS)))
    assert {k: float(v) for k, v in losses.items()} == {k: float(v) for k, v in expected.items()}
    deaf = replace(lesson_of(soft, CELLS), known=torch.zeros(2, CELLS, dtype=torch.bool))
    silent = same(raw, replace(targets, lesson=deaf))
    assert [float(silent[k]) for k in ("ld_main", "ld_valuable", "ld_classes")] == [0.0] * 3
    assert float(losses["ld_main"]) > 0


def test_a_dense_teacher_with_other_bins_is_refused() -> None:
    _, _, targets = scene()
    config = LossConfig(localization=replace(REGIONS, teacher="dense"))
    criterion = Criterion(SIZE, config, GFLReading(CLASSES, 10, STRIDES))
    raw = torch.randn(2, CELLS, CLASSES + 44)
    with pytest.raises(
        ConfigError, match=r"8 bins a side \(reg_max 7\), the student 11 \(reg_max 10\).*the same"
    ):
        criterion(raw, replace(targets, soft=soft_scene()))


@pytest.mark.parametrize("teacher", ["larger", "dense"])
def test_a_batch_that_no_teacher_saw_is_refused(teacher: str) -> None:
    criterion, raw, targets = scene(replace(REGIONS, teacher=teacher))
    with pytest.raises(ConfigError, match=f"no {teacher} teacher has seen this batch"):
        criterion(raw, replace(targets, lesson=None))


def test_heads_that_cannot_be_taught_are_refused() -> None:
    config = LossConfig(localization=REGIONS)
    anchors = AnchorReading(2, (((8, 8),), ((16, 16),), ((32, 32),)), STRIDES[:3], 1.0)
    with pytest.raises(ConfigError, match=r"this head has anchors.* take a recipe with a GFL head"):
        Criterion(SIZE, config, anchors)
    with pytest.raises(ConfigError, match="there is only one: set classes to 0"):
        Criterion(SIZE, config, GFLReading(1, 7, STRIDES))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": "itself"}, "expected larger or dense"),
        ({"main": -1.0}, "weights from 0"),
        ({"main": 0.0, "valuable": 0.0, "classes": 0.0}, "leave localization None"),
        ({"temperature": 0.0}, "temperatures are above 0"),
        ({"share": 1.0}, "share is from 0 to below 1"),
    ],
)
def test_nonsense_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LocalizationConfig(**change)

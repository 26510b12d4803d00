# ruff: noqa: E402 - what needs torch is imported after the skip
"""GFL v1's loss as its authors normalise it, against plain loops; and as parts of a batch see it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training import together
from training.assigners.objects import Assignment, Objects
from training.errors import ConfigError
from training.grid import cell_grid
from training.losses.criterion import Criterion, LossConfig
from training.losses.localization import LocalizationConfig
from training.losses.targets import Lesson, Targets
from training.models.reading import GFLReading
from training.settings import told

SIZE, CLASSES, BINS = (64, 64), 3, 4
STRIDES = (8, 16, 32)
GFL = LossConfig(quality="qfl", dfl=0.25, distill_score=0.0, distill_box=0.0, norm="positives")
CENTRES = [
    ((x + 0.5) * stride, (y + 0.5) * stride, stride)
    for stride in STRIDES
    for y in range(64 // stride)
    for x in range(64 // stride)
]


@pytest.fixture(params=[False, True], ids=["v1", "v2"])
def criterion(request: pytest.FixtureRequest) -> Criterion:
    return Criterion(SIZE, GFL, GFLReading(CLASSES, BINS - 1, STRIDES, quality=request.param))


def scene(criterion: Criterion) -> tuple[torch.Tensor, Targets]:
    """Raw outputs of four pictures, and their objects: none in the last, one too long for the bins."""
    torch.manual_seed(6)
    raw = torch.randn(4, len(CENTRES), CLASSES + 4 * BINS + criterion.reading.quality)
    boxes = [[1.0, 20, 63, 40], [30, 30, 50, 60], [2, 2, 40, 44], [10, 12, 30, 28], [36, 4, 60, 30]]
    objects = Objects(torch.tensor([0, 0, 1, 2, 2]), torch.tensor(boxes), torch.tensor([1, 0, 2, 2, 1]))
    ignore = torch.zeros(4, len(cell_grid(*SIZE)[0]), CLASSES, dtype=torch.bool)
    ignore[2, :, 0] = True  # nobody looked for it in this picture
    return raw, Targets(objects, ignore, None)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def area(box: list[float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def iou_and_giou(a: list[float], b: list[float]) -> tuple[float, float]:
    common = area([max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])])
    union = area(a) + area(b) - common
    hull = area([min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])])
    return common / union, common / union - (hull - union) / hull


def shares(logits: list[float]) -> list[float]:
    total = sum(math.exp(x) for x in logits)
    return [math.exp(x) / total for x in logits]


def by_loops(raw: torch.Tensor, targets: Targets, pairs: Assignment, quality: bool) -> dict[str, float]:
    """Li et al. 2020, equations 1, 5 and 6, number by number."""
    rows, objects = raw.tolist(), targets.objects
    owner = {
        (int(objects.image[g]), int(cell)): int(g)
        for g, cell in zip(pairs.objects.tolist(), pairs.cells.tolist(), strict=True)
    }
    cls = giou = dfl = weights = 0.0
    for b, cells in enumerate(rows):
        for n, row in enumerate(cells):
            scores = [sigmoid(x) * (sigmoid(row[-1]) if quality else 1.0) for x in row[:CLASSES]]
            wanted = [0.0] * CLASSES
            positive = owner.get((b, n))
            if positive is not None:
                x, y, stride = CENTRES[n]
                truth = objects.boxes[positive].tolist()
                sides = [shares(row[CLASSES + BINS * k : CLASSES + BINS * (k + 1)]) for k in range(4)]
                left, top, right, bottom = (stride * sum(i * p for i, p in enumerate(s)) for s in sides)
                iou, overlap = iou_and_giou([x - left, y - top, x + right, y + bottom], truth)
                wanted[int(objects.classes[positive])] = iou
                weight = max(scores)
                weights += weight
                giou += weight * (1 - overlap)
                for k, far in enumerate((x - truth[0], y - truth[1], truth[2] - x, truth[3] - y)):
                    far = min(max(far / stride, 0.0), BINS - 1 - 0.1)
                    low = math.floor(far)
                    entropy = (low + 1 - far) * math.log(sides[k][low])
                    entropy += (far - low) * math.log(sides[k][low + 1])
                    dfl -= weight * entropy / 4
            for c, (s, t) in enumerate(zip(scores, wanted, strict=True)):
                if t == 0 and targets.ignore[b, n, c]:
                    continue
                cls -= abs(t - s) ** 2 * (t * math.log(s) + (1 - t) * math.log(1 - s))
    return {"cls": cls / len(owner), "giou": 2 * giou / max(weights, 1), "dfl": 0.25 * dfl / max(weights, 1)}


def test_the_whole_loss_by_plain_loops(criterion: Criterion) -> None:
    raw, targets = scene(criterion)
    pairs = criterion.pairs(raw, targets, "atss")
    assert len(pairs.cells) > 8
    got = {name: float(value) for name, value in criterion(raw, targets, "atss").items()}
    assert got == pytest.approx(by_loops(raw, targets, pairs, criterion.reading.quality), rel=1e-4)


def test_a_batch_without_objects_is_divided_by_one(criterion: Criterion) -> None:
    raw, targets = scene(criterion)
    none = replace(targets, objects=Objects(*(x[:0] for x in vars(targets.objects).values())))
    got = criterion(raw, none, "atss")
    assert float(got["giou"]) == float(got["dfl"]) == 0
    background = criterion.reading.scores(raw)
    expected = -(background.square() * (1 - background).log()) * ~none.ignore[:, : len(CENTRES)]
    assert float(got["cls"]) == pytest.approx(float(expected.sum()), rel=1e-4)


def part(raw: torch.Tensor, targets: Targets, images: tuple[int, ...]) -> tuple[torch.Tensor, Targets]:
    """Some pictures of a batch as a batch of their own."""
    objects = targets.objects
    mine = torch.tensor([int(image) in images for image in objects.image])
    own = Objects(objects.image[mine] - images[0], objects.boxes[mine], objects.classes[mine])
    lesson = targets.lesson and Lesson(*(x[list(images)] for x in vars(targets.lesson).values()))
    return raw[list(images)], Targets(own, targets.ignore[list(images)], None, lesson=lesson)


def test_parts_of_a_batch_have_the_losses_of_the_whole_one_as_their_mean(
    criterion: Criterion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What two processes sum is worked out by hand: each part's sums first, then both."""
    raw, targets = scene(criterion)
    taught = replace(GFL, localization=LocalizationConfig())
    criterion = Criterion(SIZE, taught, criterion.reading)
    torch.manual_seed(7)
    lesson = Lesson(
        torch.randn(4, len(CENTRES), CLASSES),
        torch.randn(4, len(CENTRES), 4, BINS),
        torch.ones(4, len(CENTRES), dtype=torch.bool),
    )
    targets = replace(targets, lesson=lesson)
    whole = criterion(raw, targets, "atss")
    halves = [part(raw, targets, images) for images in ((0, 1), (2, 3))]
    sums: list[list[torch.Tensor]] = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        sums[-1].append(x)
        return x

    monkeypatch.setattr(together, "ranks", lambda: 2)
    monkeypatch.setattr(together, "summed", noted)
    for half in halves:
        sums.append([])
        criterion(*half, "atss")
    both = [a + b for a, b in zip(*sums, strict=True)]
    found = []
    for half in halves:
        answers: Iterator[torch.Tensor] = iter(both)
        monkeypatch.setattr(together, "summed", lambda _, answers=answers: next(answers))
        found.append(criterion(*half, "atss"))
    for name, value in whole.items():
        mean = sum(float(losses[name]) for losses in found) / 2
        assert mean == pytest.approx(float(value), rel=1e-5), name


def test_what_was_known_before_is_told_as_before() -> None:
    assert "norm" not in told(LossConfig())
    assert told(GFL)["norm"] == "positives"
    with pytest.raises(ConfigError, match="norm is 'sum', expected quality or positives"):
        LossConfig(norm="sum")

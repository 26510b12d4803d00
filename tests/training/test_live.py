# ruff: noqa: E402 - what needs torch is imported after the skip
"""Live views on a device: the same pictures, boxes and cells as OpenCV's, the same batch for a number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import COLOURS, LABELS, SIZE, TinyData
from training.data.augment import Augmenter
from training.data.distort import distort as distort_with_opencv
from training.data.labels import Labels
from training.data.plan import AugmentConfig, Distortion, Layer, Night, Placement, Plan
from training.data.teacher import LEVELS, MEAN, STD, free_shapes
from training.engine.batches import Order
from training.engine.config import StageConfig
from training.errors import ConfigError
from training.live.batches import Drawer, LiveBatches, Maker, ignored_cells
from training.live.distort import distort
from training.live.paint import Pictures, paint
from training.live.sketch import colour_matrix, sketch
from training.live.teachers import BINS, LiveTeachers, between_cells
from training.losses.criterion import Soft

CPU = torch.device("cpu")
CLASSES = len(LABELS.labels)
CLEAR = AugmentConfig(colour=0.0, grey=0.0, blur=0.0, compress=0.0, noise=0.0)
STAGE = StageConfig(
    name="all", entry="image", trains=("rest",), images=40, batch=4, average_every=1, log_steps=1
)


@pytest.fixture(scope="module")
def pictures(tiny: TinyData) -> Pictures:
    """The tiny pictures, on the CPU."""
    return Pictures(tiny.folder / "train.npy", tiny.records, CPU)


def test_a_painted_layer_by_hand(pictures: Pictures, tiny: TinyData) -> None:
    place = Placement((0, 0, 96, 64), 1.0, 1.0, 0.0, 0.0)
    same, mirrored = paint(pictures, sketched([(place,), (replace(place, sx=-1.0, tx=96.0),)]), 2, SIZE)
    assert torch.equal(same.permute(1, 2, 0), torch.from_numpy(np.array(tiny.images[0, :64, :96])).float())
    assert torch.equal(mirrored, same.flip(2))


def sketched(places: list[tuple[Placement, ...]]) -> list:
    """Rounds of views whose layers all show picture 0."""
    plans = [Plan(tuple(Layer(0, place) for place in layers)) for layers in places]
    return sketch(plans, no_labels(), CLASSES).rounds


def no_labels() -> Labels:
    """Of views that show nothing."""
    none = np.zeros(0, np.int64)
    boxes = np.zeros((0, 4), np.float32)
    return Labels(none, boxes, none, none, boxes, np.zeros((0, CLASSES), bool))


def test_views_are_those_of_opencv(pictures: Pictures, tiny: TinyData) -> None:
    config = replace(CLEAR, mosaic=0.4, mixup=0.3, cutmix=0.4, letterbox=0.3, scale=(0.5, 1.8))
    augmenter = Augmenter(tiny.images, tiny.records, config, SIZE)
    views = [augmenter.view(k % 6, np.random.default_rng(k)) for k in range(16)]
    plans = [augmenter.planner.plan(k % 6, np.random.default_rng(k)) for k in range(16)]
    made = sketch(plans, augmenter.reader.read(plans), CLASSES)
    painted = paint(pictures, made.rounds, 16, SIZE).permute(0, 2, 3, 1).numpy()
    expected = np.stack([view.clean for view in views])
    assert len(made.rounds) == 5  # a mosaic and one more on it
    assert np.abs(painted - expected).mean() < 0.6  # OpenCV rounds places to 1/32 pixel
    ignore = ignored_cells(made.marks, torch.from_numpy(augmenter.centres), 16, CLASSES).numpy()
    for k, view in enumerate(views):
        assert np.array_equal(made.marks.boxes[made.marks.view == k].numpy(), view.boxes)
        assert np.array_equal(ignore[k], view.ignore)


def test_a_shrunk_picture_keeps_its_mean(pictures: Pictures, tiny: TinyData) -> None:
    place = Placement((0, 0, 96, 64), 0.23, 0.23, 10.0, 10.0)
    (view,) = paint(pictures, sketched([(place,)]), 1, SIZE)
    small = view[:, 11:24, 11:31]
    assert float(small.mean()) == pytest.approx(tiny.images[0, 4:60, 4:88].mean(), rel=0.04)


@pytest.mark.parametrize(
    "how",
    [
        Distortion(grey=True),
        Distortion(kind="blur"),
        Distortion(kind="motion", amount=7.0, angle=0.5),
        Distortion(kind="compress", amount=30.0),
        Distortion(colour=(0.0, 1.0, 0.8, 0.0)),
        Distortion(night=Night(gamma=1.5, gain=0.6, noise=0.0, lamp=0.5)),
        Distortion(night=Night(gamma=1.5, gain=0.6, noise=0.0, lamp=0.0)),
    ],
)
def test_distortions_are_those_of_opencv(how: Distortion) -> None:
    y, x = np.mgrid[:64, :96].astype(np.float32)
    image = np.stack([60 + x, 200 - x + 10 * np.sin(y), 40 + 2 * y], -1).astype(np.uint8)
    expected = distort_with_opencv(image, how, np.random.default_rng(0))
    look = sketch([Plan((Layer(0, Placement((0, 0, 1, 1), 1, 1, 0, 0)),), how)], no_labels(), CLASSES).look
    got = distort(torch.from_numpy(image).permute(2, 0, 1)[None].float(), look, torch.Generator())
    difference = np.abs(got[0].permute(1, 2, 0).numpy() - expected)
    assert difference.mean() < 2.0
    assert np.abs(got[0].permute(1, 2, 0).numpy() - image).mean() > 0.2 or how.kind == "blur"


def test_grain_has_its_strength_and_its_seed() -> None:
    look = sketch(
        [Plan((Layer(0, Placement((0, 0, 1, 1), 1, 1, 0, 0)),), Distortion(kind="noise", amount=9.0))],
        no_labels(),
        CLASSES,
    ).look
    flat = torch.full((1, 3, 64, 96), 120.0)
    a, b, c = (distort(flat, look, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert float((a - flat).std()) == pytest.approx(9.0, rel=0.05)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_turning_the_hue_leaves_grey_alone() -> None:
    matrix = colour_matrix(Distortion(colour=(7.0, 1.3, 1.0, 5.0)))
    assert np.allclose(matrix[:, :3].sum(1), 1.0)
    assert matrix[:, 3].tolist() == [5.0] * 3
    colourless = colour_matrix(Distortion(grey=True))[:, :3]
    assert np.allclose(colourless, [[0.114, 0.587, 0.299]] * 3)


def live(
    tiny: TinyData, pictures: Pictures, augment: AugmentConfig, sizes: list, teacher=None
) -> LiveBatches:
    drawer = Drawer(tiny.records, Order(np.arange(6), (0, 1)), augment, sizes, STAGE, CLASSES)
    return LiveBatches(drawer, Maker(pictures, teacher, tiny.records, CLASSES), workers=0)


def test_batches_are_addressed_by_number_and_sizes_take_turns(tiny: TinyData, pictures: Pictures) -> None:
    augment, sizes = AugmentConfig(noise=0.5, mosaic=0.5), [SIZE, (64, 64)]
    first, again = (live(tiny, pictures, augment, sizes) for _ in range(2))
    shapes = [first.batch(step).inputs[0].shape for step in range(3)]
    assert shapes == [(4, 64, 96, 3), (4, 64, 64, 3), (4, 64, 96, 3)]
    a, b = first.batch(3), again.batch(3)
    assert a.size == (64, 64)
    assert torch.equal(a.inputs[0], b.inputs[0])
    assert torch.equal(a.targets.objects.boxes, b.targets.objects.boxes)
    assert a.targets.names == b.targets.names
    assert a.targets.soft is None
    assert a.inputs[0].dtype == torch.uint8


def test_boxes_follow_the_pixels_on_the_device(tiny: TinyData, pictures: Pictures) -> None:
    batches, found = live(tiny, pictures, replace(CLEAR, mosaic=0.0, scale=(0.6, 0.95)), [SIZE]), 0
    for step in range(3):
        batch = batches.batch(step)
        objects = batch.targets.objects
        for k, view in enumerate(batch.inputs[0].numpy()):
            (box,) = objects.boxes[(objects.image == k) & (objects.classes == 1)].tolist()
            y, x = np.nonzero(np.abs(view.astype(int) - COLOURS["car"]).sum(-1) < 60)
            assert [x.min(), y.min(), x.max() + 1, y.max() + 1] == pytest.approx(box, abs=1.6)
            found += 1
    assert found == 12


def test_the_last_share_is_calm(tiny: TinyData, pictures: Pictures) -> None:
    drawer = live(tiny, pictures, AugmentConfig(mosaic=1.0, calm=0.2), [SIZE]).drawer
    assert [len(drawer[step].sketch.rounds) for step in (0, 7, 8, 9)] == [4, 4, 1, 1]


def test_views_without_objects_make_a_batch(tiny: TinyData, pictures: Pictures) -> None:
    empty = [replace(r, boxes=r.boxes[:0], classes=r.classes[:0]) for r in tiny.records]
    batch = live(replace(tiny, records=empty), pictures, AugmentConfig(), [SIZE]).batch(0)
    assert len(batch.targets.objects.boxes) == 0
    assert not batch.targets.ignore.any()


def test_the_teacher_looks_at_clean_views(tiny: TinyData, pictures: Pictures) -> None:
    seen = []

    def teacher(views: torch.Tensor) -> Soft:
        seen.append(views)
        return Soft(*(torch.zeros(len(views), 1) for _ in range(3)))

    batch = live(tiny, pictures, replace(CLEAR, grey=1.0), [SIZE], teacher).batch(0)
    assert (seen[0] - batch.inputs[0].permute(0, 3, 1, 2)).abs().max() > 20  # the student's is grey
    assert (seen[0][:, 0] - seen[0][:, 2]).abs().max() > 20


def test_nanodets_cells_are_carried_between_them() -> None:
    scores = torch.zeros(1, 2, 3, 3)
    scores[0, 1, 1, 1] = 0.8  # a cell whose centre is at (1, 1) strides
    sides = torch.zeros(1, 4, BINS, 3, 3)
    sides[:, :, 3] = 1.0  # three strides to all sides: a box from -2 to 4
    sight = between_cells(scores, sides)
    found = sight.scores[0, :, 1].reshape(3, 3)
    assert found.tolist() == [pytest.approx(row) for row in ([0.2, 0.2, 0], [0.2, 0.2, 0], [0, 0, 0])]
    distance = (sight.sides[0] * torch.arange(BINS)).sum(-1)[:5]
    for cell, (x, y) in ((0, (0.5, 0.5)), (1, (1.5, 0.5)), (3, (0.5, 1.5)), (4, (1.5, 1.5))):
        assert distance[cell].tolist() == pytest.approx([x + 2, y + 2, 4 - x, 4 - y])
    assert torch.allclose(sight.sides[0, [0, 1, 3, 4]].sum(-1), torch.ones(4, 4))


def test_the_live_teacher_says_what_onnx_runtime_says_of_the_cached_one(shared: Path) -> None:
    ort = pytest.importorskip("onnxruntime", reason="the extra `train` is not installed")
    path = shared / "data" / "weights" / "picodet_s_416_coco.onnx"
    labels, size = ("person", "car"), (128, 160)
    noise = np.random.default_rng(0).integers(0, 255, (2, *size, 3), np.uint8)
    views = np.stack([cv2.GaussianBlur(view, (9, 9), 0) for view in noise])
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(free_shapes(path, size), options, providers=["CPUExecutionProvider"])
    x = ((views[..., ::-1] / 255 - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
    out = session.run(None, {session.get_inputs()[0].name: x})
    scores, sides = np.concatenate(out[:LEVELS], 1)[..., [0, 2]], np.concatenate(out[LEVELS:], 1)

    soft = LiveTeachers([path], labels, 16, CPU)(torch.from_numpy(views).permute(0, 3, 1, 2).float())
    assert np.abs(soft.scores.numpy() - scores).max() < 1e-3
    theirs = torch.from_numpy(np.take_along_axis(sides, soft.top.numpy()[..., None], 1))
    a, b = (x.unflatten(-1, (4, BINS)).softmax(-1) for x in (soft.top_dist, theirs))
    assert (a - b).abs().max() < 2e-3


def test_two_teachers_are_merged(shared: Path) -> None:
    weights = shared / "data" / "weights"
    paths = [weights / "picodet_s_416_coco.onnx", weights / "nanodet_plus_m_416.onnx"]
    views = torch.rand(1, 3, 64, 96) * 255
    both, *alone = (LiveTeachers(p, ("person", "car"), 16, CPU)(views) for p in (paths, paths[:1], paths[1:]))
    assert torch.allclose(both.scores, (alone[0].scores + alone[1].scores) / 2)
    assert both.top_dist.shape == (1, 16, 4 * BINS)
    assert torch.allclose(both.top_dist.unflatten(-1, (4, BINS)).exp().sum(-1), torch.ones(()), atol=1e-3)
    every = LiveTeachers(paths[:1], ("person", "car"), 10**6, CPU)(views)  # more cells than there are
    assert every.top[0].sort().values.tolist() == list(range(every.scores.shape[1]))


def test_a_teacher_that_does_not_know_a_class_is_refused(shared: Path) -> None:
    path = shared / "data" / "weights" / "nanodet_plus_m_416.onnx"
    with pytest.raises(ConfigError, match="helmet"):
        LiveTeachers([path], ("person", "helmet"), 16, CPU)


@pytest.mark.gpu
def test_a_batch_on_cuda_is_that_on_the_cpu(tiny: TinyData, shared: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    path = shared / "data" / "weights" / "picodet_s_416_coco.onnx"
    augment, made = AugmentConfig(noise=0.0, mosaic=0.5, mixup=0.3, night=0.0), []
    for device in (CPU, torch.device("cuda")):
        pictures = Pictures(tiny.folder / "train.npy", tiny.records, device)
        teachers = LiveTeachers([path], ("person", "car", "bus", "truck"), 16, device)
        made.append(live(tiny, pictures, augment, [(64, 96)], teachers).batch(0).to(CPU))
    one, two = made
    assert (one.inputs[0].int() - two.inputs[0].int()).abs().float().mean() < 0.5
    assert torch.equal(one.targets.objects.boxes, two.targets.objects.boxes)
    assert torch.equal(one.targets.ignore, two.targets.ignore)
    assert one.targets.soft is not None
    assert two.targets.soft is not None
    assert (one.targets.soft.scores - two.targets.soft.scores).abs().max() < 0.04


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_numbers_drawn_ahead_in_another_process_are_the_same(tiny: TinyData, pictures: Pictures) -> None:
    here = live(tiny, pictures, AugmentConfig(mosaic=0.5, noise=0.5), [SIZE])
    ahead = LiveBatches(here.drawer, here.maker, workers=1)
    for step in (0, 1, 2, 7):  # the last one is not the next: drawn anew from there
        a, b = here.batch(step), ahead.batch(step)
        assert torch.equal(a.inputs[0], b.inputs[0])
        assert torch.equal(a.targets.objects.boxes, b.targets.objects.boxes)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""The papers' families learn one batch by heart, go through their recipes' stages, and are exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from surveil.geometry import iou
from tests.training.tiny import LABELS, SIZE, TinyData, lively
from tests.training.tiny_families import (
    ANCHORS,
    CLASSES,
    LITE,
    LITE_V2,
    YOLO,
    view_job,
    write_imagenet_start,
    write_tuned_start,
)
from tests.training.tiny_stage import STAGE
from training.data.cache import FeatureCache
from training.data.redraw import ViewPainter
from training.engine.batches import CachedBatches, ViewBatches
from training.engine.config import Machine, StageConfig, WatchConfig
from training.engine.journal import read_journal
from training.engine.optimizer import set_learning
from training.engine.stage import StageJob, train_in_process
from training.engine.trainer import Trainer
from training.engine.validation import ValidationJob
from training.errors import CheckpointError, ConfigError
from training.losses.criterion import LossConfig
from training.losses.imitation import ImitationLossConfig
from training.losses.objective import objective_of
from training.losses.yolov3 import YoloV3Config
from training.models.backbone import MobileNetV2 as TunedMobileNetV2
from training.models.detector import Detector, load_backbone, load_model, save_model
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.shapes import DetectorConfig, HybridConfig, ImitationConfig, ModelConfig, YoloConfig
from training.papers.tables import table_of
from training.recipes import recipe
from training.recipes.recipe import Recipe

ALONE = Machine(processes=1, workers=0, watch=WatchConfig(evaluate=False, pictures=2))
VIEW = replace(
    STAGE, entry="view", trains=("low", "high", "rest"), rate=4e-3, warmup=10, decay=0.0, backbone_rate=1.0
)


def trainer_of(
    model: ModelConfig, config: StageConfig, tiny: TinyData, cache: FeatureCache, imitates: bool = False
) -> Trainer:
    """The same trainer every time, on pictures of the tiny cache."""
    torch.manual_seed(11)
    made = Detector(model)
    if isinstance(made.backbone, TunedMobileNetV2):
        lively(made.backbone)
    source = ViewBatches(CachedBatches(cache, config), ViewPainter(view_job(tiny)), imitates)
    criteria = {SIZE: objective_of(SIZE, config.loss, made.reading)}
    return Trainer(made, source, criteria, config, ALONE)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (YOLO, LossConfig(overlap="ciou")),
        (replace(YOLO, reach=1.0), YoloV3Config()),
        (LITE, LossConfig()),
        (LITE_V2, LossConfig(quality="qfl")),
    ],
    ids=["yolo", "yolo-equation5", "lite", "lite-gfl2"],
)
def test_each_family_learns_one_batch_by_heart(
    model: DetectorConfig, loss: LossConfig | YoloV3Config, tiny: TinyData, tiny_cache: FeatureCache
) -> None:
    if isinstance(loss, LossConfig):
        loss = replace(loss, distill_score=0.0, distill_box=0.0)
    trainer = trainer_of(model, replace(VIEW, loss=loss), tiny, tiny_cache)
    batch = trainer.source.batch(0)
    trainer.source.batch = lambda step: batch  # type: ignore[method-assign]
    trainer.model.train()
    steps = [trainer._step(0.0) for _ in range(90)]
    assert sum(steps[-1].losses.values()) < 0.4 * sum(steps[0].losses.values())
    criterion, raw, objects = trainer.criteria[SIZE], steps[-1].raw, batch.targets.objects
    scores = criterion.reading.scores(raw).numpy()
    boxes = criterion.reading.boxes(raw, criterion.places).numpy()
    assert len(objects.boxes) == 4
    for k, label, truth in zip(objects.image, objects.classes, objects.boxes.numpy(), strict=True):
        best = scores[k, :, label].argmax()  # a picture shows one object of a class
        assert scores[k, best, label] > 0.6
        assert iou(truth[None], boxes[k, best][None])[0, 0] > 0.75


def test_norms_of_frozen_layers_stay_as_they_are(tiny: TinyData, tiny_cache: FeatureCache) -> None:
    trainer = trainer_of(LITE, replace(VIEW, trains=("rest",)), tiny, tiny_cache)
    set_learning(trainer.model, trainer.config)
    before = {name: value.clone() for name, value in trainer.model.named_buffers()}
    trainer._step(0.0)
    after = dict(trainer.model.named_buffers())
    moved = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved == {"neck", "head"}
    assert not trainer.model.backbone.layers[-1].training


def test_features_are_imitated_and_then_detected_with(
    tiny: TinyData, tiny_cache: FeatureCache, tmp_path: Path
) -> None:
    config = replace(VIEW, loss=ImitationLossConfig())
    trainer = trainer_of(ImitationConfig(of=LITE), config, tiny, tiny_cache, imitates=True)
    batch = trainer.source.batch(0)
    trainer.source.batch = lambda step: batch  # type: ignore[method-assign]
    trainer.model.train()
    steps = [trainer._step(0.0) for _ in range(40)]
    assert all(steps[-1].losses[name] < 0.5 * steps[0].losses[name] for name in steps[0].losses)
    save_model(trainer.model, tmp_path / "model.safetensors")
    detector = Detector(LITE)
    load_backbone(tmp_path / "model.safetensors", detector)
    theirs = trainer.model.backbone.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in detector.backbone.state_dict().items())
    with pytest.raises(CheckpointError, match="another backbone"):
        load_backbone(tmp_path / "model.safetensors", Detector(YOLO))
    with pytest.raises(CheckpointError, match="family is imitation there and efficientlite-gfl here"):
        load_model(tmp_path / "model.safetensors", LITE)


def test_what_is_imitated_goes_on_from_the_cached_tap(tiny: TinyData, tiny_cache: FeatureCache) -> None:
    torch.manual_seed(2)
    network = lively(TunedMobileNetV2())
    cached, painter = CachedBatches(tiny_cache, VIEW), ViewPainter(view_job(tiny))
    targets = ViewBatches(cached, painter, True, network).batch(1).targets
    tap8 = cached.tap("tap8", cached.rows(1))
    with torch.no_grad():
        wanted = [tap8, *network.high(tap8)]
    assert all(torch.equal(a, b) for a, b in zip(targets.taps, wanted, strict=True))
    assert ViewBatches(cached, painter).batch(1).targets.taps == ()


def test_views_are_the_pictures_behind_the_cached_features(tiny: TinyData, tiny_cache: FeatureCache) -> None:
    torch.manual_seed(3)  # as `make_tiny_cache`
    backbone = lively(TunedMobileNetV2()).eval()
    cached = CachedBatches(tiny_cache, VIEW)
    views = ViewBatches(cached, ViewPainter(view_job(tiny))).batch(2)
    with torch.no_grad():
        tap8 = backbone(views.inputs[0].permute(0, 3, 1, 2).float() / 255)[0]
    assert torch.allclose(tap8, cached.batch(2).inputs[0], rtol=1e-2, atol=1e-2)  # cached in float16
    assert torch.equal(views.targets.objects.boxes, cached.batch(2).targets.objects.boxes)


def job_of(stage: StageConfig, model: ModelConfig, tiny: TinyData, out: Path, **rest: object) -> StageJob:
    """Two steps of a stage on the tiny data."""
    short = replace(stage, images=4, batch=2, average_every=1, log_steps=1, guided=0, caches=(0,))
    validation = ValidationJob(
        annotations=tiny.folder / "val.json", pictures=(tiny.folder / "val",), labels=LABELS.labels, size=SIZE
    )
    return StageJob(
        config=short,
        machine=ALONE,
        model=model,
        views=(view_job(tiny),),
        validation=validation,
        out=out,
        data_hash="tiny",
        **rest,  # type: ignore[arg-type]
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name",
    [
        *("mobilenet-yolo-320", "mobilenet-yolo-320-equation5", "mobilenet-yolo-320-live"),
        "mobilenetv1-yolo-320",
        *("efficientlite0-gfl-320", "efficientlite0-gfl-320-live"),
        *("efficientlite1-gfl-416", "efficientlite1-gfl-416-live"),
        *("paper-b-group4-small", "paper-b-teacher-small"),  # the group's last stage holds masks
    ],
)
def test_two_steps_of_every_stage(
    name: str, tiny: TinyData, tiny_cache: FeatureCache, tmp_path: Path
) -> None:
    made, copied = recipe(name), write_tuned_start(tmp_path / "tuned.safetensors")
    start = copied
    if any(part in name for part in ("lite", "v1")):
        network = MobileNetV1(0.75) if "v1" in name else MobileNetV2()
        start = write_imagenet_start(tmp_path / "imagenet.safetensors", network)
    train_stages(made, (start, copied), tiny, tiny_cache, tmp_path)


@pytest.mark.timeout(300)
def test_a_width_without_a_start_imitates_and_then_detects(
    tiny: TinyData, tiny_cache: FeatureCache, tmp_path: Path
) -> None:
    narrow = next(one.recipe for one in table_of("a", full=False).rows if one.name == "width-0.75")
    copied = write_tuned_start(tmp_path / "tuned.safetensors")
    train_stages(narrow, (None, copied), tiny, tiny_cache, tmp_path)


def train_stages(
    made: Recipe, starts: tuple[Path | None, Path], tiny: TinyData, cache: FeatureCache, out: Path
) -> None:
    """Two steps of every stage; `starts`: the backbone's, and that of the network that is imitated."""
    init, imitated = None, False
    model = replace(made.model, classes=CLASSES)
    for k, stage in enumerate(made.stages):
        job = job_of(
            stage,
            ImitationConfig(of=model) if stage.imitates else model,
            tiny,
            out / str(k),
            start=starts[0],
            init=init,
            init_imitates=imitated,
            imitated=starts[1] if stage.imitates else None,
            caches=(cache.folder,),
        )
        train_in_process(0, 1, job, None)
        init, imitated = job.out / "model.safetensors", stage.imitates
        lines = read_journal(job.out / "log.csv")
        assert [line["images"] for line in lines] == [2, 4]
        assert all(np.isfinite(list(line.values())).all() for line in lines)
    trained = load_model(out / str(len(made.stages) - 1) / "model.safetensors", model)
    with torch.no_grad():
        raw = trained.reading.flatten(trained.eval()(torch.rand(1, 3, *SIZE)))
    assert torch.isfinite(raw).all()


def test_stages_that_do_not_fit_their_model_are_refused() -> None:
    lite, yolo = recipe("efficientlite0-gfl-320"), recipe("mobilenet-yolo-320")
    with pytest.raises(ConfigError, match="stage head: the caches hold features of the tuned MobileNetV2"):
        replace(lite, stages=yolo.stages)
    with pytest.raises(ConfigError, match="the last stage imitates"):
        replace(lite, stages=lite.stages[:1])
    with pytest.raises(ConfigError, match="what is imitated lies in the cache"):
        replace(lite.stages[0], entry="image")
    with pytest.raises(ConfigError, match="which this model does not begin with"):
        replace(yolo, model=replace(yolo.model, backbone="mobilenetv1", width=0.75))
    with pytest.raises(ConfigError, match=r"int8 has no use for activation silu.* relu or relu6"):
        replace(lite, model=replace(lite.model, act="silu"))


def test_shapes_know_their_family() -> None:
    shapes = (HybridConfig(), YoloConfig(anchors=ANCHORS), LITE, ImitationConfig(of=LITE))
    assert len({shape.family for shape in shapes}) == len(shapes)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""What is looked at while training: drawn batches, predictions, AP, curves; and that it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from surveil.types import Frame
from tests.training.tiny import LABELS, SIZE, TinyData, lively
from tests.training.tiny_families import view_job
from tests.training.tiny_stage import MODEL, STAGE, make_trainer, same
from training.data.cache import FeatureCache
from training.engine.batches import BatchesInTurn
from training.engine.config import WatchConfig
from training.engine.curves import draw_stages
from training.engine.journal import Journal, read_journal
from training.engine.look import Look
from training.engine.redraw import Redrawer
from training.engine.validation import TorchDetector, Validation, ValidationJob
from training.engine.watch import Watch
from training.evaluate.detect import ProtocolConfig
from training.grid import cell_grid
from training.models.backbone import MobileNetV2
from training.models.detector import Detector, load_model
from training.models.reading import boxes_of


class Looks:
    """A watcher that keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[Look] = []

    def look(self, look: Look) -> None:
        self.seen.append(look)


@pytest.fixture
def validation(tiny: TinyData) -> Validation:
    job = ValidationJob(
        annotations=tiny.folder / "val.json",
        pictures=(tiny.folder / "val",),
        labels=LABELS.labels,
        size=SIZE,
    )
    return Validation(job)


@pytest.mark.timeout(300)  # two runs and matplotlib's first start, on a busy machine
def test_a_watched_run_draws_judges_and_learns_the_same(
    tiny: TinyData, tiny_cache: FeatureCache, validation: Validation, tmp_path: Path
) -> None:
    folder, config = tmp_path / "watched", replace(STAGE, images=16)
    trainer = make_trainer(tiny_cache, config)
    trainer.source = BatchesInTurn([trainer.source])
    watch = Watch(
        folder,
        WatchConfig(first_look=3, pictures=2, evaluate_every=8),
        config,
        Redrawer(trainer.source, [view_job(tiny)]),
        validation,
    )
    watched = trainer.run(folder, {}, watch)
    plain = make_trainer(tiny_cache, config).run(tmp_path / "plain", {})
    assert same(watched, plain)
    # looked at after the first round from step 3 on, and at the end
    drawn = sorted(p.name for p in (folder / "looks").iterdir())
    assert drawn == [f"{what}-{step:06}.png" for what in ("batch", "predictions") for step in (4, 8)]
    for name in drawn:
        picture = cv2.imread(str(folder / "looks" / name))
        assert picture.shape == (SIZE[0], 2 * SIZE[1], 3)
        assert picture.std() > 10
    lines = read_journal(folder / "ap.csv")
    assert [line["images"] for line in lines] == [8, 16]
    assert all(0 <= line["AP"] <= 100 for line in lines)
    assert {"AP person", "AP car"} <= lines[0].keys()
    assert cv2.imread(str(folder / "curves.png")).std() > 10


def test_what_a_watcher_is_shown(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    looks = Looks()
    trainer = make_trainer(tiny_cache, replace(STAGE, images=24))
    trainer.run(tmp_path, {}, looks)
    assert [look.step for look in looks.seen] == [2, 4, 6, 8, 10, 12]
    assert [look.step for look in looks.seen if look.saved] == [8]
    assert [look.last for look in looks.seen] == [False] * 5 + [True]
    last = looks.seen[-1]
    assert last.images == 24
    assert last.raw.shape == (2, len(cell_grid(*SIZE)[0]), MODEL.classes + 32)
    assert last.batch.targets.names == trainer.source.batch(11).targets.names
    saved = load_model(tmp_path / "model.safetensors", MODEL).state_dict()
    assert all(torch.equal(v, saved[k]) for k, v in last.model.state_dict().items())


def test_redrawn_pictures_are_those_that_were_cached(tiny: TinyData, tiny_cache: FeatureCache) -> None:
    torch.manual_seed(3)  # as `make_tiny_cache`
    backbone = lively(MobileNetV2()).eval()
    source = BatchesInTurn([make_trainer(tiny_cache).source])
    looks = Looks()
    looks.step = 4
    pictures = Redrawer(source, [view_job(tiny)])(looks)
    with torch.no_grad():
        tap8 = backbone(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)[0]
    assert torch.allclose(tap8, source.batch(3).inputs[0], rtol=1e-2, atol=1e-2)  # cached in float16


def test_weights_in_training_are_judged_as_the_application_would() -> None:
    torch.manual_seed(5)
    model = Detector(MODEL).eval()
    for conv in model.head.out:
        torch.nn.init.normal_(conv.weight, std=0.3)
        torch.nn.init.normal_(conv.bias[: MODEL.classes], mean=-2.0, std=1.0)
    picture = np.random.default_rng(1).integers(0, 255, (2 * SIZE[0], 2 * SIZE[1], 3), dtype=np.uint8)
    frame = Frame(camera_id="x", index=0, pts_s=0.0, wall_s=0.0, arrived_s=0.0, image=picture)
    detector = TorchDetector(model, LABELS.labels, SIZE, ProtocolConfig(voting_sigma=None))
    prepared = detector.prepare(frame)
    (found,) = detector.detect([prepared])
    with torch.no_grad():
        levels = model(torch.from_numpy(prepared.tensor).permute(0, 3, 1, 2).float() / 255)
    raw = model.reading.flatten(levels)[0]
    centres, strides = (torch.from_numpy(x) for x in cell_grid(*SIZE))
    best = int(raw[:, : MODEL.classes].amax(1).argmax())
    box = 2 * boxes_of(raw[best, MODEL.classes :], centres[best], strides[best], MODEL.reg_max)
    inside = box.clamp(min=0).minimum(torch.tensor([192.0, 128.0, 192.0, 128.0]))
    assert found.frame_size == (192, 128)
    assert found.class_ids[0] == int(raw[best, : MODEL.classes].argmax())
    assert found.scores[0] == pytest.approx(float(raw[best, : MODEL.classes].max().sigmoid()), abs=1e-6)
    assert found.boxes[0].tolist() == pytest.approx(inside.tolist(), abs=1e-3)


def test_examples_are_the_same_every_time(validation: Validation) -> None:
    first, again = validation.examples(3), validation.examples(3)
    assert [e.frame.index for e in first] == [e.frame.index for e in again]
    assert len(first) == 3
    assert first[0].names == ("person", "car")
    x1, y1, x2, y2 = first[0].boxes[0].astype(int)
    assert (first[0].frame.image[y1:y2, x1:x2] == (40, 40, 220)).mean() > 0.3  # a person's colour


def test_curves_of_several_stages(tmp_path: Path) -> None:
    stages = []
    for name in ("head", "upper"):
        (tmp_path / name).mkdir()
        stages.append((name, tmp_path / name))
        journal = Journal(tmp_path / name / "log.csv")
        for k in (1, 2, 3):
            line = {"step": k, "images": 8 * k, "seconds": k, "rate": 0.1 / k, "gradient": 1.0, "cls": 1 / k}
            journal.write(line)
    Journal(tmp_path / "upper" / "ap.csv").write(
        {"step": 3, "images": 24, "seconds": 3, "AP": 12.0, "AP50": 30.0}
    )
    picture = cv2.imread(str(draw_stages(stages, tmp_path / "curves.png")))
    assert picture.shape[0] > 500
    assert picture.std() > 10

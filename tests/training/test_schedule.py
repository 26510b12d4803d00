# ruff: noqa: E402 - what needs torch is imported after the skip
"""Paper B's schedule: SGD, its warm-up by batch, label smoothing, float16; and configurations as values."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch.nn import functional as F

from tests.training.tiny_families import LITE
from tests.training.tiny_stage import STAGE, make_trainer
from training.data.cache import FeatureCache
from training.engine.config import Machine, StageConfig
from training.engine.group import Group
from training.engine.optimizer import make_optimizer
from training.engine.schedule import rate_at
from training.errors import ConfigError, DivergedError
from training.losses.criterion import LossConfig
from training.losses.quality import quality_focal, smoothed, varifocal
from training.models.detector import Detector
from training.settings import told

PAPER = replace(
    STAGE,
    entry="image",
    trains=("low", "high", "rest"),
    optimizer="sgd",
    batch=128,
    rate=0.16,
    warmup=500,
    warmup_from=3e-4,
    rate_batch=128,
    decay=4e-5,
    backbone_rate=0.5,
)


@pytest.mark.parametrize(
    ("step", "done", "rate"),
    [(0, 0.0, 3e-4), (250, 0.0, (3e-4 + 0.16) / 2), (500, 0.0, 0.16), (900, 0.5, 0.08), (999, 1.0, 0.0)],
)
def test_the_papers_rate(step: int, done: float, rate: float) -> None:
    assert rate_at(step, done, PAPER) == pytest.approx(rate, abs=1e-12)
    assert rate_at(step, done, replace(PAPER, batch=16)) == pytest.approx(rate / 8, abs=1e-12)


def test_rates_stand_as_they_are_where_no_batch_is_named() -> None:
    assert rate_at(600, 0.0, replace(PAPER, rate_batch=0, batch=16)) == 0.16
    assert rate_at(0, 0.0, replace(PAPER, rate_batch=0, warmup_from=0.0)) == pytest.approx(0.16 / 500)


@pytest.mark.parametrize("batch", [32, 128])
def test_processes_that_share_a_batch_have_the_rates_of_the_whole_one(batch: int) -> None:
    whole = replace(PAPER, batch=batch)
    part = Group.share(SimpleNamespace(ranks=4), whole)  # type: ignore[arg-type]
    assert part.batch == batch // 4
    for step in (0, 250, 700):
        assert rate_at(step, 0.3, part) == pytest.approx(rate_at(step, 0.3, whole), rel=1e-12)


def test_sgd_steps_as_by_hand() -> None:
    """Two steps of momentum and decay; norms and biases do not decay; the backbone has its own factor."""
    torch.manual_seed(0)
    model = Detector(LITE)
    optimizer = make_optimizer(model, PAPER)
    chosen = {
        "backbone.layers.2.expand.0.weight": (0.5, 4e-5),
        "backbone.layers.2.expand.1.weight": (0.5, 0.0),
        "neck.lateral.0.0.weight": (1.0, 4e-5),
        "head.out.0.bias": (1.0, 0.0),
    }
    named = dict(model.named_parameters())
    assert set(chosen) <= set(named)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(named)
    expected, speed = {}, dict.fromkeys(chosen, 0.0)
    for name in chosen:
        expected[name] = named[name].detach().double().clone()
    for pull in (1.0, -2.0):
        for p in named.values():
            p.grad = torch.full_like(p, pull)
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * group["scale"]
        optimizer.step()
        for name, (scale, decay) in chosen.items():
            speed[name] = 0.9 * speed[name] + pull + decay * expected[name]
            expected[name] = expected[name] - 0.1 * scale * speed[name]
    for name, value in expected.items():
        assert torch.allclose(named[name].double(), value, atol=1e-6), name


def test_a_stage_learns_by_sgd_and_resumes(tiny_cache: FeatureCache, tmp_path) -> None:
    config = replace(STAGE, images=8, checkpoint_images=4, optimizer="sgd", rate=0.01, warmup_from=1e-4)
    trainer = make_trainer(tiny_cache, config)
    before = {k: v.clone() for k, v in trainer.model.named_parameters()}
    trainer.run(tmp_path, {})
    assert any(not torch.equal(v, before[k]) for k, v in trainer.model.named_parameters())
    again = make_trainer(tiny_cache, config)
    again.run(tmp_path, {})
    momentum = [state["momentum_buffer"] for state in again.optimizer.state.values()]
    assert momentum
    assert all(torch.isfinite(m).all() for m in momentum)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "adam"}, "optimizer is 'adam', expected one of adamw, sgd"),
        ({"warmup_from": 0.2}, r"warmup_from is 0\.2, expected 0 to the rate 0\.002"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(STAGE, **change)


def test_smoothing_touches_cells_with_objects_only() -> None:
    target = torch.tensor([[[0.0, 0.0, 0.0, 0.0], [0.0, 0.8, 0.0, 0.0]]])
    got = smoothed(target, 0.2)
    assert got[0, 0].tolist() == [0.0] * 4
    assert got[0, 1].tolist() == pytest.approx([0.05, 0.69, 0.05, 0.05])
    assert smoothed(target, 0.0) is target


@pytest.mark.parametrize("loss", [varifocal, quality_focal])
def test_the_losses_of_smoothed_targets_by_plain_loops(loss) -> None:
    """Other classes of a cell with an object stay background: only their target moves."""
    torch.manual_seed(2)
    logits = torch.randn(2, 5, 3)
    hard = torch.zeros(2, 5, 3)
    hard[0, 1, 2], hard[1, 3, 0] = 0.7, 0.02
    ignore = torch.zeros(2, 5, 3, dtype=torch.bool)
    ignore[0, 1, 0] = ignore[0, 0, 0] = ignore[0, 1, 2] = True  # an object counts though its class is ignored
    total, share = 0.0, 0.1
    for b in range(2):
        for n in range(5):
            for c in range(3):
                q, s = float(hard[b, n, c]), 1 / (1 + math.exp(-float(logits[b, n, c])))
                t = (1 - share) * q + share / 3 if hard[b, n].any() else 0.0
                if ignore[b, n, c] and q == 0:
                    continue
                bce = float(F.binary_cross_entropy(torch.tensor(s), torch.tensor(t)))
                focus = (t if q else 0.75 * s * s) if loss is varifocal else abs(t - s) ** 2
                total += focus * bce
    got = loss(logits, smoothed(hard, share), ignore, hard > 0)
    assert float(got) == pytest.approx(total, rel=1e-4)


def test_smoothing_is_a_share() -> None:
    with pytest.raises(ConfigError, match=r"smoothing is 1, expected a share"):
        LossConfig(smoothing=1.0)


def test_a_smoothed_loss_aims_lower(tiny_cache: FeatureCache) -> None:
    losses = {}
    for share in (0.0, 0.3):
        trainer = make_trainer(tiny_cache, replace(STAGE, loss=replace(STAGE.loss, smoothing=share)))
        trainer.model.train()
        losses[share] = trainer._step(0.0).losses
    assert losses[0.3]["cls"] != losses[0.0]["cls"]
    assert losses[0.3]["giou"] == losses[0.0]["giou"]


def test_a_scale_that_collapses_says_what_to_do(tiny_cache: FeatureCache) -> None:
    """Every step overflows: the scaler halves its scale until the trainer gives up."""
    trainer = make_trainer(tiny_cache, machine=Machine(processes=1, precision="float16"))
    trainer.model.train()
    trainer.trained[0].register_hook(lambda gradient: gradient * math.inf)
    before = {k: v.clone() for k, v in trainer.model.named_parameters()}
    trainer.scaler.load_state_dict(trainer.scaler.state_dict() | {"scale": 1.5e-3})
    trainer._step(0.0)
    assert trainer.scaler.get_scale() == pytest.approx(7.5e-4)
    with pytest.raises(DivergedError, match=r"still overflow: train with --precision bfloat16, or float32"):
        trainer._step(0.0)
    assert all(torch.equal(v, before[k]) for k, v in trainer.model.named_parameters())


def test_a_run_of_before_an_option_goes_on() -> None:
    """What was written before the option was known equals what is written while it is off."""
    new = ("optimizer", "momentum", "warmup_from", "rate_batch")
    plain = StageConfig(name="a", entry="view", trains=("rest",), images=1)
    values = told(plain)
    assert not set(new) & set(values)
    assert "smoothing" not in values["loss"]
    assert values["loss"]["tal"] == asdict(plain.loss)["tal"]
    assert values["betas"] == [0.9, 0.98]
    changed = told(replace(plain, optimizer="sgd", loss=LossConfig(smoothing=0.1)))
    assert changed["optimizer"] == "sgd"
    assert changed["loss"]["smoothing"] == 0.1
    assert "momentum" not in changed

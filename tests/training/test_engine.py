# ruff: noqa: E402 - what needs torch is imported after the skip
"""The training loop: it learns, resumes exactly, stops on nonsense; pinned to a short CPU loss curve."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import LABELS, SIZE
from training.data.cache import FeatureCache
from training.engine.average import Averager, Meeting
from training.engine.batches import Batch, BatchesInTurn, CachedBatches, Order, unpack_bits
from training.engine.config import Machine, StageConfig
from training.engine.ema import Ema
from training.engine.journal import Journal, Means, read_journal
from training.engine.processes import ALLOCATOR, environment, run_processes
from training.engine.schedule import rate_at, total_steps
from training.engine.trainer import Trainer
from training.errors import CheckpointError, ConfigError, DivergedError, TrainingError
from training.grid import cell_grid
from training.losses.criterion import Criterion
from training.models.detector import Detector, ModelConfig, load_model, save_model

MODEL = ModelConfig(classes=len(LABELS.labels), width=16, depth=1)
ALONE = Machine(processes=1)
STAGE = StageConfig(
    name="tiny",
    entry="low",
    trains=("high", "rest"),
    images=32,
    batch=2,
    warmup=2,
    average_every=2,
    log_steps=2,
    checkpoint_images=16,
)

CURVE = [4.533, 4.459, 4.371, 4.31, 4.317, 4.289, 4.285, 4.218, 4.238, 4.223]


def make_trainer(cache: FeatureCache, config: StageConfig = STAGE) -> Trainer:
    torch.manual_seed(11)
    criteria = {SIZE: Criterion(cell_grid(*SIZE), config.loss, MODEL.reg_max)}
    source = CachedBatches(cache, config, files=[f"{k}.png" for k in range(1, 7)])
    return Trainer(Detector(MODEL), source, criteria, config, ALONE)


def same(a: Path, b: Path) -> bool:
    one, two = (load_model(p, MODEL).state_dict() for p in (a, b))
    return all(torch.equal(one[k], two[k]) for k in one)


class Stop(Exception):
    """Ends a run in the middle of a step."""


def test_a_resumed_run_equals_one_that_never_stopped(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    whole = make_trainer(tiny_cache).run(tmp_path / "whole", {"run": 1})
    stopped = make_trainer(tiny_cache)
    draw = stopped.source.batch

    def interrupted(step: int) -> Batch:
        if step == 11:
            raise Stop
        return draw(step)

    stopped.source.batch = interrupted  # type: ignore[method-assign]
    with pytest.raises(Stop):
        stopped.run(tmp_path / "parts", {"run": 1})
    again = make_trainer(tiny_cache)
    result = again.run(tmp_path / "parts", {"run": 1})
    assert again.state.step == total_steps(STAGE, 1) == 16
    assert whole is not None
    assert result is not None
    assert same(whole, result)
    keep = ("step", "cls", "giou", "dfl")
    curves = [
        [[line[k] for k in keep] for line in read_journal(tmp_path / d / "log.csv")]
        for d in ("whole", "parts")
    ]
    assert curves[0] == curves[1]
    assert [p.name for p in (tmp_path / "parts" / "checkpoint").glob("step-*")] == ["step-16"]


def test_a_checkpoint_of_another_run_is_refused(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    config = replace(STAGE, images=8, checkpoint_images=8)
    make_trainer(tiny_cache, config).run(tmp_path, {"run": 1})
    with pytest.raises(CheckpointError, match="another run"):
        make_trainer(tiny_cache, config).run(tmp_path, {"run": 2})


def test_the_loss_curve_of_the_first_steps(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    """Pinned on a CPU in float32; other processors add up in another order, hence the tolerance."""
    config = replace(STAGE, images=40, checkpoint_images=1000)
    make_trainer(tiny_cache, config).run(tmp_path, {})
    total = [
        sum(line[k] for k in ("cls", "giou", "dfl", "distill_score", "distill_box"))
        for line in read_journal(tmp_path / "log.csv")
    ]
    assert total == pytest.approx(CURVE, rel=0.02)


def test_one_batch_can_be_learned_by_heart(tiny_cache: FeatureCache) -> None:
    loss = replace(STAGE.loss, distill_score=0.0, distill_box=0.0)
    config = replace(
        STAGE, images=400, batch=2, rate=4e-3, warmup=10, decay=0.0, loss=loss, backbone_rate=1.0
    )
    trainer = make_trainer(tiny_cache, config)
    batch = trainer.source.batch(0)
    trainer.source.batch = lambda step: batch  # type: ignore[method-assign]
    trainer.model.train()
    curve = [trainer._step(0.0) for _ in range(90)]
    assert sum(curve[-1].values()) < 0.45 * sum(curve[0].values())
    assert curve[-1]["giou"] < 0.35


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_batch(tiny_cache: FeatureCache) -> None:
    trainer = make_trainer(tiny_cache)
    draw = trainer.source.batch

    def poisoned(step: int) -> Batch:
        batch = draw(step)
        batch.inputs[0].fill_(math.nan)
        return batch

    trainer.source.batch = poisoned  # type: ignore[method-assign]
    first, second = (re.escape(f"{int(tiny_cache['index'][row]) + 1}.png") for row in trainer.source.rows(0))
    with pytest.raises(DivergedError, match=rf"step 0: .*the batch shows {first} .*{second} \(view"):
        trainer._step(0.0)


def test_frozen_parts_stay_as_they_are(tiny_cache: FeatureCache) -> None:
    config = replace(STAGE, entry="taps", trains=("rest",))
    trainer = make_trainer(tiny_cache, config)
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    trainer.model.train()
    trainer._step(0.0)
    changed = {
        k.split(".")[0] for k, v in trainer.model.state_dict().items() if not torch.equal(v, before[k])
    }
    assert changed == {"neck", "head"}


def test_cached_batches_hold_what_the_cache_holds(tiny_cache: FeatureCache) -> None:
    source = CachedBatches(tiny_cache, replace(STAGE, batch=3), rank=1, ranks=2)
    batch = source.batch(5)
    targets = batch.targets
    rows = source.rows(5)
    assert all(row % 2 == 1 for row in rows)
    for k, row in enumerate(rows):
        count = int(tiny_cache["count"][row])
        mine = targets.objects.image == k
        assert np.allclose(targets.objects.boxes[mine], tiny_cache["boxes"][row, :count, :4])
        assert np.allclose(batch.inputs[0][k], tiny_cache["tap8"][row])
    assert targets.soft is not None
    assert float(targets.soft.scores[0, 4, 0]) == pytest.approx(0.5, abs=0.01)
    assert targets.names == source.batch(5).targets.names


def test_bits_become_flags() -> None:
    flags = unpack_bits(torch.tensor([[0b101, 0]], dtype=torch.uint8), 3)
    assert flags.tolist() == [[[True, False, True], [False, False, False]]]


def test_every_epoch_shows_every_item_once() -> None:
    order = Order(np.arange(7), (0,))
    epochs = [order.rows(7 * e, 7) for e in range(2)]
    assert [sorted(e) for e in epochs] == [list(range(7))] * 2
    assert epochs[0] != epochs[1]
    assert order.rows(5, 4) == epochs[0][5:] + epochs[1][:2]


def test_the_rate_warms_up_and_falls() -> None:
    config = replace(STAGE, rate=1.0, warmup=10, floor=0.1)
    assert rate_at(0, 0.0, config) == pytest.approx(0.1)
    assert rate_at(50, 0.5, config) == pytest.approx(0.55)
    assert rate_at(99, 1.0, config) == pytest.approx(0.1)


def test_the_ema_is_a_weighted_mean_and_is_put_back() -> None:
    weight = torch.zeros(2)
    ema = Ema([weight], decay=0.9)
    weight.fill_(1.0)
    ema.update()  # keeps (1 + 1) / (10 + 1)
    assert ema.mean[0].tolist() == pytest.approx([9 / 11] * 2)
    with ema.applied():
        assert weight.tolist() == pytest.approx([9 / 11] * 2)
    assert weight.tolist() == [1.0, 1.0]


def test_the_journal_drops_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log.csv")
    for step in (2, 4, 6):
        journal.write({"step": step, "loss": 1.0 / step})
    Journal(tmp_path / "log.csv", resume_step=4).write({"step": 6, "loss": 9.0})
    assert [(line["step"], line["loss"]) for line in read_journal(tmp_path / "log.csv")] == [
        (2, 0.5),
        (4, 0.25),
        (6, 9.0),
    ]


def test_means_count_what_was_added() -> None:
    means = Means()
    for value in (1.0, 2.0, 6.0):
        means.add({"a": value})
    assert means.take() == {"a": 3.0}
    means.add({"a": 5.0})
    assert means.take() == {"a": 5.0}


def test_weights_survive_saving_and_another_architecture_is_refused(tmp_path: Path) -> None:
    model = Detector(MODEL)
    save_model(model, tmp_path / "m.safetensors")
    assert torch.equal(
        load_model(tmp_path / "m.safetensors", MODEL).neck.lateral[0][0].weight,
        model.neck.lateral[0][0].weight,
    )
    with pytest.raises(CheckpointError, match="another architecture"):
        load_model(tmp_path / "m.safetensors", replace(MODEL, depth=2))
    with pytest.raises(CheckpointError, match="can be read"):
        load_model(tmp_path / "none.safetensors", MODEL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entry": "taps"}, "reaches"),
        ({"entry": "x"}, "entry"),
        ({"log_steps": 3}, "multiple"),
        ({"trains": ()}, "trains"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(STAGE, **change)


def meet(rank: int, ranks: int, meeting: Meeting, out: Path) -> None:
    """Body of `test_processes_average_their_weights`."""
    import os

    weights = [torch.full((2,), float(rank)), torch.full((1, 3), 10.0 * rank)]
    seat = Averager(weights, rank, meeting)
    seat.average()
    agreed = seat.agree(5.0 + rank)
    line = {
        "mean": [w.flatten().tolist() for w in weights],
        "agreed": agreed,
        "env": os.environ["MALLOC_TOP_PAD_"],
    }
    (out / f"{rank}.json").write_text(json.dumps(line))


def fail(rank: int, ranks: int) -> None:
    """Body of `test_a_failing_process_is_reported`."""
    raise ValueError(f"no luck in {rank}")


def test_processes_average_their_weights(tmp_path: Path) -> None:
    run_processes(meet, 2, Meeting(2, 5), tmp_path)
    expected = {"mean": [[0.5] * 2, [5.0] * 3], "agreed": 5.0, "env": ALLOCATOR["MALLOC_TOP_PAD_"]}
    assert [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)] == [expected] * 2


def test_a_failing_process_is_reported() -> None:
    with pytest.raises(TrainingError, match="no luck in 0"):
        run_processes(fail, 1)


def test_the_users_allocator_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_MAX_", raising=False)
    with environment(ALLOCATOR):
        assert os.environ["MALLOC_TOP_PAD_"] == "7"
        assert os.environ["MALLOC_MMAP_MAX_"] == "0"
    assert "MALLOC_MMAP_MAX_" not in os.environ


def test_sources_come_in_turn_and_are_read_on(tiny_cache: FeatureCache) -> None:
    first, second = CachedBatches(tiny_cache, STAGE), CachedBatches(tiny_cache, replace(STAGE, seed=5))
    mixed = BatchesInTurn([first, second, first])
    wanted = [(first, 0), (second, 0), (first, 1), (first, 2), (second, 1), (first, 3)]
    for step, (source, number) in enumerate(wanted):
        assert mixed.batch(step).targets.names == source.batch(number).targets.names
        assert mixed.batch(step).size == SIZE


def test_a_stage_without_caches_is_refused() -> None:
    with pytest.raises(ConfigError, match="caches is empty"):
        replace(STAGE, caches=())

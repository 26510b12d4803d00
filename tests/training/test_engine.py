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

from surveil.geometry import iou
from tests.training.tiny import CACHE, SIZE
from tests.training.tiny_stage import MODEL, STAGE, make_trainer
from training.data.cache import FeatureCache, layout, pack
from training.engine.average import Averager, Meeting
from training.engine.batches import Batch, BatchesInTurn, CachedBatches, Order, unpack_bits
from training.engine.ema import averaged
from training.engine.journal import Journal, Means, read_journal
from training.engine.processes import ALLOCATOR, environment, run_processes
from training.engine.schedule import rate_at
from training.errors import ConfigError, DivergedError, TrainingError

CURVE = [4.5488, 4.5649, 4.5325, 4.57, 4.5493, 4.5091, 4.4462, 4.5022, 4.5233, 4.5162]
LOSSES = ("cls", "giou", "dfl", "distill_score", "distill_box")
TOLERANCE = [1e-4, 1e-3, 2e-3, *[0.02] * 7]


def test_the_loss_curve_of_the_first_steps(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    """Pinned on a CPU in float32: the means of two steps each.

    Processors and versions of oneDNN add up in other orders, and batch norms over two pictures, the choice of
    cells and Adam, which divides gradients by their own size, amplify that. With two threads, or without
    oneDNN, the first line differs by 2e-6, the second by 1e-4, the third by 5e-4 and the later ones by up to
    1e-2: twice that and more is allowed. A small rate keeps the amplification low; a rate 5 % larger is told
    by the first two lines.
    """
    config = replace(STAGE, images=40, checkpoint_images=1000, rate=4e-4)
    make_trainer(tiny_cache, config).run(tmp_path, {})
    lines = read_journal(tmp_path / "log.csv")
    total = [sum(line[k] for k in LOSSES) for line in lines]
    assert len(total) == len(CURVE)
    for line, (got, pinned, tolerance) in enumerate(zip(total, CURVE, TOLERANCE, strict=True)):
        assert got == pytest.approx(pinned, rel=tolerance), f"line {line} of {total}"
    assert all(line["gradient"] > 0 for line in lines)


def test_one_batch_can_be_learned_by_heart(tiny_cache: FeatureCache) -> None:
    loss = replace(STAGE.loss, distill_score=0.0, distill_box=0.0)
    config = replace(
        STAGE, images=400, batch=2, rate=4e-3, warmup=10, decay=0.0, loss=loss, backbone_rate=1.0
    )
    trainer = make_trainer(tiny_cache, config)
    batch = trainer.source.batch(0)
    trainer.source.batch = lambda step: batch  # type: ignore[method-assign]
    trainer.model.train()
    steps = [trainer._step(0.0) for _ in range(60)]
    first, last = steps[0].losses, steps[-1].losses
    assert last["cls"] < 0.3 * first["cls"]
    assert last["giou"] < 0.35 * first["giou"]
    assert last["dfl"] < 0.5 * first["dfl"]
    raw, objects = steps[-1].raw, batch.targets.objects
    scores = raw[..., : MODEL.classes].sigmoid().numpy()
    criterion = trainer.criteria[SIZE]
    boxes = criterion.reading.boxes(raw, criterion.places).numpy()
    assert len(objects.boxes) == 4
    for k, label, truth in zip(objects.image, objects.classes, objects.boxes.numpy(), strict=True):
        best = scores[k, :, label].argmax()  # a picture shows one object of a class
        assert scores[k, best, label] > 0.8
        assert iou(truth[None], boxes[k, best][None])[0, 0] > 0.8


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


@pytest.mark.parametrize("classes", [1, 8, 20, 80])
def test_flags_of_any_number_of_classes_come_back_from_their_bytes(classes: int) -> None:
    flags = np.random.default_rng(0).random((2, 5, classes)) < 0.3
    packed = np.stack([pack(one) for one in flags])
    assert packed.shape[2:] == layout(CACHE, classes)["ignore"][0][1:]
    assert torch.equal(unpack_bits(torch.from_numpy(packed), classes), torch.from_numpy(flags))


def test_every_epoch_shows_every_item_once() -> None:
    order = Order(np.arange(7), (0,))
    epochs = [order.rows(7 * e, 7) for e in range(2)]
    assert [sorted(e) for e in epochs] == [list(range(7))] * 2
    assert epochs[0] != epochs[1]
    assert order.rows(5, 4) == epochs[0][5:] + epochs[1][:2]


def test_who_assigns_at_a_step() -> None:
    guided, warm = replace(STAGE, guided=2), replace(STAGE, atss=2)
    assert [guided.assigner_at(step) for step in range(4)] == ["guided", "guided", "tal", "tal"]
    assert [warm.assigner_at(step) for step in range(4)] == ["atss", "atss", "tal", "tal"]
    assert replace(STAGE, assigner="atss").assigner_at(9) == "atss"


def test_gradients_that_are_not_finite_stop_the_run_before_the_weights_change(
    tiny_cache: FeatureCache,
) -> None:
    trainer = make_trainer(tiny_cache)
    trainer.model.train()
    before = {k: v.clone() for k, v in trainer.model.named_parameters()}
    trainer.trained[0].register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(DivergedError, match=r"gradient nan; the batch shows \d\.png"):
        trainer._step(0.0)
    assert all(torch.equal(v, before[k]) for k, v in trainer.model.named_parameters())


def test_the_rate_warms_up_and_falls() -> None:
    config = replace(STAGE, rate=1.0, warmup=10, floor=0.1)
    assert rate_at(0, 0.0, config) == pytest.approx(0.1)
    assert rate_at(50, 0.5, config) == pytest.approx(0.55)
    assert rate_at(99, 1.0, config) == pytest.approx(0.1)


def test_the_ema_is_a_weighted_mean_of_weights_and_statistics() -> None:
    model = torch.nn.BatchNorm1d(2)
    torch.nn.init.zeros_(model.weight)
    ema = averaged(model, decay=0.25)
    torch.nn.init.ones_(model.weight)
    model.running_mean.fill_(2.0)
    model.num_batches_tracked.fill_(7)
    expected = 0.0
    for n in (1, 2, 3):
        ema.update_parameters(model)
        keep = min(0.25, (1 + n) / (10 + n))  # 2 / 11, 3 / 12, then the decay
        expected = keep * expected + 1 - keep
        assert ema.module.weight.tolist() == pytest.approx([expected] * 2)
    assert ema.module.running_mean.tolist() == pytest.approx([2 * expected] * 2)
    assert ema.module.num_batches_tracked == 7
    assert not ema.module.training
    assert model.weight.tolist() == [1.0, 1.0]


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entry": "taps"}, "reaches"),
        ({"entry": "x"}, "entry"),
        ({"log_steps": 3}, "multiple"),
        ({"trains": ()}, "trains"),
        ({"assigner": "simota"}, "expected one of tal, atss"),
        ({"guided": 10, "atss": 10}, "set one to 0"),
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

# ruff: noqa: E402 - what needs torch is imported after the skip
"""The memory of training: by hand for one convolution, against a real step, and batches that fit."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch.profiler import ProfilerActivity, profile

from tests.training.tiny import TinyData
from tests.training.tiny_stage import MODEL, STAGE
from training.cli import adapted, main, parser
from training.engine.commands import batch_size, store_of
from training.engine.config import Machine
from training.engine.memory import (
    COUNTED,
    Alive,
    Memory,
    MemoryJob,
    alive,
    count_memory,
    free_memory,
    measure_memory,
    trainer_of,
)
from training.engine.schedule import rate_at
from training.errors import ConfigError
from training.losses.criterion import LossConfig
from training.losses.localization import LARGER, LocalizationConfig
from training.models.detector import Detector
from training.models.shapes import ImitationConfig
from training.recipes import batch_size as batches
from training.recipes import recipe

ALONE = Machine(processes=1)
JOB = MemoryJob(config=STAGE, model=MODEL, size=(64, 96), taught=True, machine=ALONE)
MEMORY = Memory(weights=80, gradients=60, optimizer=120, average=80, image=30)
MIB = 2**20


def test_what_a_convolution_keeps_by_hand() -> None:
    conv = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1, bias=False), torch.nn.ReLU())
    x = torch.rand(2, 3, 10, 10)
    counted = Alive(conv.parameters())
    with counted, torch.autograd.graph.saved_tensors_hooks(counted.pack, lambda tensor: tensor):
        out = conv(x)
    entered, came = x.numel() * 4, out.numel() * 4
    assert (
        sum(counted.kept.values()) == entered + came
    )  # the input for its gradient; ReLU keeps what it gives
    assert counted.most == entered + came + came  # while ReLU computes, its input is alive as well


def test_parts_are_counted_as_they_are() -> None:
    memory, model = count_memory(JOB), Detector(MODEL)
    total = 4 * sum(p.numel() for p in model.parameters())
    trained = 4 * sum(p.numel() for name in STAGE.trains for p in model.parts()[name])
    figures = sum(b.numel() * b.element_size() for b in model.buffers())
    assert memory.weights == total + figures
    assert memory.gradients == trained
    steps = 4 * sum(1 for name in STAGE.trains for _ in model.parts()[name])
    assert memory.optimizer == 2 * trained + steps  # Adam: mean and square; and a counter each
    assert memory.average == pytest.approx(memory.weights, abs=64)
    assert memory.total(3) == sum((memory.weights, memory.gradients, memory.optimizer, memory.average)) + (
        3 * memory.image
    )
    assert memory.equation6(3) == 3 * memory.weights


def test_frozen_parts_keep_nothing_but_pass() -> None:
    seen = replace(JOB, config=replace(STAGE, entry="image", trains=("rest",)))
    whole = replace(JOB, config=replace(STAGE, entry="image", trains=("low", "high", "rest")))
    head, everything = count_memory(seen), count_memory(whole)
    assert everything.image > 3 * head.image
    assert head.image > 4 * 2 * 32 * 32 * 48  # two maps of the stem's size are alive at once


def test_the_estimate_is_what_a_step_allocates() -> None:
    """Torch's own book of a forward pass: what it allocates and does not free before the backward pass."""
    job = replace(JOB, config=replace(STAGE, entry="image", trains=("low", "high", "rest")), taught=False)
    trainer = trainer_of(job, COUNTED)
    counted = alive(trainer)
    batch = trainer.source.batch(0)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as book:
        raw = trainer.model.reading.flatten(trainer.model.enter("image", batch.inputs))
        losses = trainer.criteria[batch.size](raw, batch.targets, "tal")
    left = sum(event.self_cpu_memory_usage for event in book.events())
    assert len(losses) > 1
    assert counted == pytest.approx(left, rel=0.25)


@pytest.mark.parametrize("name", ["mobilenet-yolo", "imitation", "taps", "larger"])
def test_every_kind_of_stage_can_be_counted(name: str) -> None:
    match name:
        case "imitation":
            config = recipe("efficientlite0-gfl-320").stages[0]
            job = replace(JOB, model=ImitationConfig(of=MODEL), config=config, taught=False)
        case "larger":
            loss = LossConfig(localization=LocalizationConfig(teacher=LARGER))
            job = replace(JOB, config=replace(STAGE, loss=loss))
        case "taps":
            job = replace(JOB, config=replace(STAGE, entry="taps", trains=("rest",)))
        case _:
            ours = recipe("mobilenet-yolo-320-equation5")
            job = replace(JOB, model=ours.model, config=replace(ours.stages[0], entry="view"))
    assert count_memory(job).image > 0


def test_free_memory_is_some() -> None:
    free = free_memory("cpu")
    assert free is None or free > 10 * MIB
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="leave --device out"):
            free_memory("cuda")


def test_the_largest_batch_that_has_room() -> None:
    assert [MEMORY.total(n) for n in (2, 8)] == [400, 580]
    assert batches.largest_batch(MEMORY, 400, 64) == 2
    assert batches.largest_batch(MEMORY, 579, 64) == 4
    assert batches.largest_batch(MEMORY, 10_000, 64) == 64
    assert batches.largest_batch(MEMORY, 340 + 30 * 31, 64) == 24
    with pytest.raises(ConfigError, match=r"two images need .* fewer --processes"):
        batches.largest_batch(MEMORY, 399, 64)


def test_auto_is_capped_on_a_processor_and_by_the_stage() -> None:
    assert batches.auto_of(JOB, MEMORY, 10**9) == 16
    cuda = replace(JOB, machine=Machine(device="cuda", processes=1))
    assert batches.auto_of(replace(cuda, config=replace(STAGE, images=100_000)), MEMORY, 10**9) == 96
    assert batches.auto_of(replace(cuda, config=replace(STAGE, batch=128)), MEMORY, 10**9) == 128


def test_another_batch_scales_rate_and_first_steps() -> None:
    live = recipe("mobilenetv2-gfl-320-live")
    half = batches.with_batches(live, [64, 128])
    head, was = half.stages[0], live.stages[0]
    assert (head.batch, head.rate) == (64, was.rate / 2)
    assert (head.warmup, head.guided, head.log_steps) == (2 * was.warmup, 2 * was.guided, 2 * was.log_steps)
    assert head.ema**2 == pytest.approx(was.ema)
    assert half.stages[1] is live.stages[1]
    sgd = replace(live.stages[0], optimizer="sgd", rate=0.16, warmup_from=3e-4, rate_batch=128)
    (twice,) = batches.with_batches(replace(live, stages=(sgd,)), [256]).stages
    assert rate_at(twice.warmup, 0.0, twice) == pytest.approx(0.32)  # once, by its own rule
    free = replace(sgd, rate_batch=0)
    (twice,) = batches.with_batches(replace(live, stages=(free,)), [256]).stages
    assert (twice.rate, twice.warmup_from) == pytest.approx((0.32, 6e-4))
    large = batches.with_batches(recipe("mobilenetv2-gfl-320"), [64, 8, 8, 8]).stages[0]
    assert large.log_steps % large.average_every == 0


def test_a_batch_that_is_wanted_is_checked_and_auto_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "count_memory", lambda job: MEMORY)
    monkeypatch.setattr(batches, "room", lambda stage, machine, store=0: 340 + 30 * 24)
    ours = recipe("own")
    assert [s.batch for s in batches.batched(ours, 24, ALONE, tmp_path).stages] == [24, 24]
    with pytest.raises(ConfigError, match=r"needs 0 MiB for 32 images, 0 are to be had: --batch 24 fits"):
        batches.batched(ours, 32, ALONE, tmp_path)
    assert [s.batch for s in batches.batched(ours, "auto", ALONE, tmp_path).stages] == [16, 16]
    monkeypatch.setattr(batches, "room", lambda stage, machine, store=0: 340 + 30 * 9)
    assert [s.batch for s in batches.batched(ours, "auto", ALONE, tmp_path).stages] == [16, 16]
    assert [s.batch for s in batches.batched(ours, "auto", ALONE, tmp_path / "new").stages] == [8, 8]
    (tmp_path / batches.CHOSEN).write_text(json.dumps({"other": 4}))
    with pytest.raises(ConfigError, match="of other stages"):
        batches.batched(ours, "auto", ALONE, tmp_path)
    monkeypatch.setattr(batches, "room", lambda stage, machine, store=0: None)
    assert batches.batched(ours, 512, ALONE, tmp_path).stages[0].batch == 512  # nobody knows: no objection
    with pytest.raises(ConfigError, match="say --batch N"):
        batches.auto_batch(JOB)


def test_pages_of_files_are_free_in_a_container(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    assert free_memory("cpu", tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: {9 * MIB} kB\nMemAvailable:  {8 * MIB} kB\n")
    assert free_memory("cpu", tmp_path) == 8 * MIB * 1024
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text(f"{900 * MIB}\n")
    assert free_memory("cpu", tmp_path) == 8 * MIB * 1024
    (group / "memory.max").write_text(f"{1000 * MIB}\n")
    assert free_memory("cpu", tmp_path) == 100 * MIB
    rows = {"anon": 200, "file": 700, "shmem": 100, "inactive_file": 400, "active_file": 200}
    (group / "memory.stat").write_text("".join(f"{name} {size * MIB}\n" for name, size in rows.items()))
    assert free_memory("cpu", tmp_path) == 700 * MIB


def test_processes_share_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "free_memory", lambda device: 10_000 * MIB)
    two, live = Machine(processes=2), replace(STAGE, entry="image", trains=("rest",))
    assert batches.room(STAGE, two) == pytest.approx((2500 - 500) * MIB, abs=1)
    alone = batches.room(live, two)  # live views are trained on in one process
    assert alone == pytest.approx((5000 - 500) * MIB, abs=1)
    cuda = Machine(device="cuda", processes=1)
    assert batches.room(live, cuda, store=5000 * MIB) == pytest.approx(4000 * MIB, abs=1)
    assert batches.room(STAGE, cuda, store=5000 * MIB) == pytest.approx(8000 * MIB, abs=1)


def test_options(tiny: TinyData, tmp_path: Path) -> None:
    assert batch_size("24") == 24
    for wrong in ("1", "many", "-8", "8.5"):
        with pytest.raises(ArgumentTypeError, match="a number from 2 on, or auto"):
            batch_size(wrong)
    command = ["train", "own", "--data", str(tiny.folder), "--out", "x", "--batch", "auto"]
    assert parser().parse_args(command).images_of_batch == "auto"
    own = recipe("own")
    assert store_of(own, tiny.folder) == 6 * 3 * 96 * 96
    added = tmp_path / "added"
    added.mkdir()
    images = [{"id": k, "file_name": f"{k}.png", "width": 300, "height": 900} for k in range(2)]
    content = {"pictures": ["."], "images": images, "annotations": [], "categories": []}
    (added / "train.json").write_text(json.dumps(content))
    assert store_of(replace(own, scenes=4), tiny.folder) == 10 * 3 * 416 * 416
    assert store_of(replace(own, scenes=4, added=(str(added),)), tiny.folder) == 12 * 3 * 640 * 640


def test_the_command_line_gives_all_stages_the_batch(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "count_memory", lambda job: MEMORY)
    command = ["train", "own", "--data", str(tiny.folder), "--out", str(tmp_path), "--batch", "4"]
    made = adapted(parser().parse_args(command))
    assert [stage.batch for stage in made.stages] == [4, 4]
    assert made.stages[0].rate == recipe("own").stages[0].rate / 2


def test_the_command_tells_estimate_and_what_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "mobilenet-yolo-320-equation5", "--batch", "2", "--no-measure"]) == 0
    said = capsys.readouterr().out
    assert "stage head: 2 images of 320x320 a process, float32" in said
    assert "equation 6" in said
    assert "--batch auto takes" in said
    assert main(["memory", "own", "--batch", "1"]) == 2


@pytest.mark.slow
def test_a_real_step_takes_about_what_was_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, usual in (("MMAP_MAX", 65536), ("TRIM_THRESHOLD", 131072), ("TOP_PAD", 131072)):
        monkeypatch.setenv(f"MALLOC_{name}_", str(usual))  # glibc's own: it gives back what is freed
    own = recipe("own")
    job = replace(JOB, config=own.stages[1], model=own.model, size=(320, 320), taught=False)
    seen = measure_memory(job, 32)
    assert seen is None or seen == pytest.approx(count_memory(job).total(32), rel=0.25)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Runs that are stopped go on exactly; what does not fit is refused; a full disk leaves what was there."""

from __future__ import annotations

import copy
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from surveil.errors import OutputError
from tests.training.tiny_stage import MODEL, STAGE, make_trainer, same
from training.data.cache import FeatureCache
from training.engine.batches import Batch
from training.engine.checkpoint import brought_up, is_same, load_optimizer, optimizer_tensors
from training.engine.config import Machine
from training.engine.journal import read_journal
from training.engine.schedule import total_steps
from training.engine.trainer import Trainer
from training.errors import CheckpointError
from training.files import write_whole
from training.models.detector import Detector, load_model, save_model
from training.settings import differences


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_what_an_optimizer_remembers_lies_as_its_weights_do(kind: type) -> None:
    """A convolution with channels last: a step after loading is the step that would have been made."""

    def one(conv: torch.nn.Conv2d) -> torch.optim.Optimizer:
        momentum = {} if kind is torch.optim.AdamW else {"momentum": 0.9}
        return kind(conv.parameters(), lr=0.1, fused=True, **momentum)

    def step(conv: torch.nn.Conv2d, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        (conv(x) * torch.arange(8.0)[:, None, None]).pow(2).sum().backward()
        optimizer.step()

    torch.manual_seed(0)
    x = torch.randn(2, 3, 8, 8)
    conv = torch.nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)
    optimizer = one(conv)
    step(conv, optimizer)
    other = copy.deepcopy(conv)
    loaded = one(other)
    stored = {name: value.contiguous().clone() for name, value in optimizer_tensors(optimizer).items()}
    load_optimizer(loaded, stored)
    for pair in ((conv, optimizer), (other, loaded)):
        step(*pair)
    assert torch.equal(conv.weight, other.weight)
    assert torch.equal(conv.bias, other.bias)


class Stop(Exception):
    """Ends a run in the middle of a step."""


def stopped_at(trainer: Trainer, last: int) -> Trainer:
    """The trainer, which will fail when it asks for batch `last`."""
    draw = trainer.source.batch

    def interrupted(step: int) -> Batch:
        if step == last:
            raise Stop
        return draw(step)

    trainer.source.batch = interrupted  # type: ignore[method-assign]
    return trainer


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """No file can grow beyond `free` bytes; the kernel then fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_resumed_run_equals_one_that_never_stopped(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    whole = make_trainer(tiny_cache).run(tmp_path / "whole", {"run": 1})
    stopped = stopped_at(make_trainer(tiny_cache), 11)
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


def test_a_run_in_half_precision_resumes_with_its_scale(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    machine = Machine(processes=1, precision="float16")
    config = replace(STAGE, images=24)
    with pytest.raises(Stop):
        stopped_at(make_trainer(tiny_cache, config, machine), 9).run(tmp_path, {})
    again = make_trainer(tiny_cache, config, machine)
    again.run(tmp_path, {})
    latest = json.loads((tmp_path / "checkpoint" / "latest.json").read_text())
    assert latest["scaler"]["scale"] > 0
    assert all(line["cls"] > 0 for line in read_journal(tmp_path / "log.csv"))


def test_a_checkpoint_of_another_run_is_refused(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    config = replace(STAGE, images=8, checkpoint_images=8)
    make_trainer(tiny_cache, config).run(tmp_path, {"stage": {"rate": 1, "seed": 0}, "data": "a"})
    with pytest.raises(
        CheckpointError, match=r"stage\.rate is 1 there and 2 here; data is a there and b here"
    ):
        make_trainer(tiny_cache, config).run(tmp_path, {"stage": {"rate": 2, "seed": 0}, "data": "b"})


def test_differences_of_what_only_one_side_has() -> None:
    assert list(differences({"a": 1}, {"b": [2]})) == [
        "a is 1 there and not set here",
        "b is not set there and [2] here",
    ]


def test_a_checkpoint_that_is_cut_off_is_named(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    config = replace(STAGE, images=8, checkpoint_images=8)
    make_trainer(tiny_cache, config).run(tmp_path, {})
    file = tmp_path / "checkpoint" / "step-4" / "rank-0.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"rank-0\.safetensors: cannot be read"):
        make_trainer(tiny_cache, config).run(tmp_path, {})


def test_a_full_disk_leaves_the_former_checkpoint(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    with pytest.raises(Stop):
        stopped_at(make_trainer(tiny_cache), 9).run(stage, {})
    before = {p: p.read_bytes() for p in stage.rglob("*") if p.is_file() and p.name != "log.csv"}
    assert stage / "checkpoint" / "step-8" / "rank-0.safetensors" in before
    with full_disk(100_000), pytest.raises(OutputError, match=r"step-16.*cannot be written"):
        make_trainer(tiny_cache).run(stage, {})
    assert {p: p.read_bytes() for p in stage.rglob("*") if p.is_file() and p.name != "log.csv"} == before
    assert not (stage / "checkpoint" / "step-16").exists()
    result = make_trainer(tiny_cache).run(stage, {})  # somebody made room
    whole = make_trainer(tiny_cache).run(tmp_path / "whole", {})
    assert same(whole, result)


def test_a_full_disk_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with full_disk(1000), pytest.raises(OutputError, match="what was there before stays"):
        write_whole(path, bytes(2000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_weights_survive_saving_and_another_architecture_is_refused(tmp_path: Path) -> None:
    model = Detector(MODEL)
    save_model(model, tmp_path / "m.safetensors")
    assert torch.equal(
        load_model(tmp_path / "m.safetensors", MODEL).neck.lateral[0][0].weight,
        model.neck.lateral[0][0].weight,
    )
    with pytest.raises(CheckpointError, match="another architecture: depth is 1 there and 2 here"):
        load_model(tmp_path / "m.safetensors", replace(MODEL, depth=2))
    with pytest.raises(CheckpointError, match="width is 16 there and 24 here"):
        load_model(tmp_path / "m.safetensors", replace(MODEL, width=24))
    with pytest.raises(CheckpointError, match="can be read"):
        load_model(tmp_path / "none.safetensors", MODEL)


def test_weights_without_a_description_are_compared_by_their_tensors(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {k: v.contiguous() for k, v in Detector(MODEL).state_dict().items()}
    save_file(state, tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match=r"head.* is .*expected.*tensors differ"):
        load_model(tmp_path / "m.safetensors", replace(MODEL, width=24))


def test_files_count_by_their_contents() -> None:
    here = {"seed": 1, "init": {"file": "/a", "sha256": "1"}, "imitated": {"file": "/b", "sha256": "2"}}
    assert is_same({**here, "init": {"file": "/moved", "sha256": "1"}}, here)
    other = {**here, "imitated": {"file": "/b", "sha256": "9"}}
    assert list(differences(brought_up(other, here), here)) == ["imitated.sha256 is 9 there and 2 here"]
    assert is_same({"seed": 1, "init": "/a", "imitated": "/b"}, here)  # from when only paths were noted
    assert not is_same({"seed": 1, "init": "/elsewhere", "imitated": "/b"}, here)
    assert not is_same({"seed": 2, "init": "/a", "imitated": "/b"}, here)
    assert not is_same({"seed": 1, "init": "/a", "imitated": "the caches"}, here)


def test_a_run_from_when_paths_were_noted_goes_on(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    before = {"init": "/weights/start"}
    with pytest.raises(Stop):
        stopped_at(make_trainer(tiny_cache), 11).run(tmp_path, before)
    now = {"init": {"file": "/weights/start", "sha256": "1"}}
    again = make_trainer(tiny_cache)
    again.run(tmp_path, now)
    assert again.state.step == total_steps(STAGE, 1)
    assert json.loads((tmp_path / "checkpoint" / "latest.json").read_text())["identity"] == now
    with pytest.raises(CheckpointError, match=r"init\.sha256 is 1 there and 2 here"):
        make_trainer(tiny_cache).run(tmp_path, {"init": {"file": "/weights/start", "sha256": "2"}})

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Processes that share every batch: what one process learns from it, to the last bits of float32."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

import torch.distributed as dist
from torch import nn

from tests.training.tiny import PLAIN, SIZE, TinyData, lively
from tests.training.tiny_stage import ALONE, FILES, MODEL, STAGE
from training import together
from training.cli import machine_of, main, parser
from training.data.cache import FeatureCache
from training.engine.average import Seat
from training.engine.batches import Batch, CachedBatches, Order, Share
from training.engine.config import Machine, StageConfig
from training.engine.group import Group
from training.engine.journal import read_journal
from training.engine.processes import run_processes
from training.engine.trainer import Trainer
from training.errors import DataError, TrainingError
from training.launch import Place, check_options
from training.live.batches import Drawer
from training.losses.imitation import Imitation, ImitationLossConfig
from training.losses.objective import objective_of
from training.losses.targets import Targets
from training.models.detector import Detector, load_model
from training.models.norms import share_norms

CONFIG = replace(STAGE, images=40, batch=4, rate=4e-4, checkpoint_images=1000)
IDENTITY = {"stage": asdict(CONFIG)["name"]}
PICTURES = torch.linspace(-1, 2, 4 * 3 * 2 * 2).reshape(4, 3, 2, 2).square()
CPU = torch.device("cpu")
pytestmark = pytest.mark.timeout(400)  # two processes load torch


class Spoilt:
    """Batches whose features are not finite in process 1 from step 1 on."""

    def __init__(self, source: CachedBatches, rank: int) -> None:
        self.source, self.rank = source, rank

    def batch(self, step: int) -> Batch:
        batch = self.source.batch(step)
        return (
            replace(batch, inputs=[x * float("nan") for x in batch.inputs]) if self.rank and step else batch
        )


def trainer_of(cache: FeatureCache, group: Group | None = None, machine: Machine = ALONE) -> Trainer:
    """The tiny stage of `CONFIG`, alone or in a group."""
    config: StageConfig = group.share(CONFIG) if group else CONFIG
    share = Share(group.rank, group.ranks) if group else None
    torch.manual_seed(11 + (group.rank if group else 0))  # the others take over the weights of process 0
    model = Detector(MODEL)
    lively(model.backbone)
    if group:
        share_norms(model, CPU)
    source = CachedBatches(cache, config, files=FILES, share=share)
    criteria = {SIZE: objective_of(SIZE, config.loss, model.reading)}
    return Trainer(model, source, criteria, config, machine, Seat(group.rank, group=group) if group else None)


def told(work: object) -> str:
    """What an error says."""
    with pytest.raises(TrainingError) as caught:
        work()  # type: ignore[operator]
    return str(caught.value)


def unusable() -> None:
    """Work that cannot be done."""
    raise DataError("val.json: no images")


def norm_of(part: torch.Tensor, norm: nn.Module) -> dict[str, list[float]]:
    """What a batch norm makes of pictures, and the gradients of a loss."""
    part = part.clone().requires_grad_(True)
    out = norm(part)
    (out * out.detach().exp()).mean().backward()
    values = {"out": out, "dx": part.grad / len(PICTURES) * len(part), "dw": norm.weight.grad}
    values |= {"mean": norm.running_mean, "var": norm.running_var}
    return {name: value.flatten().tolist() for name, value in values.items()}


def imitate(part: torch.Tensor) -> list[float]:
    """The imitation loss of features that are all 0."""
    targets = Targets(objects=None, ignore=None, soft=None, taps=(part,) * 3)  # type: ignore[arg-type]
    losses = Imitation(ImitationLossConfig())(torch.zeros(len(part), 3 * part[0].numel()), targets)
    return torch.stack(list(losses.values())).tolist()


def together_body(rank: int, ranks: int, cache_folder: Path, out: Path) -> None:
    """Body of the two processes."""
    torch.set_num_threads(1)
    place = Place(rank=rank, ranks=ranks, local=rank, machine=ranks)
    group = Group(place, dist.FileStore(str(out / "store"), ranks), CPU)
    cache, folder = FeatureCache.open(cache_folder), out / "two"
    paused = trainer_of(cache, group, replace(ALONE, stop_at_s=0.0)).run(folder, IDENTITY)
    group.first(partial(shutil.copytree, folder, out / "one"))
    whole = trainer_of(cache, group).run(folder, IDENTITY)
    spoilt = trainer_of(cache, group)
    spoilt.source = Spoilt(spoilt.source, rank)
    half = slice(2 * rank, 2 * rank + 2)
    norm = nn.Sequential(nn.BatchNorm2d(3))
    share_norms(norm, CPU)
    report = {
        "paused": paused is None,
        "result": str(whole),
        "files": sorted(p.name for p in folder.rglob("rank-*")),
        "nan": told(lambda: spoilt.run(out / "nan", IDENTITY)),
        "first": told(lambda: group.first(unusable)),
        "share": told(lambda: group.share(replace(CONFIG, batch=3))),
        "norm": norm_of(PICTURES[half], norm[0]),
        "imitation": imitate(PICTURES[half]),
        "norms": [float(together.normaliser(torch.tensor(v))) for v in (3.0 + rank, 0.1)],
    }
    (out / f"report-{rank}.json").write_text(json.dumps(report))
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two(tiny_cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes trained, with their reports."""
    out = tmp_path_factory.mktemp("two")
    run_processes(together_body, 2, tiny_cache.folder, out)
    return out


@pytest.fixture(scope="module")
def reports(two: Path) -> list[dict]:
    """What each process found."""
    return [json.loads((two / f"report-{rank}.json").read_text()) for rank in range(2)]


def check_curves(one: Path, other: Path) -> None:
    """Losses agree, and so do lengths of gradients as long as rounding has not been amplified."""
    mine, theirs = (read_journal(folder / "log.csv") for folder in (one, other))
    assert len(mine) == len(theirs) == 5
    for k, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        assert list(a) == list(b)
        for name in a.keys() - {"seconds"}:
            wide = 0.1 if name == "gradient" else 2e-3
            expected = pytest.approx(b[name], rel=1e-3 if k < 2 else wide, abs=1e-4)
            assert a[name] == expected, f"{name} of line {k}"


def test_two_processes_learn_what_one_learns(two: Path, tiny_cache: FeatureCache, tmp_path: Path) -> None:
    """Ten steps over batches of four, or twice two; the second half after a pause.

    Measured: the losses of six steps within 1e-4, of ten within 5e-4, gradients within 3e-4 and 3e-2. Adam
    divides each gradient by its own size, so where a gradient is all rounding a weight may move by up to the
    rate either way: hence the mean of the weights' differences, not the largest.
    """
    trainer = trainer_of(tiny_cache)
    before = {k: v.clone() for k, v in trainer.model.state_dict().items()}
    alone = trainer.run(tmp_path, IDENTITY)
    assert alone is not None
    check_curves(two / "two", tmp_path)
    one, other = (load_model(p, MODEL).state_dict() for p in (alone, two / "two" / "model.safetensors"))
    names = [k for k, v in one.items() if v.is_floating_point() and not torch.equal(v, before[k])]
    moved = sum(float((one[k] - before[k]).abs().sum()) for k in names)
    apart = sum(float((one[k] - other[k]).abs().sum()) for k in names)
    assert len(names) > 100
    assert apart < 0.03 * moved


def test_one_process_goes_on_from_what_two_left(two: Path, tiny_cache: FeatureCache) -> None:
    result = trainer_of(tiny_cache).run(two / "one", IDENTITY)
    assert result is not None
    check_curves(two / "one", two / "two")


def test_process_0_alone_writes_and_all_stop_together(reports: list[dict]) -> None:
    first, second = reports
    assert (first["paused"], second["paused"]) == (True, True)
    assert (Path(first["result"]).name, second["result"]) == ("model.safetensors", "None")
    assert first["files"] == ["rank-0.safetensors"]
    for report in reports:
        assert report["nan"].startswith("stage tiny, step 1: cls nan")
        assert "this process's part of the batch shows" in report["nan"]
        assert "start 1, 3 (torchrun --nproc-per-node)" in report["share"]
    assert first["first"] == "val.json: no images"
    assert second["first"] == "process 0 failed: val.json: no images"


def test_norms_and_sums_are_those_of_the_whole_batch(reports: list[dict]) -> None:
    norm = nn.BatchNorm2d(3)
    expected = norm_of(PICTURES, norm)
    got = [report["norm"] for report in reports]
    for name in ("out", "dx"):
        both = got[0][name] + got[1][name]
        np.testing.assert_allclose(both, expected[name], atol=1e-5, err_msg=name)
    means = np.mean([g["dw"] for g in got], 0)
    np.testing.assert_allclose(means, expected["dw"], atol=1e-5)
    for report in got:
        np.testing.assert_allclose(report["mean"], expected["mean"], atol=1e-6)
        np.testing.assert_allclose(report["var"], expected["var"], rtol=1e-5)
    mean = np.mean([report["imitation"] for report in reports], 0)
    np.testing.assert_allclose(mean, imitate(PICTURES), rtol=1e-5)
    assert [report["norms"] for report in reports] == [[3.5, 0.5]] * 2


def test_parts_of_live_batches_are_the_batch(tiny: TinyData) -> None:
    def drawer(config: StageConfig, share: Share | None) -> Drawer:
        order = Order(np.arange(6), (0, 1), share)
        return Drawer(tiny.records, order, PLAIN, [SIZE], config, MODEL.classes)

    whole = drawer(CONFIG, None)
    parts = [drawer(replace(CONFIG, batch=2), Share(rank, 2)) for rank in range(2)]
    for step in range(3):
        drawn = [part[step] for part in parts]
        assert drawn[0].records + drawn[1].records == whole[step].records
        boxes = torch.cat([one.sketch.marks.boxes for one in drawn])
        assert torch.equal(boxes, whole[step].sketch.marks.boxes)


def test_alone_every_sum_is_what_goes_in() -> None:
    x = torch.tensor([0.5])
    assert together.ranks() == 1
    assert torch.equal(together.summed(x), x)
    assert torch.equal(together.whole(x), x)
    assert float(together.normaliser(x)) == 1.0


@pytest.fixture
def as_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of its process 1 of 2."""
    values = {"TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    for name, value in (values | {"LOCAL_WORLD_SIZE": "2"}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("as_torchrun")
@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        ("cache", [], "torchrun is for train"),
        ("train", ["--device", "cuda"], "torchrun --nproc-per-node 1"),
    ],
)
def test_what_torchrun_cannot_do_says_what_to_do(
    command: str, more: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.device_count() > 1:
        pytest.skip("two GPUs: nothing is wrong here")
    assert main([command, "own", "--data", str(tmp_path), "--out", str(tmp_path / "run"), *more]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "error in process 1" in told


@pytest.mark.usefixtures("as_torchrun")
def test_under_torchrun_a_process_is_one_process() -> None:
    line = ["train", "own", "--data", "d", "--out", "o"]
    assert machine_of(parser().parse_args(line)).processes == 1
    check_options(parser().parse_args(line))
    for more, message in ((["--processes", "2"], "leave it out"), (["--batch", "auto"], "the whole one")):
        with pytest.raises(TrainingError, match=message):
            check_options(parser().parse_args([*line, *more]))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_torchrun_trains_and_hands_over(tiny: TinyData, tmp_path: Path) -> None:
    """The real launcher: two processes, drawn boxes, the shipped model's backbone."""
    train = [
        "train",
        "own",
        "--labels",
        "person,car",
        "--data",
        str(tiny.folder),
        "--out",
        str(tmp_path / "run"),
    ]
    line = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training", *train]
    line += ["--budget", "24", "--workers", "1", "--no-evaluate", "--hand-over", str(tmp_path / "small")]
    ran = subprocess.run([sys.executable, *line], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [p.name for p in (tmp_path / "small" / "2-upper").glob("*.safetensors")] == ["model.safetensors"]
    assert read_journal(tmp_path / "run" / "2-upper" / "log.csv")[-1]["images"] == 16

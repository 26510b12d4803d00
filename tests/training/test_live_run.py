# ruff: noqa: E402 - what needs torch is imported after the skip
"""Training with live views: in pieces, on a lean machine, its speed, and weights to hand over."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import load_file

from surveil.clock import SystemClock
from tests.training.tiny import LABELS, SIZE, TinyData
from tests.training.tiny_stage import MODEL
from tests.training.tiny_stage import STAGE as TINY
from training.data.plan import AugmentConfig
from training.engine.batches import Order
from training.engine.config import Machine
from training.engine.trainer import Trainer
from training.errors import CheckpointError
from training.handover import hand_over
from training.live.batches import Drawer, LiveBatches, Maker
from training.live.bench import time_parts
from training.live.paint import Pictures
from training.losses.objective import objective_of
from training.models.detector import Detector, load_model, save_model
from training.recipes import recipe
from training.workspace import Workspace

STAGE = replace(TINY, name="live", entry="image", images=12, checkpoint_images=8)
LEAN = """
torch torchgen functorch typing_extensions.py sympy mpmath networkx jinja2 markupsafe filelock fsspec
setuptools numpy numpy.libs cv2 opencv* scipy scipy.libs onnx google ml_dtypes safetensors
"""


def make_trainer(tiny: TinyData, machine: Machine) -> Trainer:
    """The same trainer every time, on live views."""
    torch.manual_seed(4)
    device = torch.device("cpu")
    augment = AugmentConfig(noise=0.4, mosaic=0.4, mixup=0.2)
    drawer = Drawer(tiny.records, Order(np.arange(6), (0, 1)), augment, [SIZE], STAGE, MODEL.classes)
    maker = Maker(
        Pictures(tiny.folder / "train.npy", tiny.records, device), None, tiny.records, MODEL.classes
    )
    model = Detector(MODEL)
    criteria = {SIZE: objective_of(SIZE, STAGE.loss, model.reading)}
    return Trainer(model, LiveBatches(drawer, maker, 0), criteria, STAGE, machine)


def test_a_run_in_pieces_is_the_run_in_one(tiny: TinyData, tmp_path: Path) -> None:
    alone = Machine(processes=1)
    whole = make_trainer(tiny, alone).run(tmp_path / "whole", {"run": 1})
    assert whole is not None
    late = replace(alone, stop_at_s=0.0)  # every call is over its time after the first averaging
    results = [make_trainer(tiny, late).run(tmp_path / "parts", {"run": 1}) for _ in range(3)]
    assert results[:2] == [None, None]
    assert results[2] is not None
    one, two = (load_file(path) for path in (whole, results[2]))
    assert all(torch.equal(one[name], two[name]) for name in one)
    unhurried = replace(alone, stop_at_s=SystemClock().monotonic() + 3600)
    assert make_trainer(tiny, unhurried).run(tmp_path / "again", {"run": 1}) is not None


def test_a_run_is_handed_over_in_small(tiny: TinyData, tmp_path: Path) -> None:
    made = replace(recipe("own"), model=MODEL, labels=LABELS, stages=(STAGE, replace(STAGE, name="second")))
    space = Workspace(recipe=made, data=tiny.folder, out=tmp_path / "run")
    small = replace(space, out=tmp_path / "small")
    with pytest.raises(CheckpointError, match="no weights yet"):
        hand_over(space, small.out)
    model = Detector(MODEL)
    for k, name in ((0, "model"), (1, "latest"), (1, "model")):
        folder = space.stage_folder(k)
        folder.mkdir(parents=True, exist_ok=True)
        torch.nn.init.constant_(model.backbone.stem.bias, 1.0 + k)
        save_model(model, folder / f"{name}.safetensors")
        (folder / "log.csv").write_text("step,images\n1,2\n")
        file = hand_over(space, small.out)
        assert file == small.stage_folder(k) / f"{name}.safetensors"
        assert load_file(file)["backbone.stem.weight"].dtype == torch.float16
        assert load_model(file, MODEL).backbone.stem.bias.tolist() == [1.0 + k] * 32
    assert file == small.final_weights
    assert (small.stage_folder(0) / "log.csv").read_text() == "step,images\n1,2\n"


def test_every_part_is_timed(tiny: TinyData) -> None:
    trainer = make_trainer(tiny, Machine(processes=1))
    assert isinstance(trainer.source, LiveBatches)
    report = time_parts(trainer.source, trainer, 2, SystemClock())
    assert [timing.part for timing in report.parts] == ["draw", "copy", "paint", "distort", "labels", "learn"]
    assert all(timing.batch_ms > 0 for timing in report.parts)
    assert report.whole_images_s > 0
    assert report.batch == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_trains_where_only_a_few_packages_are(tiny: TinyData, shared: Path, tmp_path: Path) -> None:
    """A machine with torch, numpy, OpenCV, scipy, onnx and safetensors alone: no runtime, no COCO tools."""
    site, lean = Path(sysconfig.get_paths()["purelib"]), tmp_path / "lean"
    lean.mkdir()
    for pattern in LEAN.split():
        for path in site.glob(pattern):
            (lean / path.name).symlink_to(path)
    out = tmp_path / "out"
    command = [
        sys.executable, "-S", "-m", "training", "train", "mobilenetv2-gfl-320-live",
        "--data", str(tiny.folder), "--out", str(tmp_path / "run"),
        "--weights", str(shared / "data" / "weights"),
        "--processes", "1", "--workers", "0", "--budget", "4", "--hand-over", str(out),
    ]  # fmt: skip
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env={"PYTHONPATH": str(lean)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert load_file(out / "2-all" / "model.safetensors")["backbone.stem.weight"].dtype == torch.float16

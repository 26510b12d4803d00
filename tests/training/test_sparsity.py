# ruff: noqa: E402 - what needs torch is imported after the skip
"""2:4 masks: chosen as by brute force, held in every step, resumed bit for bit, exported; faults named."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import load_file, save_file
from torch import nn

from tests.training.tiny import LABELS, SIZE, lively
from tests.training.tiny_families import LITE
from tests.training.tiny_stage import ALONE, FILES, STAGE
from training import cli
from training.data.cache import FeatureCache
from training.engine.batches import Batch, CachedBatches
from training.engine.config import Machine, StageConfig
from training.engine.trainer import Trainer
from training.errors import CheckpointError, ConfigError, ExportError
from training.export.fold import fold, round_to_half
from training.losses.objective import objective_of
from training.models.detector import Detector, save_model
from training.models.shapes import HybridConfig
from training.recipes import recipe
from training.sparsity.masks import Masks
from training.sparsity.pattern import (
    SparsityConfig,
    broken_groups,
    eligible_weights,
    largest_two,
)
from training.sparsity.report import report_of

MODEL = HybridConfig(classes=len(LABELS.labels), width=16, depth=1)
SPARSE = replace(
    STAGE,
    entry="image",
    trains=("low", "high", "rest"),
    images=8,
    checkpoint_images=4,
    sparse=SparsityConfig(),
)


def brute_force(weight: np.ndarray) -> np.ndarray:
    """The pair of each four with the largest sum of magnitudes, the first of equals; by plain loops."""
    kept = np.zeros(weight.shape, bool)
    outputs, inputs, height, width = weight.shape
    for o in range(outputs):
        for y in range(height):
            for x in range(width):
                for first in range(0, inputs, 4):
                    four = np.abs(weight[o, first : first + 4, y, x])
                    best = max(
                        combinations(range(4), 2), key=lambda pair: (four[list(pair)].sum(), -sum(pair))
                    )
                    kept[o, [first + k for k in best], y, x] = True
    return kept


@pytest.mark.parametrize("shape", [(8, 16, 1, 1), (3, 8, 3, 3)])
def test_the_two_largest_of_four_by_brute_force(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    weight = torch.randn(shape)
    assert np.array_equal(largest_two(weight).numpy(), brute_force(weight.numpy()))
    last = weight.contiguous(memory_format=torch.channels_last)
    assert torch.equal(largest_two(last), largest_two(weight))


def test_masks_by_hand() -> None:
    weight = torch.tensor([[1.0, -3, 2, 0.5, 1, 1, 1, 1], [0, 0, 0, 5, 0, -1, 0, 0]])[..., None, None]
    kept = largest_two(weight).flatten(1).int().tolist()
    assert kept == [[0, 1, 1, 0, 1, 1, 0, 0], [1, 0, 0, 1, 1, 1, 0, 0]]
    assert broken_groups(weight) == 2
    assert broken_groups(weight * largest_two(weight)) == 0


def test_which_weights_are_eligible() -> None:
    model = nn.Sequential(
        nn.Conv2d(16, 8, 1),
        nn.Conv2d(16, 12, 1),  # outputs no multiple of eight
        nn.Conv2d(24, 8, 1),  # inputs no multiple of sixteen
        nn.Conv2d(32, 32, 3, groups=32),  # depthwise
        nn.Conv2d(32, 8, 3),
        nn.Linear(16, 8),
    )
    assert list(eligible_weights(model, SparsityConfig())) == ["0.weight", "4.weight"]
    assert list(eligible_weights(model, SparsityConfig(inputs=8))) == ["0.weight", "2.weight", "4.weight"]
    with pytest.raises(ConfigError, match="inputs a multiple of 4"):
        SparsityConfig(inputs=6)


def make_trainer(cache: FeatureCache, config: StageConfig = SPARSE, machine: Machine = ALONE) -> Trainer:
    """All parts of a small detector, from pictures of noise under the cache's boxes."""
    torch.manual_seed(11)
    cached = CachedBatches(cache, config, files=FILES)

    class Noise:
        def batch(self, step: int) -> Batch:
            seen = cached.batch(step)
            generator = torch.Generator().manual_seed(step)
            picture = torch.randint(0, 255, (config.batch, *SIZE, 3), generator=generator, dtype=torch.uint8)
            return replace(seen, inputs=[picture])

    model = Detector(MODEL)
    lively(model.backbone)
    criteria = {SIZE: objective_of(SIZE, config.loss, model.reading)}
    return Trainer(model, Noise(), criteria, config, machine)


def values(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_mask_is_held_in_every_step(tiny_cache: FeatureCache, optimizer: str) -> None:
    trainer = make_trainer(tiny_cache, replace(SPARSE, optimizer=optimizer, decay=0.1))
    held = trainer.masks.weights
    assert len(held) > 20
    assert all(not broken_groups(weight) for weight in held.values())
    before = {name: weight.detach().clone() for name, weight in held.items()}
    trainer.model.train()
    for _ in range(2):
        trainer._step(0.0)
        trainer.ema.update_parameters(trainer.model)
    averaged = dict(trainer.ema.module.named_parameters())
    for name, weight in held.items():
        masked = ~trainer.masks.kept[name]
        for value in (weight, averaged[name]):
            assert not value[masked].any(), name
        assert not weight.grad[masked].any()
        state = trainer.optimizer.state[weight]
        for moment in ("momentum_buffer", "exp_avg", "exp_avg_sq"):
            assert moment not in state or not state[moment][masked].any()
    assert any(not torch.equal(weight, before[name]) for name, weight in held.items())


def test_a_sparse_run_that_was_stopped_goes_on_bit_for_bit(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer = make_trainer(tiny_cache)
    trainer.run(whole, {})
    stopped = make_trainer(tiny_cache)
    draw = stopped.source.batch

    def interrupted(step: int) -> Batch:
        if step == 3:
            raise Stop
        return draw(step)

    stopped.source.batch = interrupted
    with pytest.raises(Stop):
        stopped.run(parts, {})
    again = make_trainer(tiny_cache)
    again.run(parts, {})
    for name, mask in trainer.masks.kept.items():
        assert torch.equal(mask, again.masks.kept[name])
    one, two = values(whole / "model.safetensors"), values(parts / "model.safetensors")
    assert one.keys() == two.keys()
    assert not [name for name in one if not torch.equal(one[name], two[name])]

    report = report_of(parts / "model.safetensors")
    assert report.said
    assert not report.broken
    assert {layer.name for layer in report.layers} == set(trainer.masks.kept)
    _refuses_what_would_break_the_masks(tiny_cache, parts)


def _refuses_what_would_break_the_masks(cache: FeatureCache, folder: Path) -> None:
    """The checkpoint of a sparse run, changed in each way that matters."""
    (file,) = (folder / "checkpoint").glob("step-*/rank-0.safetensors")
    good = values(file)
    name = "neck.lateral.0.0.weight"
    masked = ~good[f"masks.{name}"]

    def refused(tensors: dict[str, torch.Tensor], message: str, config: StageConfig = SPARSE) -> None:
        save_file(tensors, file)
        with pytest.raises(CheckpointError, match=message):
            make_trainer(cache, config).run(folder, {})

    anew = "train into another --out, or remove the stage's folder"
    none = {k: v for k, v in good.items() if not k.startswith("masks.")}
    refused(none, rf"stage tiny: .*has no mask .*{anew}")
    refused(good, "has a mask, but is not held", replace(SPARSE, sparse=None))
    refused(good, "has a mask, but is not held", replace(SPARSE, sparse=SparsityConfig(inputs=32)))
    refused(good | {f"masks.{name}": torch.ones_like(masked)}, f"mask of {name} keeps more than two of four")
    filled = good[f"model.{name}"].masked_fill(masked, 0.1)
    refused(good | {f"model.{name}": filled}, rf"weights break its masks: {int(masked.sum())} .*{anew}")
    refused(good | {f"ema.module.{name}": filled}, "averaged weights break its masks")
    save_file(good, file)
    make_trainer(cache).run(folder, {})  # as it was, it fits


def test_masks_agree_in_processes_and_averages_keep_them() -> None:
    torch.manual_seed(1)
    first = Detector(MODEL)
    second = Detector(MODEL)
    second.load_state_dict(first.state_dict())
    masks = [Masks(model, SparsityConfig(), "stage") for model in (first, second)]
    assert all(torch.equal(mask, masks[1].kept[name]) for name, mask in masks[0].kept.items())
    with torch.no_grad():
        for p in second.parameters():
            p.add_(torch.randn_like(p))
        masks[1].hold()
        for p, q in zip(first.parameters(), second.parameters(), strict=True):
            p.copy_((p + q) / 2)
    masks[0].check(first, "mean")


def test_without_a_configuration_nothing_is_masked() -> None:
    model = Detector(MODEL)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    masks = Masks(model, None, "stage")
    masks.hold()
    assert masks.told() == masks.state_dict() == {}
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.fixture(scope="module")
def pruned() -> Detector:
    """A small detector of paper B with the pattern, and norms that are not trivial."""
    torch.manual_seed(5)
    model = Detector(LITE_16)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, -1.0, 1.0)
    Masks(model, SparsityConfig(), "stage")
    return model.eval()


LITE_16 = replace(LITE, width=16)


def test_folding_and_rounding_keep_the_pattern(pruned: Detector) -> None:
    folded = round_to_half(fold(pruned))
    weights = eligible_weights(folded, SparsityConfig())
    assert len(weights) == len(eligible_weights(pruned, SparsityConfig()))
    assert not any(broken_groups(weight) for weight in weights.values())


def card(path: Path, measured: dict[str, str]) -> None:
    path.with_suffix(".json").write_text(json.dumps({"measured": measured}))


def test_the_exported_model_obeys(
    pruned: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
    from training.export.graph import export_onnx

    path = tmp_path / "tiny.onnx"
    export_onnx(round_to_half(fold(pruned)), path, {}, (64, 96))
    report = report_of(path)
    assert not report.said
    assert not report.broken
    assert len(report.layers) == len(eligible_weights(fold(pruned), SparsityConfig()))
    folded = sum(p.numel() for p in fold(pruned).parameters())
    assert report.parameters == pytest.approx(folded, rel=0.01)  # equal biases are stored once
    card(path, {"sparsity": "2:4"})
    assert cli.main(["sparsity", str(path)]) == 0
    assert "its card says 2:4" in capsys.readouterr().out

    proto = onnx.load(path)  # one value more in one group
    graph = proto.graph
    conv = next(n for n in graph.node if n.op_type == "Conv" and n.input[1] == report.layers[-1].name)
    (held,) = [t for t in graph.initializer if t.name.removesuffix(".half") == conv.input[1]]
    filled = onnx.numpy_helper.to_array(held).copy()
    filled[0, :4] = 1
    held.CopyFrom(onnx.numpy_helper.from_array(filled, held.name))
    onnx.save(proto, path)
    assert cli.main(["sparsity", str(path)]) == 2
    seen = capsys.readouterr()
    assert f"1 weights break the pattern ({report.layers[-1].name})" in seen.err
    assert "export it again from the weights of its sparse stage" in seen.err
    card(path, {"recipe": "dense"})
    assert cli.main(["sparsity", str(path)]) == 0
    assert "nothing says that it is 2:4" in capsys.readouterr().out
    path.with_suffix(".json").write_text("[]")
    with pytest.raises(ExportError, match="not a card that can be read"):
        report_of(path)


def test_a_quantised_weight_is_zero_where_its_zero_point_is(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
    from onnx import TensorProto, helper, numpy_helper

    masked = largest_two(torch.randn(8, 16, 1, 1)).numpy()
    zeros = np.arange(8, dtype=np.int8)
    stored = np.where(masked, 50, 0).astype(np.int8) + zeros[:, None, None, None]
    constants = [
        numpy_helper.from_array(stored, "q"),
        numpy_helper.from_array(np.ones(8, np.float32), "scale"),
        numpy_helper.from_array(zeros, "zero"),
    ]
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"], axis=0),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "xy"]
    onnx.save(
        helper.make_model(helper.make_graph(nodes, "g", value[:1], value[1:], constants)), tmp_path / "q.onnx"
    )
    (layer,) = report_of(tmp_path / "q.onnx").layers
    assert (layer.name, layer.zeros, layer.broken) == ("w", 64, 0)


def test_a_checkpoint_says_that_it_is_sparse(
    pruned: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.safetensors"
    save_model(Detector(LITE_16), path)
    assert cli.main(["sparsity", str(path)]) == 0  # dense, and nothing says otherwise
    save_model(Detector(LITE_16), path, {"sparsity": "2:4"})
    assert cli.main(["sparsity", str(path)]) == 2
    save_model(pruned, path, {"sparsity": "2:4"})
    assert cli.main(["sparsity", str(path)]) == 0
    assert "50.0%" in capsys.readouterr().out
    report = report_of(path)
    assert report.parameters == sum(p.numel() for p in pruned.parameters())
    facts = report.facts()
    assert facts["sparsity"] == "2:4"
    assert (
        "On CPUs, on other GPUs and in the size of the file this brings nothing" in facts["sparsity_brings"]
    )


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name in ("a.safetensors", "a.onnx"):
        (tmp_path / name).write_bytes(b"no such thing")
        assert cli.main(["sparsity", str(tmp_path / name)]) == 2
    with pytest.raises(ExportError, match=r"expected a checkpoint .* or a model"):
        report_of(tmp_path / "a.pt")


def test_a_recipe_that_would_break_its_masks_is_refused() -> None:
    base = recipe("efficientlite0-gfl-320-live")
    held = replace(base.stages[0], name="held", sparse=SparsityConfig())
    assert replace(base, stages=(base.stages[0], held)).is_sparse
    with pytest.raises(ConfigError, match="stage all would fill what the masks of stage held took away"):
        replace(base, stages=(held, base.stages[0]))
    with pytest.raises(ConfigError, match="keep would mix weights without masks in"):
        replace(base, stages=(held,), init="m.safetensors", keep=0.5)
    with pytest.raises(ConfigError, match="a mask needs a detector whose weights all learn"):
        replace(held, trains=("rest",))

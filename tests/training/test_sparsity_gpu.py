# ruff: noqa: E402 - what needs torch is imported after the skip
"""Dead channels and weights by hand; what 2:4 brings on a GPU, and the word where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch import nn

from tests.training.sets import coloured_set
from tests.training.tiny import CACHE
from tests.training.tiny_families import LITE
from training import cli
from training.errors import ExportError
from training.export.fold import fold
from training.models.activations import ACTIVATIONS, activation
from training.models.detector import Detector, save_model
from training.models.families import FORMS
from training.recipes import RECIPES, recipe
from training.sparsity import commands
from training.sparsity.bench import (
    Product,
    SparseReport,
    agree,
    as_products,
    bench_sparse,
    products_of,
    prune,
)
from training.sparsity.dead import Dead, find_dead, slopes, table
from training.sparsity.pattern import SparsityConfig, broken_groups, eligible_weights


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_slopes_of_activations_are_differences(name: str) -> None:
    x = torch.tensor([-8.0, -2.5, -0.5, 0.5, 2.5, 5.0, 8.0], dtype=torch.float64)
    act, step = activation(name), 1e-6
    kept = x.clone()
    wanted = (act(x + step) - act(x - step)) / (2 * step)
    assert torch.allclose(slopes(act, x), wanted, atol=1e-6)
    assert torch.equal(x, kept)


def closed(model: Detector) -> Detector:
    """Two channels of an expansion are cut off, one is saturated; all others stay around 1."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.constant_(norm.weight, 0.1)
        nn.init.constant_(norm.bias, 1.0)
    norm = model.backbone.layers[2].expand[1]
    with torch.no_grad():
        norm.weight[:3] = 0
        norm.bias[:3] = torch.tensor([-1.0, -2.0, 7.0])
    return model


@pytest.mark.parametrize(("act", "dead"), [("relu6", 3), ("relu", 2), ("silu", 0), ("mish", 0)])
def test_channels_that_no_picture_opens_are_dead(act: str, dead: int) -> None:
    torch.manual_seed(3)
    model = closed(Detector(replace(LITE, act=act)))
    pictures = [torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8) for _ in range(2)]
    found = {one.name: one for one in find_dead(model, pictures)}
    layer = found["backbone.layers.2.expand.2"]
    assert (layer.kind, layer.total) == (type(activation(act)).__name__, 96)
    assert layer.dead == dead
    # what leads into a channel without slope learns nothing: its 16 inputs, here all of its row
    into = found["backbone.layers.2.expand.0.weight"]
    assert into.kind == "weights"
    assert into.total == 96 * 16
    # a norm whose gain is 0 lets no gradient through either, whatever the activation
    assert into.dead == 3 * 16
    text = table(list(found.values()), 4)
    assert "dead on all 4 pictures" in text
    assert model.training


def test_masked_weights_are_not_counted() -> None:
    torch.manual_seed(3)
    model = prune(Detector(LITE))
    found = {one.name: one for one in find_dead(model, [torch.full((1, 64, 64, 3), 90, dtype=torch.uint8)])}
    for name, weight in eligible_weights(model, SparsityConfig()).items():
        assert found[name].total == int((weight != 0).sum()) <= weight.numel() // 2


def test_the_table_sums_channels_and_weights_apart() -> None:
    rows = [
        Dead(name="a", kind="ReLU", total=8, dead=2),
        Dead(name="b", kind="ReLU", total=8, dead=0),
        Dead(name="c", kind="weights", total=1000, dead=5),
    ]
    lines = table(rows, 3).splitlines()
    assert lines[1].split() == ["a", "ReLU", "8", "2", "25.00%"]
    assert lines[-2] == "dead on all 3 pictures: 2 of 16 channels of activations (12.500 %)"
    assert lines[-1] == "dead on all 3 pictures: 5 of 1000 weights that are not zero (0.500 %)"


def test_the_command_looks_at_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations, pictures = coloured_set(tmp_path, 6)
    path, base = tmp_path / "w.safetensors", recipe("efficientlite0-gfl-320")
    monkeypatch.setitem(RECIPES, "tiny", lambda: replace(base, model=LITE, caches=(CACHE,)))
    torch.manual_seed(0)
    save_model(Detector(LITE), path)
    looked = ["--annotations", str(annotations), "--images", str(pictures), "--count", "3"]
    monkeypatch.setattr(commands, "BATCH", 2)
    assert cli.main(["sparsity", str(path), "--recipe", "tiny", *looked]) == 0
    assert "dead on all 3 pictures" in capsys.readouterr().out
    assert cli.main(["sparsity", str(path), *looked]) == 2
    assert "need --recipe, --annotations and --images together" in capsys.readouterr().err


def test_a_1x1_convolution_is_a_product() -> None:
    """Any outputs: the product is filled up to a multiple of sixteen."""
    torch.manual_seed(1)
    plain = fold(prune(Detector(LITE))).eval()
    x = torch.rand(2, 3, 64, 96)
    products = as_products(plain, lambda weight: weight)
    with torch.no_grad():
        for got, wanted in zip(products(x), plain(x), strict=True):
            assert torch.allclose(got, wanted, atol=1e-4)


def test_sizes_of_products_are_the_models() -> None:
    sizes = products_of(FORMS["efficientlite1-gfl2"].network(), 416, 16)
    assert sum(size.layers for size in sizes) == 46
    assert Product(outputs=1152, inputs=192, columns=16 * 13 * 13, layers=5) in sizes
    assert all(size.outputs % 8 == 0 and size.inputs % 16 == 0 for size in sizes)


def test_results_that_differ_are_an_error() -> None:
    agree(torch.ones(3), torch.full((3,), 1.01), "it")
    with pytest.raises(ExportError, match=r"it: the sparse result differs .* by 50\.0 %"):
        agree(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 2.0]), "it")


def test_the_report_in_words() -> None:
    size = Product(outputs=8, inputs=16, columns=100, layers=2, dense_us=30.0, sparse_us=20.0)
    text = SparseReport(device="a GPU", batch=16, products=(size,), model_ms=(4.0, 5.0, 2.0)).table()
    assert "1.50 times as fast" in text
    assert text.endswith("2.00 ms as 2:4 products (2.00 times as fast as by convolutions)")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_without_a_gpu_one_line_says_what_is_needed(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench-sparse", "--device", device]) == 2
    said = capsys.readouterr()
    need = "an NVIDIA GPU of compute capability 8.0 or higher (Ampere and later)"
    assert said.err == f"error: bench-sparse needs {need}: there is none on device {device}\n"
    assert said.out == ""


def test_other_networks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench-sparse", "yolo"]) == 2
    assert "network 'yolo' is unknown: choose among mobilenet-yolo" in capsys.readouterr().err


@pytest.mark.gpu
def test_the_bench_on_a_gpu() -> None:
    report = bench_sparse(FORMS["efficientlite0-gfl"].network(), 320, 4)
    assert report.products
    assert all(one.dense_us > 0 and one.sparse_us > 0 for one in report.products)
    assert np.isfinite(report.model_ms).all()


def test_pruning_obeys() -> None:
    weights = eligible_weights(prune(Detector(LITE)), SparsityConfig()).values()
    assert not any(broken_groups(weight) for weight in weights)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""Public starts with folded norms, and anchors from boxes."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import load_file, save_file

from tests.training.tiny import CACHE, LABELS, PLAIN, TinyData
from tests.training.tiny_families import write_imagenet_start, write_tuned_start
from training import cli
from training.data.anchors import cluster, drawn_sides, levels_of, report, shape_iou
from training.data.cache import draw_order
from training.errors import CheckpointError, DataError
from training.models.efficientnet_lite import EfficientNetLite
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.shapes import YoloConfig
from training.models.starts import begin, load_folded, settle_norms


def plain(start: Path, layers: int, x: torch.Tensor) -> torch.Tensor:
    """The first layers of a start without residuals, as the file says: RGB / 127.5 - 1 and ReLU6."""
    state = load_file(start)
    out = 2 * x.flip(1) - 1
    for k in range(layers):
        weight, bias = state[f"{k:02}_conv.weight"].float(), state[f"{k:02}_conv.bias"].float()
        groups = len(weight) if weight.shape[1] == 1 and k else 1
        stride = 2 if k == 0 else 1
        out = torch.nn.functional.conv2d(out, weight, bias, stride, weight.shape[-1] // 2, 1, groups)
        if k != 2:  # the first projection has no activation
            out = out.clamp(0, 6)
    return out


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return write_imagenet_start(tmp_path_factory.mktemp("start") / "v2.safetensors", MobileNetV2())


@pytest.mark.parametrize("training", [False, True])
def test_a_started_backbone_computes_what_the_start_does(start: Path, training: bool) -> None:
    """In evaluation, and in training on the pictures that its norms were settled on."""
    torch.manual_seed(1)
    backbone, image = MobileNetV2(), torch.rand(4, 3, 32, 32)
    norms = load_folded(backbone, start)
    settle_norms(backbone, norms, image)
    backbone.train(training)
    with torch.no_grad():
        got = backbone.layers[1](backbone.layers[0](image))
    wanted = plain(start, 3, image)
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))  # black borders differ
    assert torch.allclose(got[inner], wanted[inner], rtol=1e-3, atol=2e-3)


def test_lite_takes_the_layers_that_it_shares(start: Path) -> None:
    backbone = EfficientNetLite(0, "relu")
    begin(backbone, start, torch.randint(0, 255, (2, 64, 64, 3), dtype=torch.uint8))
    state = load_file(start)
    # stem, depthwise, projection, then expansion, depthwise, projection of two bottlenecks
    taken = [backbone.layers[1].depth[0], backbone.layers[2].expand[0], backbone.layers[3].project[0]]
    for conv, k in zip(taken, (1, 3, 8), strict=True):
        assert torch.equal(conv.weight, state[f"{k:02}_conv.weight"].float())
    assert not torch.equal(backbone.layers[4].expand[0].weight, state["09_conv.weight"].float())


def test_mobilenetv1_takes_its_own_start(tmp_path: Path) -> None:
    torch.manual_seed(2)
    path = write_imagenet_start(tmp_path / "v1.safetensors", MobileNetV1(0.25))
    backbone = MobileNetV1(0.25)
    assert len(load_folded(backbone, path)) == 27
    with torch.no_grad():
        taps = backbone.eval()(torch.rand(1, 3, 64, 64))
    assert all(torch.isfinite(tap).all() for tap in taps)


def test_a_start_of_another_network_is_named_layer_by_layer(start: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"does not fit MobileNetV1: 02_conv is \(16, 32, 1, 1\), exp.*03_c"
    ):
        load_folded(MobileNetV1(1.0), start)
    short = {k: v for k, v in load_file(start).items() if int(k[:2]) < 20}
    save_file(short, tmp_path / "short.safetensors")
    with pytest.raises(CheckpointError, match="20 layers, expected at least 51"):
        load_folded(MobileNetV2(), tmp_path / "short.safetensors")
    with pytest.raises(CheckpointError, match=r"01_conv is \(32, 32, 1, 1\)"):
        load_folded(EfficientNetLite(0), write_tuned_start(tmp_path / "tuned.safetensors"))
    save_file({"conv.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"expected keys such as 00_conv\.weight"):
        load_folded(MobileNetV2(), tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="can be read"):
        load_folded(MobileNetV2(), tmp_path / "none.safetensors")


def as_timm(backbone: EfficientNetLite) -> dict[str, torch.Tensor]:
    """A backbone's tensors under timm's names, for RGB by ImageNet's mean and deviation."""
    state = {}
    stem, first, *rest = backbone.layers
    parts = {"conv_stem": stem[0], "bn1": stem[1]}
    parts |= {
        "blocks.0.0.conv_dw": first.depth[0],
        "blocks.0.0.bn1": first.depth[1],
        "blocks.0.0.conv_pw": first.project[0],
        "blocks.0.0.bn2": first.project[1],
    }
    for k, block in enumerate(rest):
        names = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")
        modules = (*list(block.expand)[:2], *list(block.depth)[:2], *block.project)
        parts |= {f"blocks.1.{k}.{name}": module for name, module in zip(names, modules, strict=True)}
    for name, module in parts.items():
        state |= {f"{name}.{field}": value.clone() for field, value in module.state_dict().items()}
    return state


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("lite0.safetensors", ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
        ("tf_lite0.safetensors", ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
    ],
)
def test_a_start_of_timm_computes_the_same_from_our_input(tmp_path: Path, name: str, colours: tuple) -> None:
    torch.manual_seed(4)
    theirs, ours = EfficientNetLite(0).eval(), EfficientNetLite(0).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    state = as_timm(theirs) | {"classifier.weight": torch.zeros(3, 3), "conv_head.weight": torch.zeros(3, 3)}
    save_file(state, tmp_path / name)
    begin(ours, tmp_path / name)
    image = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v)[:, None, None] for v in colours)
    with torch.no_grad():
        got = ours.layers[0](image)
        wanted = theirs.layers[0]((image.flip(1) - mean) / std)
        assert torch.allclose(got[..., 1:, 1:], wanted[..., 1:, 1:], atol=1e-4)  # without the black border
        deep = [layer.project[0].weight for layer in (ours.layers[16], theirs.layers[16])]
    assert torch.equal(*deep)
    with pytest.raises(CheckpointError, match=r"does not fit EfficientNetLite: blocks\.1\.2\.conv_dw is "):
        begin(EfficientNetLite(1), tmp_path / name)


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("mobilenet_v1_0.75", MobileNetV1(0.75)),
        ("mobilenet_v2_1.0", MobileNetV2()),
        ("mobilenet_v2_1.0", EfficientNetLite(1)),
    ],
    ids=["v1", "v2", "lite1"],
)
def test_the_real_starts_fit(shared: Path, name: str, network: torch.nn.Module) -> None:
    norms = load_folded(network, shared / "data" / "weights" / f"{name}_imagenet.safetensors")
    assert len(norms) == {MobileNetV1: 27, MobileNetV2: 51, EfficientNetLite: 9}[type(network)]


def test_shapes_overlap_as_by_hand() -> None:
    got = shape_iou(np.array([[10.0, 10.0], [20.0, 5.0]]), np.array([[10.0, 20.0], [20.0, 5.0]]))
    assert got.tolist() == [[0.5, 50 / 150], [50 / 250, 1.0]]


def test_anchors_are_the_shapes_that_are_there() -> None:
    rng = np.random.default_rng(0)
    shapes = np.array([[8, 20], [30, 30], [100, 60]], float)
    sides = np.concatenate([shape * rng.uniform(0.97, 1.03, (40, 2)) for shape in shapes])
    anchors = cluster(sides, 3)
    assert np.allclose(anchors, shapes, rtol=0.02)
    assert levels_of(anchors) == (((8, 20),), ((30, 30),), ((100, 60),))
    assert "above 0.5 for 100.0 %" in report(sides, anchors)
    assert np.array_equal(anchors, cluster(sides, 3))


def test_anchors_from_too_few_boxes_are_refused() -> None:
    with pytest.raises(DataError, match="9 need at least 90 boxes, but there are 89: label more pictures"):
        cluster(np.random.default_rng(0).uniform(5, 50, (89, 2)), 9)
    with pytest.raises(DataError, match="only 1 different shapes"):
        cluster(np.full((90, 2), 7.0), 9)


def test_boxes_of_views_are_drawn_without_their_pixels(tiny: TinyData) -> None:
    order = draw_order(tiny.records, CACHE, LABELS.labels)[:20]
    sides = drawn_sides(tiny.records, order, PLAIN, CACHE)
    assert len(sides) > 30
    # people of 16 x 34 and cars of 36 x 20 on views of their own size, 0.8 to 1.1 times as large
    tall = sides[:, 1] > sides[:, 0]
    assert 0.4 < tall.mean() < 0.6
    assert sides.max() < 1.1 * 36 * np.exp(0.12) + 1


def test_the_command_prints_anchors_as_a_recipe_takes_them(
    tiny: TinyData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["mobilenet-yolo-320", "--data", str(tiny.folder), "--out", str(tmp_path), "--views", "200"]
    assert cli.main(["anchors", *options]) == 0
    line, text = capsys.readouterr().out.splitlines()
    anchors = ast.literal_eval(line.removeprefix("anchors="))
    assert YoloConfig(anchors=anchors).anchors == anchors
    assert "mean IoU with the best anchor 0." in text
    assert cli.main(["anchors", *options, "--count", "4"]) == 2
    assert "--count is a multiple of 3" in capsys.readouterr().err
    assert cli.main(["anchors", *options[:-1], "5"]) == 2
    assert "9 need at least 90 boxes" in capsys.readouterr().err

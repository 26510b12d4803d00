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
from training.errors import CheckpointError, ConfigError, DataError
from training.models.backbone import MobileNetV2 as TunedMobileNetV2
from training.models.blocks import Bottleneck
from training.models.efficientnet_lite import EfficientNetLite
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.shapes import HybridConfig, LiteConfig, YoloConfig
from training.models.staged import StagedBackbone
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


STAGES = {  # blocks of timm's stages, and their strides, as far as these networks go
    "v1": ((1, 2, 2, 6, 2), (1, 2, 2, 2, 2)),
    "v2": ((1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1)),
    "lite": ((1, 2, 2, 3, 3, 4, 1), (1, 2, 2, 2, 1, 2, 1)),
}
HALF, IMAGENET = ((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
UNTIL = 3  # stages up to the tap at stride 8
INNER = (..., slice(5, None), slice(5, None))  # black borders differ


def as_timm(backbone: StagedBackbone, blocks: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """A backbone's tensors under timm's names, and what else is in such a file."""
    stem, *rest = backbone.layers
    places = [(stage, k) for stage, count in enumerate(blocks) for k in range(count)]
    parts = {"conv_stem": stem[0], "bn1": stem[1]}
    for (stage, k), block in zip(places, rest, strict=True):
        if isinstance(block, Bottleneck) and isinstance(block.expand, torch.nn.Identity):
            pairs, names = (block.depth, block.project), ("conv_dw", "bn1", "conv_pw", "bn2")
        elif isinstance(block, Bottleneck):
            pairs = (block.expand, block.depth, block.project)
            names = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")
        else:
            pairs, names = tuple(block), ("conv_dw", "bn1", "conv_pw", "bn2")
        modules = [module for pair in pairs for module in (pair[0], pair[1])]
        parts |= {f"blocks.{stage}.{k}.{name}": m for name, m in zip(names, modules, strict=True)}
    state = {"classifier.weight": torch.zeros(3, 3), "conv_head.weight": torch.zeros(3, 3)}
    for name, module in parts.items():
        state |= {f"{name}.{field}": value.clone() for field, value in module.state_dict().items()}
    return state


def as_timm_computes(
    state: dict[str, torch.Tensor], kind: str, image: torch.Tensor, eps: float
) -> torch.Tensor:
    """Picture (B, 3, H, W), normalised RGB, to stride 8, by torch's functions and the names alone."""

    def layer(x: torch.Tensor, conv: str, bn: str, stride: int = 1, act: bool = True) -> torch.Tensor:
        w = state[f"{conv}.weight"]
        groups = len(w) if w.shape[1] == 1 else 1
        x = torch.nn.functional.conv2d(x, w, None, stride, w.shape[-1] // 2, 1, groups)
        mean, var = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        x = torch.nn.functional.batch_norm(
            x, mean, var, state[f"{bn}.weight"], state[f"{bn}.bias"], False, 0.0, eps
        )
        return x.clamp(0, 6) if act else x

    x = layer(image, "conv_stem", "bn1", 2)
    for stage, (count, stride) in enumerate(list(zip(*STAGES[kind], strict=True))[:UNTIL]):
        for k in range(count):
            at, step, before = f"blocks.{stage}.{k}.", stride if k == 0 else 1, x
            if f"{at}conv_pwl.weight" in state:
                x = layer(x, f"{at}conv_pw", f"{at}bn1")
                x = layer(x, f"{at}conv_dw", f"{at}bn2", step)
                x = layer(x, f"{at}conv_pwl", f"{at}bn3", act=False)
            else:
                x = layer(x, f"{at}conv_dw", f"{at}bn1", step)
                x = layer(x, f"{at}conv_pw", f"{at}bn2", act=kind == "v1")
            x = x + before if kind != "v1" and step == 1 and x.shape == before.shape else x
    return x


@pytest.mark.parametrize(
    ("name", "kind", "colours", "eps"),
    [
        ("efficientnet_lite0.ra_in1k.safetensors", "lite", IMAGENET, 1e-5),
        ("tf_efficientnet_lite0.in1k.safetensors", "lite", HALF, 1e-3),
        ("mobilenetv1_100.safetensors", "v1", HALF, 1e-5),
        ("mobilenetv2_100.ra_in1k.safetensors", "v2", IMAGENET, 1e-5),
    ],
)
def test_a_start_of_timm_computes_what_timms_network_does(
    tmp_path: Path, name: str, kind: str, colours: tuple, eps: float
) -> None:
    """From our input, with timm's colours and the epsilon of its norms."""
    made = {"lite": EfficientNetLite, "v1": lambda: MobileNetV1(0.25), "v2": lambda: MobileNetV2(0.5)}[kind]
    torch.manual_seed(4)
    theirs, ours = made().eval(), made().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.003, 0.3)
            torch.nn.init.uniform_(module.weight, 0.2, 0.6)
    state = as_timm(theirs, STAGES[kind][0])
    save_file(state, tmp_path / name)
    begin(ours, tmp_path / name)
    image = torch.rand(2, 3, 96, 96)
    mean, std = (torch.tensor(v)[:, None, None] for v in colours)
    with torch.no_grad():
        got = ours(image)[0]
        wanted, wrong = (
            as_timm_computes(state, kind, (image.flip(1) - mean) / std, e) for e in (eps, 1e-3 + 1e-5 - eps)
        )
    assert torch.allclose(got[INNER], wanted[INNER], rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))
    assert float((got - wrong)[INNER].abs().max()) > 0.02 * float(wanted.abs().max())


def test_a_start_of_timm_that_does_not_fit_is_named_layer_by_layer(tmp_path: Path) -> None:
    path = tmp_path / "efficientnet_lite0.ra_in1k.safetensors"
    state = as_timm(EfficientNetLite(0), STAGES["lite"][0])
    save_file(state, path)
    with pytest.raises(
        CheckpointError,
        match=r"does not fit EfficientNetLite: blocks\.2\.0\.conv_dw\.weight is \(144, 1, 5, 5\), ",
    ):
        begin(EfficientNetLite(1), path)
    whole = dict(state)
    del state["blocks.3.0.bn2.running_var"]
    save_file(state, path)
    with pytest.raises(CheckpointError, match=r"Lite: blocks\.3\.0\.bn2\.running_var is missing\. Take"):
        begin(EfficientNetLite(0), path)
    with pytest.raises(CheckpointError, match=r"timm's, such as conv_stem\.weight, are for networks with"):
        TunedMobileNetV2().load_start(path)
    path = tmp_path / "model.safetensors"
    save_file(whole, path)
    with pytest.raises(CheckpointError, match=r"its name does not say which.*give it timm's name"):
        begin(EfficientNetLite(0), path)


def test_a_tuned_start_that_does_not_fit_is_named_layer_by_layer(tmp_path: Path) -> None:
    path = write_tuned_start(tmp_path / "tuned.safetensors")
    state = load_file(path)
    assert torch.equal(TunedMobileNetV2().load_start(path).stem.weight, state["00_conv.weight"])
    state["03_conv.weight"], state["05_conv.weight"] = torch.zeros(8, 8, 1, 1), torch.zeros(3)
    state["07_conv.bias"] = torch.zeros(2)
    save_file(state, path)
    wrong = (
        r"does not fit MobileNetV2: 03_conv is \(8, 8, 1, 1\), expected \(16, 32, 1, 1\); 05_conv is \(3,\), "
        r".*; 07_conv\.bias is \(2,\), expected \(144,\)\. Take a start"
    )
    with pytest.raises(CheckpointError, match=wrong):
        TunedMobileNetV2().load_start(path)
    save_file({k: v for k, v in load_file(path).items() if k[:2] < "03"}, path)
    with pytest.raises(CheckpointError, match="3 convolutions, expected 52"):
        TunedMobileNetV2().load_start(path)


def test_a_width_without_channels_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a factor above 0"):
        MobileNetV2(0.0)
    with pytest.raises(ConfigError, match=r"width 0\.7 leaves 22\.4 of 32 channels"):
        MobileNetV1(0.7)
    assert all(channels % 8 == 0 for channels in MobileNetV2(0.7).channels)
    message = "is 100 channels, which eight does not divide: choose 96 or 104"
    for make in (HybridConfig, LiteConfig):
        with pytest.raises(ConfigError, match=f"width {message}"):
            make(width=100)
    with pytest.raises(ConfigError, match=f"widths {message}"):
        YoloConfig(widths=(64, 100, 256))
    with pytest.raises(ConfigError, match=r"width is 0 channels.* choose 8 or 16"):
        HybridConfig(width=0)


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

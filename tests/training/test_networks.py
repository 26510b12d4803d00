# ruff: noqa: E402 - what needs torch is imported after the skip
"""The papers' networks: parameters as counted independently, shapes, and parts computed by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

import torch.nn.functional as F
from torch import nn

from training.errors import ConfigError
from training.models.activations import ACTIVATIONS, activation
from training.models.additive_pan import AdditivePAN
from training.models.backbone import LOW_BLOCKS
from training.models.blocks import rounded
from training.models.count import parameters_of, size_of
from training.models.detector import Detector
from training.models.efficientnet_lite import EfficientNetLite
from training.models.families import FORMS
from training.models.mobilenet_v1 import MobileNetV1
from training.models.mobilenet_v2 import MobileNetV2
from training.models.references import REFERENCES
from training.models.shapes import HybridConfig, LiteConfig, YoloConfig
from training.models.show import sizes, table
from training.models.towers import QualityPredictor
from training.models.yolo_neck import PooledContext, YoloNeck

SILU = LiteConfig(backbone="mobilenetv2-tuned", classes=6, act="silu")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mobilenet-yolo", 7_200_849),
        ("efficientlite0-gfl", 3_100_112),
        ("efficientlite1-gfl", 3_995_124),
        ("efficientlite1-gfl2", 3_995_124 + 4_227),  # the quality branch of three levels
        ("mobilenet-yolo-pooled", 7_200_849 + 768 * 768 + 2 * 768),
        # 1x1 256 -> 64 with its batch norm, and 64 more channels into the 1x1 that follows
        ("mobilenet-yolo-extra", 7_200_849 + 256 * 64 + 2 * 64 + 64 * 64),
    ],
)
def test_parameters_are_those_of_the_papers(name: str, parameters: int) -> None:
    form = FORMS[name]
    assert parameters_of(form.network()) == parameters


def test_separable_convolutions_save_what_they_should() -> None:
    plain, light = (Detector(YoloConfig(separable=separable)) for separable in (False, True))
    full = 256 * 512 * 9  # three such convolutions stand in the deepest stage, two in the neck
    depthwise = 256 * 9 + 2 * 256 + 256 * 512
    assert parameters_of(plain) - parameters_of(light) == 3 * (full - depthwise)


def test_sizes_of_the_papers() -> None:
    with_six = sizes(6)
    assert with_six["mobilenet-yolo"][0].mb == pytest.approx(28.65, abs=0.01)
    assert with_six["efficientlite0-gfl"][0].mb <= 13
    assert with_six["efficientlite1-gfl2"][0].mb <= 16
    assert set(with_six) == {*FORMS, *REFERENCES, "mobilenetv2-gfl"}
    assert table(with_six).count("\n") == len(with_six)


def test_operations_are_counted_as_by_hand() -> None:
    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Conv2d(3, 5, 3, 2, 1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x)

    size = size_of(Tiny(), 8)
    assert size.gflops == pytest.approx(2 * 4 * 4 * 5 * 27 / 1e9)
    assert size.parts == {"head": 135}


@pytest.mark.parametrize("name", FORMS)
def test_every_network_gives_maps_of_the_right_shape(name: str) -> None:
    network = FORMS[name].network(6).eval()
    with torch.no_grad():
        raw = network(torch.zeros(2, 3, 64, 96))
    assert [tuple(x.shape[2:]) for x in raw] == [(8, 12), (4, 6), (2, 3)]
    channels = {x.shape[1] for x in raw}
    if "yolo" in name:
        assert channels == {3 * (5 + 6)}
    elif "lite0" in name:
        assert channels == {6 + 4 * 8}
    else:
        assert channels == {6 + 4 * 11 + name.endswith("2")}


@pytest.mark.parametrize(
    ("backbone", "channels"),
    [
        (MobileNetV1(0.75), (192, 384, 768)),
        (MobileNetV1(0.25), (64, 128, 256)),
        (MobileNetV2(1.0), (32, 96, 320)),
        (MobileNetV2(0.75), (24, 72, 240)),
        (EfficientNetLite(0), (40, 112, 320)),
        (EfficientNetLite(2), (48, 120, 352)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_taps_have_the_channels_they_name(backbone: nn.Module, channels: tuple[int, ...]) -> None:
    taps = backbone.eval()(torch.zeros(1, 3, 64, 64))
    assert backbone.channels == channels
    assert [tuple(tap.shape[1:]) for tap in taps] == [
        (c, side, side) for c, side in zip(channels, (8, 4, 2), strict=True)
    ]


def test_low_and_high_together_are_the_whole() -> None:
    torch.manual_seed(0)
    backbone, image = EfficientNetLite(0).eval(), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        tap8 = backbone.low(image)
        for ours, whole in zip([tap8, *backbone.high(tap8)], backbone(image), strict=True):
            assert torch.equal(ours, whole)


def test_additive_pan_adds() -> None:
    pan = AdditivePAN(1, (1, 1, 1)).eval()
    for lateral in pan.lateral:
        nn.init.ones_(lateral[0].weight)
        lateral[1].eps = 0.0
    taps = [torch.full((1, 1, side, side), value) for side, value in ((8, 1.0), (4, 10.0), (2, 100.0))]
    with torch.no_grad():
        p8, p16, p32 = pan(taps)
    assert torch.allclose(p8, torch.tensor(111.0))  # 1 + 10 + 100
    assert torch.allclose(p16, torch.tensor(221.0))  # 110 + 111
    assert torch.allclose(p32, torch.tensor(321.0))  # 100 + 221


def test_pooled_context_adds_the_same_everywhere() -> None:
    context, x = PooledContext(4, "relu").eval(), torch.rand(1, 4, 3, 5)
    with torch.no_grad():
        added = context(x) - x
    assert torch.allclose(added, added[:, :, :1, :1].expand_as(added), atol=1e-6)


def test_the_further_path_reaches_stride_8_from_the_deepest_map() -> None:
    neck = YoloNeck((8, 8, 8), (8, 8, 8), pooled=False, extra=True).eval()
    taps = [torch.zeros(1, 8, side, side) for side in (16, 8, 4)]
    with torch.no_grad():
        before = neck(taps)[0]
        neck.up8[0].weight.zero_()  # the usual way is shut
        taps[2] = torch.rand(1, 8, 4, 4)
        assert not torch.allclose(neck(taps)[0], before)


def test_quality_reads_the_distributions_alone() -> None:
    torch.manual_seed(0)
    judge = QualityPredictor().eval()
    flat, sharp = torch.zeros(1, 4 * 8, 1, 1), torch.zeros(1, 4 * 8, 1, 1)
    sharp[:, ::8] = 20.0
    with torch.no_grad():
        read = torch.full((1, 20, 1, 1), 1 / 8)  # the four highest of a flat side, and their mean
        assert torch.allclose(judge(flat), judge.net(read))
        assert not torch.allclose(judge(flat), judge(sharp))
        assert torch.allclose(judge(flat + 3), judge(flat), atol=1e-6)  # softmax forgets what all share


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_what_they_are_called(name: str) -> None:
    x = torch.tensor([-2.0, 0.0, 8.0])
    wanted = {
        "relu": x.clamp(min=0),
        "relu6": x.clamp(0, 6),
        "leaky": torch.where(x > 0, x, 0.1 * x),
        "silu": x / (1 + (-x).exp()),
        "mish": x * torch.tanh(torch.log(1 + x.exp())),
        "hswish": x * (x + 3).clamp(0, 6) / 6,
    }
    assert torch.allclose(activation(name)(x.clone()), wanted[name], atol=1e-5)


def test_what_cannot_be_built_is_said() -> None:
    with pytest.raises(ConfigError, match="'gelu' is unknown: choose one of relu, relu6"):
        Detector(LiteConfig(act="gelu"))
    with pytest.raises(ConfigError, match=r"width 0\.7 leaves 22\.4 of 32 channels"):
        Detector(YoloConfig(width=0.7))
    with pytest.raises(ConfigError, match="Lite5 is not built here"):
        EfficientNetLite(5)
    with pytest.raises(ConfigError, match="network 'yolo9' is unknown"):
        sizes(6, ["yolo9"])


def test_rounding_never_loses_more_than_a_tenth() -> None:
    for channels in range(8, 400, 4):
        for width in (0.35, 0.5, 0.75, 1.1, 1.4):
            whole = rounded(channels, width)
            assert whole % 8 == 0
            assert whole >= 0.9 * channels * width


def test_every_network_learns_one_batch() -> None:
    """A step downhill lowers the error: gradients reach the first layer of each family."""
    for name in ("mobilenet-yolo-full", "efficientlite0-gfl", "efficientlite1-gfl2"):
        torch.manual_seed(0)
        network = FORMS[name].network(2).train()
        image, optimizer = torch.rand(2, 3, 64, 64), torch.optim.SGD(network.parameters(), 1e-3)
        errors = []
        for _ in range(4):
            error = sum((x.sigmoid() - 0.7).square().mean() for x in network(image))
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            errors.append(error.item())
        first = next(network.backbone.parameters())
        assert first.grad is not None
        assert first.grad.abs().sum().item() > 0, name
        assert errors[-1] < errors[0], name


@pytest.mark.parametrize(("levels", "strides"), [(3, (8, 16, 32)), (4, (8, 16, 32, 64))])
def test_the_concatenating_neck_has_a_fourth_level_where_it_is_wanted(
    levels: int, strides: tuple[int, ...]
) -> None:
    config = LiteConfig(width=16, depth=1, classes=2, quality=True, act="silu", neck="concat", levels=levels)
    raw = Detector(config).eval()(torch.rand(1, 3, 64, 128))
    assert [tuple(x.shape[-2:]) for x in raw] == [(64 // s, 128 // s) for s in strides]
    assert {x.shape[1] for x in raw} == {2 + 4 * 8 + 1}
    assert Detector(config).reading.strides == strides


def test_a_neck_without_the_levels_is_refused() -> None:
    with pytest.raises(ConfigError, match="levels is 4: the additive neck has 3"):
        LiteConfig(levels=4)
    with pytest.raises(ConfigError, match="variant is 1, but the backbone is MobileNetV2"):
        LiteConfig(variant=1, backbone="mobilenetv2-tuned")


def test_the_tuned_backbone_takes_another_activation_above_stride_8_only() -> None:
    plain, silu = Detector(HybridConfig()).backbone, Detector(SILU).backbone
    silu.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 64, 64)
    low = plain.low(image)
    assert torch.equal(silu.low(image), low)
    first, mine = plain.blocks[LOW_BLOCKS], silu.blocks[LOW_BLOCKS]
    wanted = first.project(F.silu(first.depth(F.silu(first.expand(low)))))
    assert torch.allclose(mine(low), wanted, atol=1e-6)
    wanted = first.project(F.relu6(first.depth(F.relu6(first.expand(low)))))
    assert torch.allclose(first(low), wanted, atol=1e-6)

# ruff: noqa: E402 - what needs torch is imported after the skip
"""YOLOv3 and YOLOv4-tiny as published: layers counted by hand, sizes of the authors' weight files, shapes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from torch import nn

from training.errors import ConfigError
from training.models.count import parameters_of, size_of
from training.models.darknet53 import Darknet53
from training.models.darknet_tiny import PartialBlock
from training.models.references import REFERENCES
from training.models.show import network_of

Layer = tuple[int, int, int]  # channels in, channels out, kernel


def darknet53() -> list[Layer]:
    layers = [(3, 32, 3)]
    for cout, blocks in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        layers += [(cout // 2, cout, 3), *[(cout, cout // 2, 1), (cout // 2, cout, 3)] * blocks]
    return layers


def yolov3() -> tuple[list[Layer], list[Layer]]:
    """Convolutions with batch norm, and the last ones with bias."""
    layers, last = darknet53(), []
    for width, cin in ((512, 1024), (256, 512 + 256), (128, 256 + 128)):
        layers += [
            (cin, width, 1),
            *[(width, 2 * width, 3), (2 * width, width, 1)] * 2,
            (width, 2 * width, 3),
        ]
        last.append((2 * width, 255, 1))
    return [*layers, (512, 256, 1), (256, 128, 1)], last


def yolov4_tiny() -> tuple[list[Layer], list[Layer]]:
    layers = [(3, 32, 3), (32, 64, 3)]
    for c in (64, 128, 256):
        layers += [(c, c, 3), (c // 2, c // 2, 3), (c // 2, c // 2, 3), (c, c, 1)]
    layers += [(512, 512, 3), (512, 256, 1), (256, 512, 3), (256, 128, 1), (384, 256, 3)]
    return layers, [(512, 255, 1), (256, 255, 1)]


@pytest.mark.parametrize(
    ("name", "layers", "parameters", "file_bytes"),
    [
        ("yolov3-darknet53", yolov3, 61_949_149, 248_007_048),
        ("yolov4-tiny", yolov4_tiny, 6_056_606, 24_251_276),
    ],
)
def test_parameters_are_those_of_the_published_layers(
    name: str, layers: object, parameters: int, file_bytes: int
) -> None:
    normed, last = layers()  # type: ignore[operator]
    norms = sum(cout for _, cout, _ in normed)
    weights = sum(cin * cout * k * k for cin, cout, k in [*normed, *last])
    assert weights + 2 * norms + sum(cout for _, cout, _ in last) == parameters
    # the authors' file: a header of five numbers, and each norm's mean and variance as well
    assert 4 * (parameters + 2 * norms + 5) == file_bytes
    with torch.device("meta"):
        assert parameters_of(REFERENCES[name].network()) == parameters


@pytest.mark.parametrize(
    ("name", "gflops", "cells"), [("yolov3-darknet53", 65.86, (52, 26, 13)), ("yolov4-tiny", 6.91, (26, 13))]
)
def test_shapes_and_operations(name: str, gflops: float, cells: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = REFERENCES[name].network().eval()
        raw = network(torch.zeros(1, 3, 416, 416))
    assert [tuple(level.shape) for level in raw] == [(1, 255, side, side) for side in cells]
    assert size_of(network, 416).gflops == pytest.approx(gflops, abs=0.01)


def test_a_partial_block_passes_half_of_its_channels_by() -> None:
    block = PartialBlock(4).eval()
    nn.init.dirac_(block.enter[0].weight)
    x = torch.rand(1, 4, 3, 3)
    with torch.no_grad():
        whole, joined = block(x)
        assert torch.allclose(whole[:, :4], x, atol=1e-2)  # norms have an eps
        assert torch.equal(whole[:, 4:], joined)
        x[:, :2] = 0  # the first half reaches the tap by no convolution
        assert torch.equal(block(x)[1], joined)


def test_darknet_has_three_taps() -> None:
    taps = Darknet53(0.25).eval()(torch.zeros(1, 3, 64, 64))
    assert [tuple(tap.shape[1:]) for tap in taps] == [(64, 8, 8), (128, 4, 4), (256, 2, 2)]


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(ConfigError, match=r"'yolov9' is unknown: choose among mobilenet-yolo.*yolov4-tiny"):
        network_of("yolov9")

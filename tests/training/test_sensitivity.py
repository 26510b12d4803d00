# ruff: noqa: E402 - what needs torch is imported after the skip
"""Which layers int8 costs most, on a graph so small that one can see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("onnxruntime")

from onnx import helper, numpy_helper

from training.export.int8 import Calibration, Int8Config, calibrate
from training.export.sensitivity import group_of, measure, node_groups


def three_layers(path: Path) -> Path:
    """Stem, neck and head of one 3x3 convolution each, with names as in the exported detectors."""
    rng = np.random.default_rng(0)
    layers = {
        "/model/backbone/stem/Conv": (8, 3),
        "/model/neck/lateral.0/lateral.0.0/Conv": (8, 8),
        "/model/head/out.0/Conv": (4, 8),
    }
    values = {"scale": np.array(1 / 255, np.float32), "flat": np.array([0, 4, -1], np.int64)}
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], "/Cast", to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], "/Transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "scale"], ["x"], "/Mul"),
    ]
    before = "x"
    for name, (out, into) in layers.items():
        values[f"{name}.w"] = rng.normal(0, 0.4, (out, into, 3, 3)).astype(np.float32)
        nodes.append(helper.make_node("Conv", [before, f"{name}.w"], [f"{name}.y"], name, pads=[1, 1, 1, 1]))
        before = f"{name}.y"
    nodes += [
        helper.make_node("Reshape", [before, "flat"], ["rows"], "/Reshape"),
        helper.make_node("Transpose", ["rows"], ["logits"], "/Transpose_1", perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["logits"], ["scores"], "/Sigmoid"),
    ]
    graph = helper.make_graph(
        nodes,
        "three",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["b", "h", "w", 3])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["b", "n", 4])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def pictures(count: int = 6) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 255, (16, 24 + 8 * (k % 2), 3)).astype(np.uint8) for k in range(count)]


def clipped(calibration: Calibration) -> Calibration:
    """The stem's output far too narrow."""
    low, high = calibration.ranges["/model/backbone/stem/Conv.y"]
    narrow = {"/model/backbone/stem/Conv.y": (low / np.float32(5), high / np.float32(5))}
    return replace(calibration, ranges={**calibration.ranges, **narrow})


def test_the_worst_group_is_found(tmp_path: Path) -> None:
    source = three_layers(tmp_path / "three.onnx")
    config = replace(Int8Config(), values=512)
    calibration = calibrate(source, pictures(), config)
    good = measure(source, calibration, pictures())
    assert [(g.group, g.layers) for g in good.groups] == [
        ("stem and first 2 blocks", 1),
        ("neck", 1),
        ("head, last 1x1", 1),
    ]
    assert 0 < good.everything < 0.05
    bad = measure(source, clipped(calibration), pictures())
    stem = bad.groups[0]
    assert bad.ranked()[0] == stem.group
    assert bad.everything > 3 * good.everything
    assert stem.in_float < bad.groups[2].in_float
    assert "everything int8" in bad.table()
    assert bad.to_json()["groups"][0]["group"] == stem.group


@pytest.mark.parametrize(
    ("node", "group"),
    [
        ("/model/backbone/stem/Conv", "stem and first 2 blocks"),
        ("/model/backbone/blocks.1/depth/Conv", "stem and first 2 blocks"),
        ("/model/backbone/blocks.5/Add", "backbone to stride 8"),
        ("/model/backbone/blocks.12/project/Conv", "backbone to stride 16"),
        ("/model/backbone/blocks.13/Clip_1", "backbone to stride 32"),
        ("/model/neck/Resize", "neck"),
        ("/model/head/towers.0.1/Conv", "head, towers"),
        ("/model/head/Relu_3", "head, towers"),
        ("/model/head/out.3/Conv", "head, last 1x1"),
        ("/Softmax", None),
    ],
)
def test_groups_by_name(node: str, group: str | None) -> None:
    assert group_of(node) == group


def test_the_decoding_is_in_no_group(tmp_path: Path) -> None:
    groups = node_groups(onnx.load(three_layers(tmp_path / "three.onnx")))
    assert {name for names in groups.values() for name in names} == {
        "/model/backbone/stem/Conv",
        "/model/neck/lateral.0/lateral.0.0/Conv",
        "/model/head/out.0/Conv",
    }

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
from training.export.sensitivity import (
    LAST,
    Errors,
    GroupError,
    Sensitivity,
    always_float,
    difference,
    group_of,
    measure,
    node_groups,
)
from training.models.shapes import HybridConfig, LiteConfig, YoloConfig


def three_layers(path: Path) -> Path:
    """Stem, neck and head of one 3x3 convolution each, with names as in the exported detectors."""
    rng = np.random.default_rng(0)
    layers = {
        "/model/backbone/stem/Conv": (8, 3),
        "/model/neck/lateral.0/lateral.0.0/Conv": (8, 8),
        "/model/head/out.0/Conv": (4, 8),
    }
    values = {
        "scale": np.array(1 / 255, np.float32),
        "flat": np.array([0, 4, -1], np.int64),
        "pixels": np.array(2, np.float32),
    }
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
        helper.make_node("Mul", ["logits", "pixels"], ["boxes"], "/Mul_1"),
    ]
    graph = helper.make_graph(
        nodes,
        "three",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["b", "h", "w", 3])],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["b", "n", 4])
            for name in ("boxes", "scores")
        ],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def pictures(count: int = 6) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 255, (16, 24 + 8 * (k % 2), 3)).astype(np.uint8) for k in range(count)]


def clipped(calibration: Calibration) -> Calibration:
    """The head's output far too narrow."""
    low, high = calibration.ranges["/model/head/out.0/Conv.y"]
    narrow = {"/model/head/out.0/Conv.y": (low / np.float32(5), high / np.float32(5))}
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
    assert 0 < good.everything.scores < 0.05
    assert 0 < good.everything.boxes < 0.05
    bad = measure(source, clipped(calibration), pictures())
    stem, _, last = bad.groups
    assert bad.ranked()[0] == last.group
    assert bad.everything.scores < 2 * good.everything.scores  # sigmoids hide what boxes show
    assert bad.everything.boxes > 3 * good.everything.boxes
    assert last.in_float.boxes < 0.5 * stem.in_float.boxes
    assert last.alone.boxes > 3 * stem.alone.boxes
    kept = measure(source, calibration, pictures(), (LAST,))
    assert kept.everything == good.everything
    assert kept.groups[2] == good.groups[2]  # what it costs stands there, but it is not for choice
    assert sorted(kept.ranked()) == ["neck", stem.group]
    for one, other in zip(kept.groups[:2], good.groups[:2], strict=True):
        assert one.alone == other.alone
        assert one.in_float.beside(good.everything) < other.in_float.beside(good.everything)
    assert "everything int8" in bad.table()
    assert bad.to_json()["groups"][0]["group"] == stem.group
    assert bad.to_json()["everything_int8"]["boxes"] == bad.everything.boxes


def test_errors_are_means_where_the_float_model_sees_something() -> None:
    exact = (np.float32([[[0, 0, 40, 40], [8, 8, 16, 16]]]), np.float32([[[0.9, 0.1], [0.2, 0.1]]]))
    coarse = (np.float32([[[4, 0, 40, 44], [0, 0, 64, 64]]]), np.float32([[[0.7, 0.8], [0.9, 0.9]]]))
    assert difference([exact], [coarse], [80]) == Errors(scores=0.2, boxes=0.025)  # 8 of 4 x 80 pixels
    blind = (exact[0], exact[1] / 9)
    assert difference([blind], [coarse], [80]) == Errors(scores=0.0, boxes=0.0)


def test_boxes_count_beside_scores() -> None:
    whole = Errors(scores=0.02, boxes=0.004)
    rows = [
        GroupError(group=name, layers=1, alone=whole, in_float=Errors(scores=scores, boxes=boxes))
        for name, scores, boxes in (("neck", 0.018, 0.004), ("towers", 0.019, 0.002), (LAST, 0.001, 0.0))
    ]
    found = Sensitivity(everything=whole, groups=tuple(rows), names={}, always=(LAST,))
    assert found.ranked() == ["towers", "neck"]
    assert replace(found, always=()).ranked()[0] == LAST


def test_heads_of_anchors_keep_their_last_layers_in_float() -> None:
    assert always_float(YoloConfig()) == (LAST,)
    assert always_float(LiteConfig()) == always_float(HybridConfig()) == ()


@pytest.mark.parametrize(
    ("node", "group"),
    [
        ("/model/backbone/stem/Conv", "stem and first 2 blocks"),
        ("/model/backbone/stemmed/Clip", "stem and first 2 blocks"),
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

# ruff: noqa: E402 - what needs torch is imported after the skip
"""ONNX files run in torch: the same numbers as ONNX Runtime, at other batches and sizes, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra `train` is not installed")

from onnx import TensorProto, helper, numpy_helper

from training.errors import CheckpointError, ExportError
from training.models.backbone import MobileNetV2
from training.models.onnx_graph import OnnxGraph, read_weights


def write(path: Path, nodes: list, constants: dict[str, np.ndarray], outputs: list[str]) -> Path:
    """A network over an input `x` of 1 x 4 x 8 x 8."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 8, 8])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def made_up(path: Path) -> Path:
    """Every operator once, with a channel shuffle and a hard swish."""
    rng = np.random.default_rng(0)
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2]),
        node("Add", ["c", "three"], ["c3"]),
        node("Clip", ["c3", "zero", "six"], ["cc"]),
        node("Mul", ["c", "cc"], ["cm"]),
        node("Div", ["cm", "six"], ["swish"]),
        node("MaxPool", ["x"], ["p"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], ceil_mode=0),
        node("Concat", ["swish", "p"], ["both"], axis=1),
        node("Reshape", ["both", "shuffled"], ["r"]),
        node("Transpose", ["r"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "joined"], ["s"]),
        node("Split", ["s", "halves"], ["a", "b"], axis=1),
        node("Slice", ["s", "from", "to", "axis", "step"], ["cut"]),
        node("GlobalAveragePool", ["a"], ["mean"]),
        node("HardSigmoid", ["mean"], ["gate"], alpha=1 / 6, beta=0.5),
        node("Mul", ["b", "gate"], ["gated"]),
        node("Resize", ["gated", "", "twice"], ["near"], mode="nearest"),
        node("Resize", ["a", "", "twice"], ["smooth"], mode="linear"),
        node("LeakyRelu", ["near"], ["leaky"], alpha=0.1),
        node("Relu", ["smooth"], ["positive"]),
        node("Sigmoid", ["cut"], ["score"]),
        node("Reshape", ["score", "flat"], ["flatly"]),
        node("Transpose", ["flatly"], ["last"], perm=[0, 2, 1]),
    ]
    constants = {
        "w": rng.normal(size=(4, 4, 3, 3)).astype(np.float32),
        "three": np.array([3], np.float32),
        "zero": np.array(0, np.float32),
        "six": np.array(6, np.float32),
        "shuffled": np.array([1, 2, 4, 4, 4]),
        "joined": np.array([1, 8, 4, 4]),
        "halves": np.array([4, 4]),
        "from": np.array([2]),
        "to": np.array([5]),
        "axis": np.array([1]),
        "step": np.array([1]),
        "twice": np.array([1, 1, 2, 2], np.float32),
        "flat": np.array([1, 3, -1]),
    }
    return write(path, nodes, constants, ["leaky", "positive", "last"])


def run_ort(path: Path, x: np.ndarray) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


def test_every_operator_agrees_with_onnx_runtime(tmp_path: Path) -> None:
    path = made_up(tmp_path / "made.onnx")
    graph = OnnxGraph(path)
    x = np.random.default_rng(1).normal(size=(1, 4, 8, 8)).astype(np.float32)
    for mine, theirs in zip(graph(torch.from_numpy(x)), run_ort(path, x), strict=True):
        assert np.allclose(mine.numpy(), theirs, atol=1e-5)
    kinds = [node.kind for node in graph.nodes]
    assert "HardSwish" in kinds
    assert "Clip" not in kinds


def test_batch_and_size_are_free(tmp_path: Path) -> None:
    graph = OnnxGraph(made_up(tmp_path / "made.onnx"))
    x = torch.randn(3, 4, 16, 24)
    together = graph(x)
    assert [tuple(y.shape) for y in together] == [(3, 4, 16, 24), (3, 4, 16, 24), (3, 96, 3)]
    alone = [torch.cat(parts) for parts in zip(*(graph(row[None]) for row in x), strict=True)]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(together, alone, strict=True))
    assert graph.half().w0.dtype == torch.float16


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gelu", ["x"], ["y"])]
    with pytest.raises(ExportError, match=r"made\.onnx: operators .* Gelu"):
        OnnxGraph(write(tmp_path / "made.onnx", nodes, {}, ["y"]))
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ExportError, match=r"text\.onnx: not an ONNX file"):
        OnnxGraph(tmp_path / "text.onnx")
    with pytest.raises(ExportError, match=r"none\.onnx: not an ONNX file"):
        OnnxGraph(tmp_path / "none.onnx")


@pytest.mark.parametrize("name", ["picodet_s_416_coco.onnx", "nanodet_plus_m_416.onnx"])
def test_the_teachers_agree_with_onnx_runtime(shared: Path, name: str) -> None:
    path = shared / "data" / "weights" / name
    x = np.random.default_rng(2).normal(size=(1, 3, 416, 416)).astype(np.float32)
    for mine, theirs in zip(OnnxGraph(path)(torch.from_numpy(x)), run_ort(path, x), strict=True):
        assert np.abs(mine.numpy() - theirs).max() < 1e-3


def test_the_shipped_model_is_a_start(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "assets" / "models" / "mobilenetv2-gfl-320.onnx"
    taken = MobileNetV2().load_start(shipped).state_dict()
    weights = {k: v for k, v in read_weights(shipped).items() if k.startswith("model.backbone.")}
    assert len(taken) == len(weights) == 104
    stem = weights["model.backbone.stem.weight.half"]
    assert torch.equal(taken["stem.weight"], stem.float())
    with pytest.raises(CheckpointError, match="no backbone of ours"):
        MobileNetV2().load_start(made_up(tmp_path / "made.onnx"))

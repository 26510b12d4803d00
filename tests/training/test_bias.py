# ruff: noqa: E402 - what needs torch is imported after the skip
"""Bias correction of int8 models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import helper, numpy_helper

from training.export import int8
from training.export.bias import mean_shift
from training.export.int8 import Int8Config, calibrate, quantise


@pytest.mark.parametrize(("groups", "into", "out"), [(1, 4, 6), (4, 4, 4), (2, 4, 6)])
def test_the_mean_shift_is_what_torch_adds(groups: int, into: int, out: int) -> None:
    change = torch.randn(out, into // groups, 3, 3, dtype=torch.float64)
    mean = torch.randn(into, dtype=torch.float64)
    picture = mean[None, :, None, None].expand(1, into, 3, 3)  # constant: without borders the sum is exact
    expected = torch.nn.functional.conv2d(picture, change, groups=groups)[0, :, 0, 0]
    assert mean_shift(change.numpy(), mean.numpy()) == pytest.approx(expected.numpy())


def edge_filters(path: Path) -> Path:
    """Depthwise filters of large weights that sum to nothing, on bright pictures, with a bias."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 5, (3, 1, 3, 3))
    weights -= weights.mean((2, 3), keepdims=True)
    values = {
        "scale": np.array(1 / 255, np.float32),
        "w": weights.astype(np.float32),
        "b": np.array([0.5, -0.5, 0.1], np.float32),
        "flat": np.array([0, 3, -1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], "/Cast", to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], "/Transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "scale"], ["x"], "/Mul"),
        helper.make_node("Conv", ["x", "w", "b"], ["y"], "/model/neck/Conv", group=3),
        helper.make_node("Reshape", ["y", "flat"], ["scores"], "/Reshape"),
    ]
    graph = helper.make_graph(
        nodes,
        "edges",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ["b", "h", "w", 3])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["b", 3, "n"])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_corrected_filters_have_the_right_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = edge_filters(tmp_path / "edges.onnx")
    pictures = [np.random.default_rng(k).integers(150, 250, (24, 24, 3)).astype(np.uint8) for k in range(4)]
    calibration = calibrate(source, pictures, Int8Config(values=512))

    def means(model: Path) -> np.ndarray:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        return np.mean([session.run(None, {"image": p[None]})[0].mean((0, 2)) for p in pictures], axis=0)

    right = means(source)
    quantise(source, tmp_path / "with.onnx", calibration, ())
    monkeypatch.setattr(int8, "correct_biases", lambda *_: None)
    quantise(source, tmp_path / "without.onnx", calibration, ())
    gaps = [np.abs(means(tmp_path / f"{name}.onnx") - right) for name in ("with", "without")]
    assert gaps[0].max() < 0.03  # of values of several units: what the steps of the activations leave
    assert gaps[0].max() < 0.25 * gaps[1].max()

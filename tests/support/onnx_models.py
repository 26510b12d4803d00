"""Tiny models with an answer that one can see: they find cells of 16 x 16 pixels by their colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.card import InputSpec, ModelCard, Thresholds, sha256_of
from surveil.labels import LabelMap

COLOURS = LabelMap("colours", ("blue", "green", "red"))
SIDE, CELL = 64, 16
"""The model's input is a square of SIDE pixels with cells of CELL pixels."""


def colour_model(folder: Path, *, batch: int | str = 1, broken: bool = False, **card: Any) -> Path:
    """Write a model of the layout `surveil` and its card; returns the path of the `.onnx` file.

    A cell's score for a class is the mean of that channel / 255; its box is the cell itself.

    Args:
        folder: where both files go.
        batch: of the graph's input; a text leaves it open.
        broken: its scores are NaN.
        card: fields of the card that differ.
    """
    onnx = pytest.importorskip("onnx", reason="making a model needs the package onnx (the extra train)")
    from onnx import helper, numpy_helper

    cells = (SIDE // CELL) ** 2
    y, x = np.divmod(np.arange(cells), SIDE // CELL)
    corners = np.stack([x, y, x + 1, y + 1], axis=1)[None] * CELL
    constants = {
        "divisor": np.array(0 if broken else 255, np.float32),
        "nothing": np.array(0, np.float32),
        "flat": np.array([0, cells, 3], np.int64),
        "corners": corners.astype(np.float32),
        "first": np.array([0], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["means"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]
        ),
        helper.make_node("Transpose", ["means"], ["grid"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["grid", "flat"], ["rows"]),
        helper.make_node("Div", ["rows", "divisor"], ["scores"]),
        helper.make_node("Gather", ["rows", "first"], ["column"], axis=2),
        helper.make_node("Mul", ["column", "nothing"], ["zeros"]),
        helper.make_node("Add", ["corners", "zeros"], ["boxes"]),
    ]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [batch, SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("scores", floats, [batch, cells, 3]),
            helper.make_tensor_value_info("boxes", floats, [batch, cells, 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "colours.onnx"
    onnx.save(model, path)
    colour_card(path, **card).save(path.with_suffix(".json"))
    return path


def colour_card(path: Path, **changes: Any) -> ModelCard:
    """The card of `colour_model`, with the sha256 of the file; `changes` replace fields."""
    fields: dict[str, Any] = {
        "name": "colours",
        "file": path.name,
        "sha256": sha256_of(path),
        "licence": "Apache-2.0",
        "credits": (),
        "labels": COLOURS,
        "input": InputSpec(shapes=((SIDE, SIDE),)),
        "output": "surveil",
        "nms_iou": 0.6,
        "thresholds": Thresholds(low=0.4, high=0.6, birth=0.7, display=0.6),
    }
    return ModelCard(**(fields | changes))

"""An ONNX file as a torch module, for the operators that light detectors consist of.

It runs on any device and in any float type, at any batch and input size: teachers look at views where these
are made. Checked against ONNX Runtime in tests/training/test_onnx_graph.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training.errors import ExportError


@dataclass(frozen=True)
class Node:
    """One operator: its inputs and outputs by name ("" where an optional input is left out)."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class OnnxGraph(nn.Module):
    """Runs a network of one input and any number of outputs, inference only."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ExportError: The file is no ONNX, or holds an operator that is not known here.
        """
        super().__init__()
        nodes, constants, self.input, self.outputs = _read(path)
        self.nodes = _fuse_hardswish(nodes, constants)
        unknown = sorted({node.kind for node in self.nodes} - OPERATORS.keys())
        if unknown:
            raise ExportError(f"{path}: operators that the torch form does not know: {', '.join(unknown)}")
        program = {name for node in self.nodes if node.kind in ("Resize", "Slice") for name in node.inputs}
        used = {name for node in self.nodes for name in node.inputs} & constants.keys()
        # shapes, scales and single numbers are read by the program, weights live on the device
        read = {n for n in used if constants[n].dtype.kind != "f" or constants[n].size == 1 or n in program}
        self.constants = {name: constants[name] for name in read}
        self.weights = {name: f"w{k}" for k, name in enumerate(sorted(used - read))}
        for name, buffer in self.weights.items():
            self.register_buffer(buffer, torch.tensor(constants[name]))
        uses = Counter(name for node in self.nodes for name in node.inputs)
        uses.update(self.outputs)
        self.uses = dict(uses)

    @torch.no_grad()
    def forward(self, x: Tensor) -> list[Tensor]:
        """Input (B, C, H, W) to the network's outputs, in their order, all in the weights' float type."""
        values: dict[str, Any] = dict(self.constants) | {n: getattr(self, b) for n, b in self.weights.items()}
        values[self.input] = x.to(next(self.buffers()).dtype)
        left = dict(self.uses)
        for node in self.nodes:
            given = [values[name] if name else None for name in node.inputs]
            made = OPERATORS[node.kind](given, node.attributes)
            values.update(zip(node.outputs, made if isinstance(made, list | tuple) else [made], strict=True))
            for name in node.inputs:  # what nobody needs any more is let go
                if name:
                    left[name] -= 1
                    if left[name] == 0:
                        del values[name]
        return [values[name] for name in self.outputs]


def _load(path: Path) -> Any:
    """The model of a file."""
    import onnx  # heavy, and only teachers and exported starts need it
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path)
    except (OSError, DecodeError) as error:
        raise ExportError(f"{path}: not an ONNX file that can be read ({error})") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """The initialisers of a file by name, in the float type in which they are stored."""
    from onnx import numpy_helper

    return {t.name: torch.tensor(numpy_helper.to_array(t)) for t in _load(path).graph.initializer}


def read_metadata(path: Path) -> dict[str, str]:
    """What a file says of itself, by key."""
    return {entry.key: entry.value for entry in _load(path).metadata_props}


def _read(path: Path) -> tuple[list[Node], dict[str, NDArray[Any]], str, tuple[str, ...]]:
    """Nodes, constants, name of the input, names of the outputs."""
    from onnx import helper, numpy_helper

    graph = _load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    nodes = []
    for proto in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        if proto.op_type == "Constant":
            constants[proto.output[0]] = numpy_helper.to_array(attributes["value"])
        else:
            nodes.append(Node(proto.op_type, tuple(proto.input), tuple(proto.output), attributes))
    inputs = [value.name for value in graph.input if value.name not in constants]
    return nodes, constants, inputs[0], tuple(value.name for value in graph.output)


def _fuse_hardswish(nodes: Sequence[Node], constants: dict[str, NDArray[Any]]) -> list[Node]:
    """Write x clip(x + 3, 0, 6) / 6 as one node: four passes over a map become one."""

    def number(name: str) -> float | None:
        value = constants.get(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    maker = {output: node for node in nodes for output in node.outputs}
    uses = Counter(name for node in nodes for name in node.inputs)
    fused: dict[str, Node] = {}
    gone: set[str] = set()
    for div in nodes:
        mul = maker.get(div.inputs[0]) if div.kind == "Div" and number(div.inputs[1]) == 6 else None
        clip = maker.get(mul.inputs[1]) if mul and mul.kind == "Mul" else None
        add = maker.get(clip.inputs[0]) if clip and clip.kind == "Clip" else None
        if not (mul and clip and add and add.kind == "Add"):
            continue
        same = add.inputs[0] == mul.inputs[0] and number(add.inputs[1]) == 3
        limits = [number(name) for name in clip.inputs[1:]] == [0, 6]
        inner = [node.outputs[0] for node in (mul, clip, add)]
        if same and limits and all(uses[name] == 1 for name in inner):
            fused[div.outputs[0]] = Node("HardSwish", mul.inputs[:1], div.outputs, {})
            gone.update(inner)
    return [fused.get(node.outputs[0], node) for node in nodes if node.outputs[0] not in gone]


Given = list[Any]
Attributes = dict[str, Any]


def _conv(given: Given, a: Attributes) -> Tensor:
    x, weight, bias = given[0], given[1], given[2] if len(given) > 2 else None
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    return F.conv2d(
        x, weight, bias, a.get("strides", 1), (top, left), a.get("dilations", 1), a.get("group", 1)
    )


def _number(value: Any) -> Any:
    """A constant as a Python number where it is one."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _clip(given: Given, a: Attributes) -> Tensor:
    out: Tensor = given[0].clamp(_number(given[1]), _number(given[2]))
    return out


def _max_pool(given: Given, a: Attributes) -> Tensor:
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise ExportError("MaxPool: padding must be the same on both sides")
    return F.max_pool2d(
        given[0], a["kernel_shape"], a["strides"], (top, left), ceil_mode=bool(a["ceil_mode"])
    )


def _resize(given: Given, a: Attributes) -> Tensor:
    scales = [float(s) for s in given[2]]
    if scales[:2] != [1, 1] or a.get("coordinate_transformation_mode", b"half_pixel") != b"half_pixel":
        raise ExportError(f"Resize: scales {scales} and {a}: only images, by half-pixel centres")
    if a["mode"] == b"nearest":
        return F.interpolate(given[0], scale_factor=scales[2:], mode="nearest")
    return F.interpolate(given[0], scale_factor=scales[2:], mode="bilinear", align_corners=False)


def _reshape(given: Given, a: Attributes) -> Tensor:
    """Channels split, joined, or flattened; batch and image size are those of the input."""
    x, shape = given[0], [int(n) for n in given[1]]
    shape[0] = x.shape[0]
    if shape[-1] != -1:
        shape[-2:] = x.shape[-2:]
    out: Tensor = x.reshape(shape)
    return out


def _split(given: Given, a: Attributes) -> list[Tensor]:
    parts: list[Tensor] = list(given[0].split([int(n) for n in given[1]], a.get("axis", 0)))
    return parts


def _slice(given: Given, a: Attributes) -> Tensor:
    x, starts, ends, axes = given[:4]
    if len(given) > 4 and any(int(n) != 1 for n in given[4]):
        raise ExportError("Slice: only steps of 1")
    for start, end, axis in zip(starts, ends, axes, strict=True):
        # not `narrow`, which pnnx does not take further
        x = x[
            (slice(None),) * (int(axis) % x.dim()) + (slice(int(start), min(int(end), x.shape[int(axis)])),)
        ]
    out: Tensor = x
    return out


def _hard_sigmoid(given: Given, a: Attributes) -> Tensor:
    out: Tensor = (given[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1)
    return out


OPERATORS: dict[str, Callable[[Given, Attributes], Tensor | list[Tensor]]] = {
    "Add": lambda g, a: _number(g[0]) + _number(g[1]),
    "Clip": _clip,
    "Concat": lambda g, a: torch.cat(g, a["axis"]),
    "Conv": _conv,
    "Div": lambda g, a: _number(g[0]) / _number(g[1]),
    "GlobalAveragePool": lambda g, a: g[0].mean((2, 3), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda g, a: F.hardswish(g[0]),
    "LeakyRelu": lambda g, a: F.leaky_relu(g[0], a.get("alpha", 0.01)),
    "MaxPool": _max_pool,
    "Mul": lambda g, a: _number(g[0]) * _number(g[1]),
    "Relu": lambda g, a: F.relu(g[0]),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": lambda g, a: torch.sigmoid(g[0]),
    "Slice": _slice,
    "Split": _split,
    "Transpose": lambda g, a: g[0].permute(*a["perm"]),
}

"""PicoDet as a dense teacher: for every cell class scores and box distributions, at any input size and batch.

Its cells, strides and bins are those of our head (centre (index + 0.5) x stride, reg_max 7), so its outputs
are soft targets cell by cell, without any matching.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.runtime import compile_graph
from training.errors import ConfigError

# the 80 classes in COCO's order begin with these; a label outside them has no teacher
COCO_FIRST = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat")
COCO_INDEX = {name: i for i, name in enumerate(COCO_FIRST)} | {
    "bird": 14,
    "cat": 15,
    "dog": 16,
    "backpack": 24,
}
LEVELS = 4
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class Dense:
    """What the teacher says of a batch.

    Attributes:
        scores: (B, N, C) float32 in 0..1.
        distributions: (B, N, 4 x bins) float32 logits: left, top, right, bottom.
    """

    scores: NDArray[np.float32]
    distributions: NDArray[np.float32]


def free_shapes(path: Path, size: tuple[int, int]) -> bytes:
    """The teacher's ONNX file with a free batch and another input size (height, width).

    Its channel shuffles hold fixed shapes in Reshape constants; those are rewritten, ending in -1 where they
    can.
    """
    import onnx  # heavy, and only the cache needs it
    from onnx import numpy_helper

    proto = onnx.load(path)
    old = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim[2:]]
    used = {node.input[1] for node in proto.graph.node if node.op_type == "Reshape"}
    tensors = [(t.name, t) for t in proto.graph.initializer]
    tensors += [(n.output[0], n.attribute[0].t) for n in proto.graph.node if n.op_type == "Constant"]
    for name, tensor in tensors:
        if name not in used:
            continue
        shape = numpy_helper.to_array(tensor).copy()
        if shape[-1] == -1:
            shape[0] = 0
        else:
            shape[-2:], shape[0] = shape[-2:] * size // old, -1
        tensor.CopyFrom(numpy_helper.from_array(shape, name))
    del proto.graph.value_info[:]
    for value in proto.graph.input:
        _free(value, (0, 2, 3))
    for value in proto.graph.output:
        _free(value, (0, 1))
    return bytes(proto.SerializeToString())


def _free(value: Any, axes: Sequence[int]) -> None:
    for axis in axes:
        dim = value.type.tensor_type.shape.dim[axis]
        dim.Clear()
        dim.dim_param = f"d{axis}"


def columns_of(labels: Sequence[str]) -> list[int]:
    """COCO's numbers (from 0) of our classes; those that COCO's 80 have not are an error."""
    unknown = [name for name in labels if name not in COCO_INDEX]
    if unknown:
        raise ConfigError(f"the dense teacher does not know {', '.join(unknown)}: train without teachers")
    return [COCO_INDEX[name] for name in labels]


class DenseTeacher:
    """PicoDet-S (80 COCO classes, reg_max 7) compiled for one input size."""

    def __init__(self, path: Path, labels: Sequence[str], size: tuple[int, int], threads: int = 1) -> None:
        """`labels`: our classes; `size`: (height, width)."""
        self.columns = columns_of(labels)
        self.run = compile_graph(free_shapes(path, size), (3, *size), threads)

    def __call__(self, images: NDArray[np.uint8]) -> Dense:
        """Look at pictures (B, H, W, 3) uint8 BGR."""
        x = (images[..., ::-1].astype(np.float32) / 255 - MEAN) / STD
        out = self.run(np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=np.float32))
        scores = np.concatenate([o[..., self.columns] for o in out[:LEVELS]], 1)
        return Dense(scores, np.concatenate(out[LEVELS:], 1))

"""Static int8: QDQ nodes, activations by percentile over real pictures, weights per channel.

Decoding (softmax, boxes, sigmoid) stays in float. Weights use 7 of 8 bits, because processors without VNNI
add pairs of 8-bit products in 16 bits and would saturate: the file then gives the same results everywhere.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ExportError

log = logging.getLogger(__name__)

QUANTISED = ("Conv", "Relu", "Clip", "Add", "Concat", "Resize")


@dataclass(frozen=True, kw_only=True)
class Int8Config:
    """How a float model becomes an int8 one.

    Attributes:
        images: Calibration pictures.
        percentile: Share of activations, in percent, that the range covers.
        chunk: Pictures whose activations are held in memory together.
        max_loss: Largest fall of the mean AP (points) before layers stay in float.
    """

    images: int = 320
    percentile: float = 99.999
    chunk: int = 8
    max_loss: float = 0.5


class Pictures:
    """Calibration pictures, one by one, in ranges (the reader that ONNX Runtime's calibration wants)."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        """`images`: (n, H, W, 3) uint8, letterboxed."""
        self.images, self.at, self.end = images, 0, len(images)

    def __len__(self) -> int:
        return len(self.images)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Pictures start_index … end_index - 1 come next."""
        self.at, self.end = start_index, end_index

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next picture (1, H, W, 3), or None at the end of the range."""
        if self.at >= self.end:
            return None
        self.at += 1
        return {"image": self.images[self.at - 1 : self.at]}

    def __iter__(self) -> "Pictures":
        return self

    def __next__(self) -> dict[str, NDArray[np.uint8]]:
        picture = self.get_next()
        if picture is None:
            raise StopIteration
        return picture


def float_initialisers(proto: Any) -> Any:
    """Undo `graph.store_as_half`: plain float32 initialisers, which the quantiser needs."""
    from onnx import numpy_helper  # heavy

    halves = {t.name: t for t in proto.graph.initializer if t.name.endswith(".half")}
    for node in [n for n in proto.graph.node if n.op_type == "Cast" and n.input[0] in halves]:
        values = numpy_helper.to_array(halves[node.input[0]]).astype(np.float32)
        halves[node.input[0]].CopyFrom(numpy_helper.from_array(values, node.output[0]))
        proto.graph.node.remove(node)
    return proto


def convolutions(proto: Any) -> list[str]:
    """Names of the convolutions in the order of the graph."""
    return [node.name for node in proto.graph.node if node.op_type == "Conv"]


def decoding(proto: Any) -> list[str]:
    """Names of the nodes that no convolution comes after: decoding, kept in float."""
    reaches: set[str] = set()  # tensors from which a convolution is fed
    names = []
    for node in reversed(proto.graph.node):
        if node.op_type == "Conv" or reaches.intersection(node.output):
            reaches.update(node.input)
        else:
            names.append(node.name)
    return names


def quantise(
    source: Path, target: Path, images: NDArray[np.uint8], keep: Sequence[str], config: Int8Config
) -> None:
    """Write the int8 form of an exported model.

    Args:
        source: As `export_onnx` writes it.
        target: The file to write.
        images: (n, H, W, 3) uint8 calibration pictures, letterboxed.
        keep: Names of nodes that stay in float besides the decoding.
        config: Settings.
    """
    import onnx  # heavy
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    if len(images) % config.chunk:
        raise ExportError(f"int8: {len(images)} calibration pictures are not a multiple of {config.chunk}")
    proto = float_initialisers(onnx.load(source))
    part = target.with_suffix(".onnx.part")
    quantize_static(
        proto,
        part,
        Pictures(images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTISED),
        nodes_to_exclude=[*decoding(proto), *keep],
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibStridedMinMax": config.chunk, "CalibPercentile": config.percentile},
    )
    part.replace(target)

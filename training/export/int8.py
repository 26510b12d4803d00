"""Static int8: QDQ nodes, activations by percentile over real pictures, weights per channel.

Decoding (softmax, boxes, sigmoid) stays in float. Weights use 7 of 8 bits, because processors without VNNI
add pairs of 8-bit products in 16 bits and would saturate: the file then gives the same results everywhere.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.export.bias import correct_biases
from training.files import write_whole
from training.progress import Progress

Ranges = dict[str, tuple[np.float32, np.float32]]
"""Lowest and highest value of each activation."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What real pictures say about a model's activations.

    Attributes:
        ranges: By the name of the tensor.
        means: (C,) of each convolution's input, by the name of the tensor.
    """

    ranges: Ranges
    means: Mapping[str, NDArray[np.float64]]


JUDGE = "/quality."  # in the names of that branch's nodes
QUANTISED = ("Conv", "Relu", "Clip", "Add", "Concat", "Resize")


@dataclass(frozen=True, kw_only=True)
class Int8Config:
    """How a float model becomes an int8 one.

    Attributes:
        images: Calibration pictures.
        percentile: Share of activations, in percent, that the range covers.
        values: Values of a tensor drawn from each picture; the percentile is taken over all of them.
        max_loss: Largest fall of the mean AP (points) at any size before layers stay in float.
        float_groups: Groups of layers that may then stay in float, the most sensitive first.
        probe: Pictures that the groups are compared on.
    """

    images: int = 320
    percentile: float = 99.999
    values: int = 4096
    max_loss: float = 0.5
    float_groups: int = 2
    probe: int = 24


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
    """Names of the nodes that no convolution comes after: decoding, kept in float.

    The quality branch of GFL v2 reads softmaxed boxes; it belongs to the decoding.
    """
    feeding: set[str] = set()
    names = []
    for node in reversed(proto.graph.node):
        network = node.op_type == "Conv" and JUDGE not in node.name
        if network or feeding.intersection(node.output):
            feeding.update(node.input)
        else:
            names.append(node.name)
    return names


def float_activations(proto: Any, skipped: Sequence[str]) -> list[str]:
    """Names of the float tensors between the nodes that are not `skipped`; `proto` with inferred types."""
    from onnx import TensorProto  # heavy

    kinds = {v.name: v.type.tensor_type.elem_type for v in proto.graph.value_info}
    made = [name for node in proto.graph.node if node.name not in set(skipped) for name in node.output]
    return [name for name in made if kinds.get(name) == TensorProto.FLOAT]


def observe(
    proto: Any, names: Sequence[str], pictures: Sequence[NDArray[np.uint8]], config: Int8Config
) -> Calibration:
    """Ranges of activations: the percentile, from below and above, of values drawn from all pictures.

    Args:
        proto: A model with input `image`.
        names: Its tensors to watch.
        pictures: (H, W, 3) uint8 each, letterboxed, of all sizes that the model is made for.
        config: Percentile and values per picture.
    """
    import onnx  # heavy
    import onnxruntime as ort  # heavy

    watched = onnx.ModelProto()
    watched.CopyFrom(proto)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = ort.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    values = np.empty((len(names), len(pictures), config.values), np.float32)
    fed = {node.input[0] for node in proto.graph.node if node.op_type == "Conv"}.intersection(names)
    means: dict[str, Any] = dict.fromkeys(sorted(fed), 0.0)
    progress = Progress("calibration", "pictures")
    for k, picture in enumerate(pictures):
        tensors = session.run(None, {"image": picture[None]})
        for name, row, tensor in zip(names, values, tensors, strict=True):
            row[k] = tensor.ravel()[rng.integers(0, tensor.size, config.values)]
            if name in fed:
                means[name] = means[name] + tensor.mean((0, 2, 3), np.float64) / len(pictures)
        progress.at(k + 1, len(pictures))
    tail = 100 - config.percentile
    ranges = {}
    for name, row in zip(names, values, strict=True):
        low, high = np.percentile(row, (tail, config.percentile))
        ranges[name] = (np.float32(min(low, 0)), np.float32(max(high, 1e-6)))
    return Calibration(ranges=ranges, means=means)


def quantise(
    source: Path,
    target: Path,
    calibration: Calibration,
    keep: Sequence[str],
) -> None:
    """Write the int8 form of an exported model.

    Args:
        source: As `export_onnx` writes it.
        target: The file to write.
        calibration: As `calibrate` returns it.
        keep: Names of nodes that stay in float besides the decoding.

    Raises:
        OutputError: The file cannot be written; nothing is left half-written.
    """
    import onnx  # heavy
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    proto = float_initialisers(onnx.load(source))
    data = {name: TensorData(lowest=low, highest=high) for name, (low, high) in calibration.ranges.items()}
    quantizer = QDQQuantizer(
        onnx.shape_inference.infer_shapes(proto),
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=[*decoding(proto), *keep],
        op_types_to_quantize=list(QUANTISED),
        extra_options={},
    )
    with _quiet():
        quantizer.quantize_model()
    small = quantizer.model.model
    correct_biases(small, proto, calibration.means)
    drop_unused(small)
    write_whole(target, small.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser tells the root logger of every scale that it widens: hundreds of lines."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def drop_unused(proto: Any) -> None:
    """Remove constants that nothing reads (the limits of clips that became part of a quantisation)."""
    read = {name for node in proto.graph.node for name in node.input} | {o.name for o in proto.graph.output}
    for node in [n for n in proto.graph.node if n.op_type == "Constant" and n.output[0] not in read]:
        proto.graph.node.remove(node)
    for tensor in [t for t in proto.graph.initializer if t.name not in read]:
        proto.graph.initializer.remove(tensor)


def calibrate(source: Path, pictures: Sequence[NDArray[np.uint8]], config: Int8Config) -> Calibration:
    """What pictures (H, W, 3) uint8 say of an exported model's activations before the decoding."""
    import onnx  # heavy

    proto = onnx.shape_inference.infer_shapes(float_initialisers(onnx.load(source)))
    return observe(proto, float_activations(proto, decoding(proto)), pictures, config)

"""Whether the weights of a file obey the pattern, layer by layer."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from training.errors import CheckpointError, ExportError
from training.sparsity.pattern import GROUP, PATTERN, SparsityConfig, broken_groups, is_eligible

WHAT_IT_BRINGS = (
    "Of every four weights along the inputs of the convolutions that are held, two are zero. Tensor cores of "
    "NVIDIA GPUs from compute capability 8.0 on (Ampere and later) can skip them, in a runtime that is told "
    "to. On CPUs, on other GPUs and in the size of the file this brings nothing."
)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of norms: measured, not learnt
SAID = "sparsity"  # the key in a card's `measured` and in the metadata of a checkpoint


@dataclass(frozen=True, kw_only=True)
class LayerPattern:
    """An eligible weight.

    Attributes:
        name: Of the weight.
        shape: (out, in, h, w).
        zeros: Values that are zero.
        broken: Groups of four with more than two values that are not.
    """

    name: str
    shape: tuple[int, ...]
    zeros: int
    broken: int

    @property
    def size(self) -> int:
        """Number of its values."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, kw_only=True)
class SparsityReport:
    """The eligible weights of a file.

    Attributes:
        path: The file.
        layers: Its eligible weights.
        parameters: All that it learnt.
        zeros: Of these, what is zero.
        said: Whether the file or its card says that it is 2:4.
    """

    path: Path
    layers: tuple[LayerPattern, ...]
    parameters: int
    zeros: int
    said: bool

    @property
    def broken(self) -> tuple[LayerPattern, ...]:
        """The layers that break the pattern."""
        return tuple(layer for layer in self.layers if layer.broken)

    @property
    def eligible(self) -> float:
        """Share of the parameters that the eligible weights are."""
        return sum(layer.size for layer in self.layers) / max(1, self.parameters)

    def table(self) -> str:
        """A line for each layer, and what it comes to."""
        lines = [f"{'weight':44s}{'out x in x h x w':>20s}{'zeros':>8s}{'groups':>9s}{'broken':>8s}"]
        for layer in self.layers:
            shape = " x ".join(map(str, layer.shape))
            share, groups = 100 * layer.zeros / layer.size, layer.size // GROUP
            lines.append(f"{layer.name:44s}{shape:>20s}{share:7.1f}%{groups:9d}{layer.broken:8d}")
        obeys = len(self.layers) - len(self.broken)
        lines += [
            f"{self.path.name}: {obeys} of {len(self.layers)} eligible weights obey {PATTERN}; they are "
            f"{100 * self.eligible:.1f} % of {self.parameters} parameters, of which "
            f"{100 * self.zeros / max(1, self.parameters):.1f} % are zero",
            f"its card says {PATTERN}" if self.said else f"nothing says that it is {PATTERN}",
        ]
        return "\n".join(lines)

    def check(self) -> None:
        """Hold the file to what its card says.

        Raises:
            ExportError: The pattern is broken where it should not be.
        """
        if self.said and (self.broken or not self.layers):
            first = self.broken[0].name if self.broken else "no weight is eligible"
            raise ExportError(
                f"{self.path}: it is to be {PATTERN}, but {len(self.broken)} weights break the pattern "
                f"({first}): export it again from the weights of its sparse stage, or take the word from "
                "the card"
            )

    def facts(self) -> dict[str, Any]:
        """What the card of a sparse model says of it."""
        return {
            SAID: PATTERN,
            "sparsity_share_of_parameters": round(self.eligible, 3),
            "sparsity_brings": WHAT_IT_BRINGS,
        }


def report_of(path: Path, config: SparsityConfig | None = None, said: bool | None = None) -> SparsityReport:
    """Read a checkpoint's `.safetensors` or an exported `.onnx`.

    Args:
        path: The file.
        config: Which weights are eligible; None: as by default.
        said: Whether it must be 2:4; None: as the file's metadata or the model's card say.

    Raises:
        CheckpointError: A checkpoint that cannot be read.
        ExportError: An ONNX file or a card that cannot be read, or another kind of file.
    """
    match path.suffix:
        case ".safetensors":
            learnt, says = _checkpoint(path)
        case ".onnx":
            learnt, says = dict(_of_onnx(path)), _said_by_card(path.with_suffix(".json"))
        case _:
            raise ExportError(f"{path}: expected a checkpoint (.safetensors) or a model (.onnx)")
    return SparsityReport(
        path=path,
        layers=tuple(_layers(learnt, config or SparsityConfig())),
        parameters=sum(value.numel() for value in learnt.values()),
        zeros=sum(int((value == 0).sum()) for value in learnt.values()),
        said=says if said is None else said,
    )


def _layers(learnt: Mapping[str, Tensor], config: SparsityConfig) -> Iterator[LayerPattern]:
    for name, value in learnt.items():
        if is_eligible(value.shape, config):
            yield LayerPattern(
                name=name,
                shape=tuple(value.shape),
                zeros=int((value == 0).sum()),
                broken=broken_groups(value),
            )


def _checkpoint(path: Path) -> tuple[dict[str, Tensor], bool]:
    """What a checkpoint learnt, and whether it says that it is sparse."""
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if not name.endswith(STATISTICS)]  # noqa: SIM118 - no dict
            return {name: file.get_tensor(name) for name in names}, SAID in (file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file that can be read ({error})") from error


def _said_by_card(path: Path) -> bool:
    """Whether a card says that its model is sparse; False without a card."""
    if not path.exists():
        return False
    try:
        return bool(json.loads(path.read_text())["measured"].get(SAID) == PATTERN)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ExportError(f"{path}: not a card that can be read ({error!r})") from error


class _Constants:
    """The constants of an ONNX graph, looked up through a Cast (float16) or a DequantizeLinear (int8)."""

    def __init__(self, graph: Any) -> None:
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {output: node for node in graph.node for output in node.output}

    def get(self, name: str) -> NDArray[Any] | None:
        """A value that is zero where the runtime computes with zero; None: it is not constant."""
        from onnx import numpy_helper

        if name in self.tensors:
            return np.asarray(numpy_helper.to_array(self.tensors[name]))
        node = self.makers.get(name)
        if node is None or node.op_type not in ("Cast", "DequantizeLinear"):
            return None
        value = self.get(node.input[0])
        if value is None or node.op_type == "Cast" or len(node.input) < 3:
            return value
        zero = self.get(node.input[2])
        if zero is None:
            return None
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [-1 if k == axis else 1 for k in range(value.ndim)] if zero.ndim else []
        return value.astype(np.int64) - zero.astype(np.int64).reshape(shape)


def _of_onnx(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Weights and biases of all convolutions; depthwise weights have one input a group: never eligible."""
    import onnx  # heavy
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path).graph
    except (OSError, DecodeError) as error:
        raise ExportError(f"{path}: not an ONNX file that can be read ({error})") from error
    constants = _Constants(graph)
    for node in graph.node:
        for name in node.input[1:] if node.op_type == "Conv" else ():
            value = constants.get(name)
            if value is not None:
                yield name, torch.from_numpy(value.copy())

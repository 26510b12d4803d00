"""What int8 costs, layer by layer: the error of the scores when one group of layers, or all but one, is int8.

The error is the mean difference from the float model's scores in the cells where that model sees something.
It takes seconds where AP takes minutes, and ranks the groups.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.export.int8 import Calibration, decoding, float_initialisers, quantise
from training.models.backbone import LOW_BLOCKS, TAPS
from training.progress import Progress

SEEN = 0.3  # cells with such a score in the float model count
EARLY_BLOCKS = 2
TOGETHER = 4  # layers of the papers' backbones in one group


@dataclass(frozen=True, kw_only=True)
class GroupError:
    """What int8 does to one group of layers.

    Attributes:
        group: Its name.
        layers: Convolutions in it.
        alone: Mean error of the scores when it alone is int8.
        in_float: The same when it alone stays in float.
    """

    group: str
    layers: int
    alone: float
    in_float: float


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Errors by group, and of the whole.

    Attributes:
        everything: Mean error of the scores when all groups are int8.
        groups: In the order of the graph.
        names: Nodes of each group.
    """

    everything: float
    groups: tuple[GroupError, ...]
    names: Mapping[str, tuple[str, ...]]

    def ranked(self) -> list[str]:
        """Names of the groups, the one that gains most by staying in float first."""
        return [g.group for g in sorted(self.groups, key=lambda g: g.in_float)]

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values."""
        return {"everything_int8": self.everything, "groups": [asdict(g) for g in self.groups]}

    def table(self) -> str:
        """The table as text."""
        head = f"{'group':28s} layers  it alone int8  it alone float"
        rows = [f"{g.group:28s}{g.layers:7d}{g.alone:15.4f}{g.in_float:16.4f}" for g in self.groups]
        return "\n".join([head, *rows, f"{'everything int8':35s}{self.everything:15.4f}"])


def group_of(node: str) -> str | None:
    """The group of a node by its name in the exported graph; None for what belongs to none.

    >>> group_of("/model/backbone/blocks.3/expand/Conv")
    'backbone to stride 8'
    """
    parts = node.strip("/").split("/")
    match parts:
        case ["model", "backbone", "stem" | "blocks.0" | "blocks.1", *_]:
            return f"stem and first {EARLY_BLOCKS} blocks"
        case ["model", "backbone", block, *_] if block.startswith("blocks."):
            number = int(block.removeprefix("blocks."))
            if number < LOW_BLOCKS:
                return "backbone to stride 8"
            return "backbone to stride 16" if number <= TAPS[1] else "backbone to stride 32"
        case ["model", "backbone", layer, *_] if layer.startswith("layers."):
            first = int(layer.removeprefix("layers.")) // TOGETHER * TOGETHER
            return f"backbone, layers {first} to {first + TOGETHER - 1}"
        case ["model", "neck", *_]:
            return "neck"
        case ["model", "head", part, *_]:
            return "head, last 1x1" if part.startswith("out.") else "head, towers"
        case _:
            return None


def node_groups(proto: Any) -> dict[str, tuple[str, ...]]:
    """Names of the nodes before the decoding, by group, in the order of the graph."""
    skipped, groups = set(decoding(proto)), dict[str, list[str]]()
    for node in proto.graph.node:
        group = group_of(node.name)
        if group is not None and node.name not in skipped:
            groups.setdefault(group, []).append(node.name)
    return {group: tuple(names) for group, names in groups.items()}


def measure(source: Path, calibration: Calibration, pictures: Sequence[NDArray[np.uint8]]) -> Sensitivity:
    """Quantise an exported model group by group and compare its scores.

    Args:
        source: As `export_onnx` writes it.
        calibration: Of its activations, as `calibrate` returns it.
        pictures: (H, W, 3) uint8 each, letterboxed.
    """
    import onnx  # heavy

    proto = float_initialisers(onnx.load(source))
    names = node_groups(proto)
    layers = {node.name for node in proto.graph.node if node.op_type == "Conv"}
    every = [name for group in names.values() for name in group]
    exact = _scores(source, pictures)
    progress = Progress("int8 by groups of layers", "groups")
    with TemporaryDirectory() as folder:
        error = _error_of(source, Path(folder) / "part.onnx", calibration, pictures, exact)
        groups = []
        for group, own in names.items():
            others = [name for name in every if name not in own]
            groups.append(
                GroupError(
                    group=group,
                    layers=len(layers.intersection(own)),
                    alone=error(others),
                    in_float=error(own),
                )
            )
            progress.at(len(groups), len(names))
        return Sensitivity(everything=error(()), groups=tuple(groups), names=names)


def _error_of(
    source: Path,
    target: Path,
    calibration: Calibration,
    pictures: Sequence[NDArray[np.uint8]],
    exact: Sequence[NDArray[np.float32]],
) -> Callable[[Sequence[str]], float]:
    """The error of the int8 form in which the nodes of these names stay in float."""

    def error(keep: Sequence[str]) -> float:
        quantise(source, target, calibration, keep)
        coarse = _scores(target, pictures)
        gaps = [np.abs(a - b)[a > SEEN] for a, b in zip(exact, coarse, strict=True)]
        together = np.concatenate(gaps)
        return round(float(together.mean()), 5) if together.size else 0.0

    return error


def _scores(model: Path, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    import onnxruntime as ort  # heavy

    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return [session.run(["scores"], {"image": picture[None]})[0] for picture in pictures]
